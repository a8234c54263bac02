"""Which answers over HTTP come in one piece: a stream of events costs more than a search does."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from mcp_types import JSONRPCMessage, JSONRPCRequest

_in_one_piece = ContextVar("in_one_piece", default=False)


class OnePiece:
    """The SDK's switch between a JSON document and a stream of events, for the request of this task.

    In one piece is the answer to a call of a tool that ends soon, by a client that asked for no
    progress. A stream keeps the connection of a long call in use by its pings.
    """

    def __init__(self, is_short: Callable[[str], bool]) -> None:
        """Switch by the names of the tools whose calls are short."""
        self._is_short = is_short

    def heed(self, message: JSONRPCMessage | None) -> None:
        """Choose the answer to a message. A connection's requests may share a context, so each one chooses."""
        _in_one_piece.set(
            isinstance(message, JSONRPCRequest)
            and message.method == "tools/call"
            and self._is_plain(message.params or {})
        )

    def _is_plain(self, params: Mapping[str, Any]) -> bool:
        meta = params.get("_meta")
        if isinstance(meta, Mapping) and "progressToken" in meta:
            return False
        return self._is_short(str(params.get("name")))

    def __bool__(self) -> bool:
        """Return whether the answer comes in one piece."""
        return _in_one_piece.get()
