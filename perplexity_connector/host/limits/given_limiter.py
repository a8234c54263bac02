"""The turns of a run's requests with a limiter that the operator brought."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
)
from typing import Protocol

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    Limiter,
    repeating,
)
from perplexity_connector.host.limits.rate_limiter import MARGIN_S, too_late_error

_LOG = logging.getLogger("automation_host")


class Turns(Protocol):
    """What a run needs of a limit; `RateLimiter` explains each method."""

    def permit(
        self, deadline: float, waiting: Callable[[], AbstractContextManager[None]]
    ) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, and hold it."""
        ...

    def observe(
        self, limit: int | None, remaining: int | None, resets_at: float | None
    ) -> None:
        """Read the rate headers of a response."""

    def refuse(self, retry_after: float | None) -> None:
        """Learn that the provider refused a request."""

    def seconds_for(self, requests: int) -> float | None:
        """Return how long so many requests take; None if the limit is not known."""
        ...


class GivenTurns:
    """`Turns` of one key and one action, over a `Limiter` that may fail."""

    def __init__(self, limiter: Limiter, key_id: str, action: str) -> None:
        """Ask `limiter` for the turns of `action`."""
        self._limiter = limiter
        self._key_id = key_id
        self._action = action

    @asynccontextmanager
    async def permit(
        self, deadline: float, waiting: Callable[[], AbstractContextManager[None]]
    ) -> AsyncIterator[None]:
        """Wait for a turn, and hold it until the response begins.

        Raises `ConnectorError`: the limiter's own, `rate_limited` at the deadline, `unavailable` if
        the limiter fails.
        """
        with waiting():
            turn = await self._begin(deadline)
        try:
            yield
        finally:
            await self._end(turn)

    def observe(
        self, limit: int | None, remaining: int | None, resets_at: float | None
    ) -> None:
        """Pass the rate headers of a response on."""
        self._observe(limit, remaining, resets_at, None)

    def refuse(self, retry_after: float | None) -> None:
        """Pass a refusal on, with the usual wait if its own is not known."""
        wait = repeating.usable(retry_after) or repeating.FIRST_BACK_OFF_S
        self._observe(None, None, None, wait)

    def seconds_for(self, requests: int) -> float | None:
        """Return None: the operator's limiter does not say it."""
        del requests
        return None

    async def _begin(self, deadline: float) -> AbstractAsyncContextManager[object]:
        timer = asyncio.timeout(deadline - MARGIN_S - time.monotonic())
        try:
            turn = self._limiter.acquire(self._key_id, self._action)
            async with timer:
                await turn.__aenter__()
        except ConnectorError:
            raise
        except Exception as error:  # noqa: BLE001 - an engine's own limiter may raise anything
            if timer.expired():
                raise too_late_error(repeating.FIRST_BACK_OFF_S) from None
            raise _failed(error) from None
        return turn

    async def _end(self, turn: AbstractAsyncContextManager[object]) -> None:
        try:
            await turn.__aexit__(None, None, None)
        except Exception as error:  # noqa: BLE001 - the request was sent: its answer counts more
            _LOG.warning("The limiter failed: %s.", type(error).__name__)

    def _observe(
        self,
        limit: int | None,
        remaining: int | None,
        resets_at: float | None,
        retry_after: float | None,
    ) -> None:
        try:
            self._limiter.observe(
                self._key_id,
                self._action,
                limit=limit,
                remaining=remaining,
                resets_at=resets_at,
                retry_after=retry_after,
            )
        except Exception as error:  # noqa: BLE001 - as above
            _LOG.warning("The limiter failed: %s.", type(error).__name__)


def _failed(error: Exception) -> ConnectorError:
    # Without its text, which may name the limiter's own password.
    return ConnectorError(
        ErrorCode.UNAVAILABLE,
        f"The limiter of this host failed ({type(error).__name__}). Nothing was sent.",
        effect=Effect.NONE,
    )
