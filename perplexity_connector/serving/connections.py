"""Connections of clients: strangers are counted apart, so that they cannot shut the others out."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_STRANGERS = 256
STRANGER_SECONDS = 5.0
# The key in the state of a request under which its connection's `admit` is.
_ADMIT = "admit"
_Admit: TypeAlias = Callable[[], bool]


class CountedConnection(H11Protocol):
    """A connection, which is a stranger until one of its requests is admitted.

    A stranger is closed after `STRANGER_SECONDS`, or when it is the oldest of more than
    `MOST_STRANGERS`. Addresses are not counted: on loopback all clients have the same one.

    * `patience`: the timer that closes a stranger; cancelled once the connection is admitted.
    * `_most`: how many admitted connections there may be.
    """

    patience: asyncio.TimerHandle
    _most: int | None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Begin as a stranger."""
        super().connection_made(transport)
        # uvicorn's own limit counts silent connections too.
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self.app_state = self.app_state | {_ADMIT: self.admit}
        # Not `close`: that would wait for a client that does not read.
        self.patience = self.loop.call_later(STRANGER_SECONDS, transport.abort)
        strangers = list(filter(_is_stranger, self._counted()))
        if len(strangers) > MOST_STRANGERS:
            oldest = min(strangers, key=_deadline)
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self.patience.cancel()
        super().connection_lost(exc)

    @property
    def is_admitted(self) -> bool:
        """Whether one of its requests was admitted."""
        return self.patience.cancelled()

    def admit(self) -> bool:
        """Count this connection among the admitted ones, if there is room. Return whether it is."""
        admitted = sum(one.is_admitted for one in self._counted())
        if self._most is None or admitted < self._most:
            self.patience.cancel()
        return self.is_admitted

    def _counted(self) -> "Iterator[CountedConnection]":
        return (one for one in self.connections if isinstance(one, CountedConnection))


def _is_stranger(connection: CountedConnection) -> bool:
    # A connection that is closed is forgotten a moment later.
    return not (connection.is_admitted or connection.transport.is_closing())


def _deadline(stranger: CountedConnection) -> float:
    return stranger.patience.when()


def refuse_if_full(request: Request) -> Response | None:
    """Admit the connection of a good request, or return the answer that says the server is full.

    A server that does not count its connections has room for all.
    """
    admit: _Admit | None = request.scope.get("state", {}).get(_ADMIT)
    if admit is None or admit():
        return None
    return PlainTextResponse("Too many connections.", 503, {"Retry-After": "1"})
