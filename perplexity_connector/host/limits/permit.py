"""The permit of a request: faster than a generator."""

from collections.abc import Callable
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
