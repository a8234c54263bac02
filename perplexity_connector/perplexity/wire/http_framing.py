"""The frame of an HTTP/1.1 answer: tidy its head, and find the end of its body. Pure: no I/O."""

import re
from collections.abc import Sequence
from typing import TypeAlias

_LINE_END = re.compile(rb"\r?\n(?![ \t])")  # a line that begins with a blank goes on
# The usual size line of a chunk with data, when it arrives in one piece.
_CHUNK = re.compile(rb"([1-9A-Fa-f][0-9A-Fa-f]*)\r\n")
# The headers that say how the body ends; a line that begins with a blank goes on.
_FRAMING = re.compile(
    rb"\n(content-length|transfer-encoding)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)",
    re.IGNORECASE,
)
_LENGTH_LINE = re.compile(rb"content-length[ \t]*:", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,18}")
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")
_NO_BODY = frozenset({204, 304})
_SWITCHING_PROTOCOLS = 101


class LengthEnd:
    """Find the end of a body with a known length. `_left`: how many bytes have not arrived."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        """Begin a body of `length` bytes."""
        self._left = length

    def find(self, data: bytes) -> int | None:
        """Return where the body ends in its next bytes; None if it goes on."""
        if self._left <= len(data):
            return self._left
        self._left -= len(data)
        return None


class ChunkedEnd:
    """Find the end of a body in chunks.

    * `_left`: how many bytes of the current chunk, and of its line end, have not arrived.
    * `_line`: the beginning of a size line or a trailer whose end has not arrived.
    * `_in_trailers`: true after the last chunk. Then an empty line ends the body.
    """

    __slots__ = ("_in_trailers", "_left", "_line")

    def __init__(self) -> None:
        """Begin before the first chunk."""
        self._left = 0
        self._line = b""
        self._in_trailers = False

    def find(self, data: bytes) -> int | None:
        """Return where the body ends in its next bytes; None if it goes on.

        Raises `ValueError` for a chunk without a size.
        """
        at, self._left = self._left, 0
        while at < len(data):
            if not (self._line or self._in_trailers):
                at = _after_chunks(data, at)
            if at >= len(data):
                break
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or None]
            if not end:
                return None
            line, self._line = self._line.strip(), b""
            if self._in_trailers and not line:
                return end
            at = end if self._in_trailers else end + self._size(line)
        self._left = at - len(data)
        return None

    def _size(self, line: bytes) -> int:
        """Return the size of the chunk with this size line; 0 for the last chunk."""
        size = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]+", size):
            message = "a chunk without a size"
            raise ValueError(message)
        length = int(size, 16)
        self._in_trailers = length == 0
        return _with_line_end(length) if length else 0


def _after_chunks(data: bytes, at: int) -> int:
    """Return where the chunks end that begin here, one after the other; maybe after the data."""
    match = _CHUNK.match
    while chunk := match(data, at):
        at = chunk.end() + int(chunk[1], 16) + len(b"\r\n")
    return at


def _with_line_end(length: int) -> int:
    return length + len(b"\r\n")


BodyEnd: TypeAlias = LengthEnd | ChunkedEnd


class Head:
    """The head of an answer, without its empty line. `is_interim`: another head follows it.

    * `_head`: the bytes.
    * `_status`: the HTTP status; 0 for bytes that are not HTTP.
    * `_is_chunked`: whether the body comes in chunks.
    * `_lengths`: the value of each `Content-Length`.
    * `_length`: the length that all of them agree on; None without one.
    """

    def __init__(self, head: bytes) -> None:
        """Read a head."""
        self._head = head
        found = _STATUS.match(head)
        self._status = int(found[1]) if found else 0
        codings: list[bytes] = []
        self._lengths: list[bytes] = []
        for name, value in _FRAMING.findall(head):
            is_length = name.lower() == b"content-length"
            parts = self._lengths if is_length else codings
            parts += [part.strip() for part in value.split(b",")]
        self._is_chunked = bool(codings) and codings[-1].lower() == b"chunked"
        self._length = _agreed(self._lengths)

    @property
    def is_interim(self) -> bool:
        """Whether the head is only a notice, such as 100 or 103."""
        return 100 <= self._status < 200 and self._status != _SWITCHING_PROTOCOLS  # noqa: PLR2004 - HTTP

    def body_end(self) -> BodyEnd | None:
        """Return a finder of the body's end; None for a body that the connection ends."""
        if self._status in _NO_BODY:
            return LengthEnd(0)
        if 100 <= self._status < 200:  # noqa: PLR2004 - HTTP
            return None
        if self._is_chunked:
            return ChunkedEnd()
        return None if self._length is None else LengthEnd(self._length)

    def tidied(self) -> bytes:
        """Return the head with its empty line, with at most one length, and none beside chunks.

        Lengths that contradict each other stay, since nothing can be read then.
        """
        lengths = len(self._lengths) + self._is_chunked
        has_usual_ends = self._head.count(b"\n") == self._head.count(b"\r\n")
        if lengths <= 1 and has_usual_ends:
            return self._head + b"\r\n\r\n"
        lines = _LINE_END.split(self._head)
        if self._is_chunked or self._length is not None:
            lines = [line for line in lines if not _LENGTH_LINE.match(line)]
        if self._length is not None and not self._is_chunked:
            lines = [*lines, b"content-length: %d" % self._length]
        return b"\r\n".join([*lines, b"", b""])


def _agreed(lengths: Sequence[bytes]) -> int | None:
    """Return the length that all of these say; None without one."""
    length = lengths[0] if len(set(lengths)) == 1 else b""
    return int(length) if _LENGTH.fullmatch(length) else None
