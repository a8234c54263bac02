"""The permit of a request, and the turn of a run that holds one: faster than generators."""

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


class Turn(AbstractAsyncContextManager[None]):
    """The turn of a run's request.

    * `_wait`: waits for the permit of the run's limit, and returns it.
    * `_begin`: the run's last step before the request is sent.
    * `_permit`: the permit, once the turn has come.
    """

    __slots__ = ("_begin", "_permit", "_wait")

    def __init__(
        self,
        wait: Callable[[], Awaitable[AbstractAsyncContextManager[None]]],
        begin: Callable[[], Awaitable[None]],
    ) -> None:
        """Wait for nothing before it is entered."""
        self._wait = wait
        self._begin = begin

    async def __aenter__(self) -> None:
        """Wait for the turn. If the run's last step fails, the permit is given up."""
        self._permit = await self._wait()
        try:
            await self._begin()
        except BaseException:
            await self._permit.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the permit up."""
        await self._permit.__aexit__(None, None, None)
