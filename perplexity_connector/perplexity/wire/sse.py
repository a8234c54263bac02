"""Decode server-sent events from bytes, in any pieces. No I/O.

Follows the HTML specification of event streams, with one addition: an event at the very end
counts without its blank line, because a provider may close right after its last event.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

BOM = b"\xef\xbb\xbf"
_BLANK_LINE = b"\n\n"
# The form of nearly all of the provider's events (docs/provider.md, "Agent stream"): read in one
# step instead of line by line. `feed` does not try it on a chunk with a CR, which may end a line.
_LONGEST_NAME = 100
_USUAL_FORM = rb"event: ([^\n]{0,%d})\ndata: ([^\n]*)\n\n" % _LONGEST_NAME
USUAL = re.compile(_USUAL_FORM)


class ServerEvent(NamedTuple):
    """One event: its `event:` name, empty if it has none, and its data, not yet decoded."""

    name: str
    data: bytes


# An event, or the bytes of several that stay together: `usual_events` reads them.
Received: TypeAlias = ServerEvent | bytes


def usual_form(unread: bytes) -> re.Pattern[bytes]:
    """Return a form for `EventDecoder`, in which some events stay together, unread.

    `unread` is the pattern of their names, which may not be longer than those of `USUAL`.
    """
    name = rb"(?=[^\n]{0,%d}\n)%b" % (_LONGEST_NAME, unread)
    return re.compile(rb"(?:event: %b\ndata: [^\n]*\n\n)++|%b" % (name, _USUAL_FORM))


def usual_events(unread: bytes) -> Iterator[ServerEvent]:
    """Yield the events that stayed together."""
    return map(_usual_event, USUAL.finditer(unread))


class EventDecoder:
    """Turn chunks into events. Lines end with LF, CRLF or CR and nothing else: U+2028 is text.

    * `_usual`: the form of the events that are read in one step.
    * `_held`: chunks that do not make a whole line yet.
    * `_name`, `_data`: the lines of the event that has begun.
    * `_at_start`: true before the first line, which may begin with a byte order mark.
    """

    __slots__ = ("_at_start", "_data", "_held", "_name", "_usual")

    def __init__(self, usual: re.Pattern[bytes] = USUAL) -> None:
        """Begin at the start of a stream. `usual` is `USUAL`, or made by `usual_form`."""
        self._usual = usual
        self._held: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._at_start = True

    def feed(self, chunk: bytes) -> Sequence[Received]:
        """Return the events that this chunk completes."""
        if self._held or self._data or self._name:
            return self._finish(chunk)
        if b"\r" in chunk:
            return self._read(chunk)
        events: list[Received] = []
        at = 0
        while usual := self._usual.match(chunk, at):
            events.append(_usual_event(usual) if usual.lastindex else usual[0])
            at = usual.end()
        if not at:
            return self._read(chunk)
        self._at_start = False
        return [*events, *self._read(chunk[at:])] if at < len(chunk) else events

    def _finish(self, chunk: bytes) -> Sequence[Received]:
        """Read the event that has begun line by line, and those after it in one step."""
        end = chunk.find(_BLANK_LINE) + len(_BLANK_LINE)
        if not len(_BLANK_LINE) <= end < len(chunk):
            return self._read(chunk)
        return [*self._read(chunk[:end]), *self.feed(chunk[end:])]

    def close(self) -> Sequence[ServerEvent]:
        """Return the event at the end that has no blank line after it, if any."""
        lines = b"".join(self._held).splitlines()
        self._held = []
        return self._events((*lines, b""))

    def _read(self, chunk: bytes) -> Sequence[ServerEvent]:
        self._held.append(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            return ()
        lines = b"".join(self._held).splitlines(keepends=True)
        # A CR at the end may be the first half of a CRLF. Without a line end, the line may go on.
        self._held = [] if lines[-1].endswith(b"\n") else [lines.pop()]
        return self._events([line.rstrip(b"\r\n") for line in lines])

    def _events(self, lines: Sequence[bytes]) -> Sequence[ServerEvent]:
        events = (self._line(line) for line in lines)
        return [event for event in events if event is not None]

    def _line(self, line: bytes) -> ServerEvent | None:
        if self._at_start:
            line, self._at_start = line.removeprefix(BOM), False
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
        if not data:
            return None
        return ServerEvent(name.decode("utf-8", "replace"), b"\n".join(data))


def _usual_event(found: re.Match[bytes]) -> ServerEvent:
    return ServerEvent(_name(found[1]), found[2])


@functools.lru_cache(maxsize=64)
def _name(name: bytes) -> str:
    # A stream has hundreds of events with a few names, none of them long.
    return name.decode("utf-8", "replace")


def without_bom(body: bytes) -> bytes:
    """Return a body without a byte order mark and the blanks before and after it."""
    return body.lstrip().removeprefix(BOM).lstrip()
