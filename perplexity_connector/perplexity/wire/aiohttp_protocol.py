"""Let aiohttp read the answers that httpx reads: a tidy head, and nothing after the end of a body.

aiohttp's parser gives up an answer, with everything that has arrived, for a `Content-Length` beside
chunks or given twice, for more than 128 headers, and for bytes after the body. A chat that was paid
for would be lost by that. Imported on first use, because aiohttp is an extra.
"""

import functools
import re
from asyncio import AbstractEventLoop
from typing import Any

from aiohttp import ClientPayloadError, TCPConnector
from aiohttp.client_proto import ResponseHandler

from perplexity_connector.perplexity.wire.http_framing import BodyEnd, Head, LengthEnd

# As much as httpx's own parser takes.
_LARGEST_HEAD = 100 * 1024
_MOST_HEADERS = 32 * 1024
_START = b"HTTP/"
# Without the "\r" before it: a pattern that begins with one certain byte is found ten times faster.
_HEAD_END = re.compile(rb"\n\r?\n")


class TolerantConnector(TCPConnector):
    """aiohttp's connector, for answers that break small rules of HTTP."""

    def __init__(self, **options: Any) -> None:
        """Take the options of aiohttp's own connector."""
        super().__init__(**options)
        # aiohttp has no public way to give a connection another protocol.
        self._factory = functools.partial(self._handler)

    def _handler(self) -> ResponseHandler:
        return TolerantHandler(self._loop)


class TolerantHandler(ResponseHandler):
    """aiohttp's protocol of one connection, with a tidy head and an exact end of each answer.

    Each answer is in one of these states:

    1. head (`_head` is set): its bytes are collected, tidied, and given to aiohttp's parser;
    2. body (`_end` is set): its bytes are given to the parser up to their end;
    3. over (`_is_over` is true): more bytes are dropped, and the connection is closed.

    In any other state everything is given to the parser: before an answer, for a head that is not
    HTTP, and for a body that ends with the connection.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        """Begin a connection."""
        super().__init__(loop)
        self._head: bytearray | None = None
        self._end: BodyEnd | None = None
        self._is_over = False

    def set_response_params(self, **options: Any) -> None:
        """Begin an answer."""
        self._head, self._end, self._is_over = bytearray(), None, False
        if "max_headers" in options:  # older versions have no such limit
            options["max_headers"] = _MOST_HEADERS
        super().set_response_params(**options)

    def resume_reading(self, *how: Any, **named: Any) -> None:
        """Go on after a pause. aiohttp asks for it after each piece that is read, paused or not."""
        # Without a pause nothing is held back, and the parser need not look for it. A version of
        # aiohttp without this attribute is asked each time.
        if getattr(self, "_reading_paused", True):
            super().resume_reading(*how, **named)

    def data_received(self, data: bytes) -> None:
        """Give the part of the data that belongs to the answer to aiohttp's parser."""
        # aiohttp resumes its parser with empty data, and keeps data that arrives before a parser.
        if not data or self._parser is None:
            super().data_received(data)
        elif self._is_over:
            self.close()
        elif self._head is not None:
            self._read_head(self._head, data)
        elif self._end is not None:
            self._read_body(self._end, data)
        else:
            self._give_to_parser(data)

    def _read_head(self, head: bytearray, data: bytes) -> None:
        seen = max(0, len(head) - len(b"\n\r"))
        head += data if head else data.lstrip(b"\r\n")
        found = _HEAD_END.search(head, seen)
        is_http = head.startswith(_START[: len(head)])
        if found is None and is_http and len(head) <= _LARGEST_HEAD:
            return
        self._head = None
        if found is None or not is_http:
            self._give_to_parser(bytes(head))
        else:
            lines = bytes(head[: found.start()]).removesuffix(b"\r")
            self._begin_body(Head(lines), bytes(head[found.end() :]))

    def _begin_body(self, head: Head, rest: bytes) -> None:
        end = self._end = head.body_end()
        if isinstance(end, LengthEnd):
            # In one piece, which saves a call: nothing in such a body can be malformed.
            self._read_body(end, rest, before=head.tidied())
            return
        if head.is_interim:
            self._head = bytearray()
        self._give_to_parser(head.tidied())
        if rest:
            self.data_received(rest)

    def _read_body(self, end: BodyEnd, data: bytes, before: bytes = b"") -> None:
        try:
            at = end.find(data)
        except ValueError:
            self._end, at = None, None  # the parser says the same
        if at is not None:
            self._is_over = True
            if at < len(data):
                # Before the parser has the end, since then the connection is given back.
                self._should_close = True  # older versions have no method for it
        self._give_to_parser(before + data[:at])

    def _give_to_parser(self, data: bytes) -> None:
        super().data_received(data)
        error, body = self.exception(), self._payload
        if error is not None and body is not None and not body.is_eof():
            # aiohttp stops at a malformed chunk without a word to the reader of the body.
            body.set_exception(ClientPayloadError(type(error).__name__))
