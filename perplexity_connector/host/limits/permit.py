"""The permit of a request, and that of a run's request: faster than generators."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol


class Limit(Protocol):
    """A limiter whose permits begin and end."""

    async def begin(
        self, deadline: float, waiting: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Begin a permit."""

    def end(self) -> None:
        """End a permit that has begun."""


class Permit(AbstractAsyncContextManager[None]):
    """A permit of `_limiter`; the rest is as in `RateLimiter.permit`."""

    def __init__(
        self,
        limiter: Limit,
        deadline: float,
        waiting: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Begin when it is entered."""
        self._limiter = limiter
        self._deadline = deadline
        self._waiting = waiting

    async def __aenter__(self) -> None:
        """Wait for the turn."""
        await self._limiter.begin(self._deadline, self._waiting)

    async def __aexit__(self, *_: object) -> None:
        """Give the place up."""
        self._limiter.end()


class RunPermit(AbstractAsyncContextManager[None]):
    """The permit of a run's request: that of the limit, and the run's last step before it is sent.

    * `_reserve`: prepares the request, and returns the permit of the limit to wait for.
    * `_begin`: takes the run's last step.
    * `_permit`: the permit of the limit, from `_reserve`.
    """

    __slots__ = ("_begin", "_permit", "_reserve")

    def __init__(
        self,
        reserve: Callable[[], Awaitable[AbstractAsyncContextManager[None]]],
        begin: Callable[[], Awaitable[None]],
    ) -> None:
        """Wait for nothing yet."""
        self._reserve = reserve
        self._begin = begin

    async def __aenter__(self) -> None:
        """Wait for the permit, then take the last step. If that fails, give the permit up."""
        self._permit = await self._reserve()
        await self._permit.__aenter__()
        try:
            await self._begin()
        except BaseException:
            await self._permit.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the permit up."""
        await self._permit.__aexit__(None, None, None)
