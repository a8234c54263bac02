"""Server-sent events out of bytes, however the network cut them. Pure: no I/O.

Follows the HTML standard's event-stream format, with one addition: what stands at the end without a blank line is an
event too, since a provider that closes right after its last event has still said it.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"
# An event as the provider writes nearly all of them (perplexity_api 8.1), read in one step instead of line by line.
_USUAL = re.compile(rb"event: ([^\r\n]*)\ndata: ([^\r\n]*)\n\n")


class ServerEvent(NamedTuple):
    """One event as it came: its `event:` name, empty when it had none, and its data, not decoded yet."""

    name: str
    data: bytes


class EventDecoder:
    """Turns chunks into events. Lines end with LF, CRLF or CR and with nothing else: U+2028 is text."""

    __slots__ = ("_at_start", "_data", "_held", "_name")

    def __init__(self) -> None:
        """Begin at the start of a stream."""
        self._held: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._at_start = True

    def feed(self, chunk: bytes) -> Sequence[ServerEvent]:
        """The events that this chunk completes."""
        if self._held or self._data or self._name:
            return self._read(chunk)
        events, at = [], 0
        while usual := _USUAL.match(chunk, at):
            events.append(ServerEvent(usual[1].decode("utf-8", "replace"), usual[2]))
            at = usual.end()
        if not at:
            return self._read(chunk)
        self._at_start = False
        return [*events, *self._read(chunk[at:])] if at < len(chunk) else events

    def _read(self, chunk: bytes) -> Sequence[ServerEvent]:
        self._held.append(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            return ()
        lines = b"".join(self._held).splitlines(keepends=True)
        # A CR at the very end may be the first half of CRLF; without it the last line may go on.
        self._held = [] if lines[-1].endswith(b"\n") else [lines.pop()]
        return [
            event
            for line in lines
            if (event := self._line(line.rstrip(b"\r\n"))) is not None
        ]

    def close(self) -> Sequence[ServerEvent]:
        """The event that stood at the end without its blank line, if any."""
        lines = b"".join(self._held).splitlines()
        self._held = []
        return [
            event for line in (*lines, b"") if (event := self._line(line)) is not None
        ]

    def _line(self, line: bytes) -> ServerEvent | None:
        if self._at_start:
            line, self._at_start = line.removeprefix(_BOM), False
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ")
        return None

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name, self._data
        self._name, self._data = b"", []
        return (
            ServerEvent(name.decode("utf-8", "replace"), b"\n".join(data))
            if data
            else None
        )
