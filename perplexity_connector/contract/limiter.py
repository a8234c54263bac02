"""The limit of requests that an engine brings: shared by hosts, processes or machines."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

__all__ = ["Limiter"]


class Limiter(Protocol):
    """Decide when a request may start. Given as `Host(limiter=…)`.

    `key_id` identifies the secrets of a connection: a hash in hexadecimal digits, whose first eight
    are the `fingerprint` of a stored connection; never a name or a key. `action` is the action's id.
    Both methods are called on the event loop of the host.
    """

    def acquire(self, key_id: str, action: str) -> AbstractAsyncContextManager[object]:
        """Return a context that is entered when the request may start.

        It is left when the response's headers have arrived, or the request has failed. The host
        ends the wait at the run's deadline. It may raise `ConnectorError` (`rate_limited`, with
        `retry_after`) if the wait would be too long. Any other exception fails the attempt as
        `unavailable`, and nothing is sent.
        """
        ...

    def observe(  # noqa: PLR0913 - the parts of an answer's rate headers
        self,
        key_id: str,
        action: str,
        *,
        limit: int | None,
        remaining: int | None,
        resets_at: float | None,
        retry_after: float | None,
    ) -> None:
        """Learn from a response; None for a part that is not known. Must return at once.

        `limit`, `remaining` and `resets_at` (epoch seconds) are its rate headers. `retry_after` is
        set only if the provider refused the request because of its limit: in seconds. That is a
        call of its own, after the one with the headers.
        """
