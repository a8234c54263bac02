"""Unpack a body that a gateway packed although `identity` was asked for. Pure: no I/O.

Only gzip and deflate, which Python knows. The output is given in small pieces, so that the caller
can stop before a few bytes become gigabytes.
"""

import zlib
from collections.abc import Iterable, Iterator

# Some gateways write one of these although nothing is packed.
_NOT_PACKED = frozenset({"", "identity", "none", "utf-8", "utf8"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_START = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_LARGEST_PIECE = 64 * 1024
# Real bodies have a few. Members with nothing in them would cost time without end.
_MOST_MEMBERS = 10_000


class Unpacker:
    """Turn the pieces of one body into unpacked pieces.

    gzip is known by its first two bytes, whether it was named or not: a gateway may unpack a body
    and keep the header, or lose the header. deflate is known by its name only.

    * `_may_be_deflate`: the header names deflate.
    * `_start`: the first bytes, while they are too few to know the packing.
    * `_window`: zlib's number for the packing; None for a body that is not packed, or not yet known.
    * `_inflater`: unpacks the current gzip member, or the one deflate stream; None before it.
    * `_members`: how many gzip members have begun.
    * `_begun`: true once the packing is known.
    """

    __slots__ = (
        "_begun",
        "_inflater",
        "_may_be_deflate",
        "_members",
        "_start",
        "_window",
    )

    def __init__(self, content_encoding: str) -> None:
        """Begin a body with this header. Raises `ValueError` for a packing that is not known."""
        words = {word.strip().lower() for word in content_encoding.split(",")}
        packings = words - _NOT_PACKED
        if packings - _PACKED or len(packings) > 1:
            message = "a packing that is not known"
            raise ValueError(message)
        self._may_be_deflate = "deflate" in packings
        self._start = b""
        self._window: int | None = None
        self._inflater: zlib._Decompress | None = None
        self._members = 0
        self._begun = False

    def feed(self, piece: bytes) -> Iterable[bytes]:
        """Return the unpacked pieces of a piece, each of at most 64 KiB if it was packed.

        Raises `ValueError` for a damaged body.
        """
        if not self._begun:
            piece = self._start + piece
            if self._is_too_short(piece):
                self._start = piece
                return ()
            self._begun, self._start = True, b""
            self._window = self._window_of(piece)
        return (piece,) if self._window is None else self._unpack(piece, self._window)

    def close(self) -> bytes:
        """Return the rest of a body that was too short to be packed."""
        return self._start

    def _is_too_short(self, start: bytes) -> bool:
        could_be_gzip = _GZIP_START.startswith(start)
        return len(start) < len(_GZIP_START) and (could_be_gzip or self._may_be_deflate)

    def _window_of(self, start: bytes) -> int | None:
        if start.startswith(_GZIP_START):
            return _GZIP_WINDOW
        if not self._may_be_deflate:
            return None
        # As specified, deflate has zlib's head, which is divisible by 31. Some leave it out.
        has_head = (
            start[0] & 15 == zlib.DEFLATED and int.from_bytes(start[:2]) % 31 == 0
        )
        return zlib.MAX_WBITS if has_head else -zlib.MAX_WBITS

    def _unpack(self, packed: bytes, window: int) -> Iterator[bytes]:
        unpacked = b""
        # A full piece may leave more inside zlib, even when all of the input was taken.
        while packed or len(unpacked) == _LARGEST_PIECE:
            inflater = self._inflater
            if inflater is None or inflater.eof:
                if inflater is not None and not _begins_member(packed, window):
                    return
                self._count_member()
                inflater = self._inflater = zlib.decompressobj(window)
            try:
                unpacked = inflater.decompress(packed, _LARGEST_PIECE)
            except zlib.error:
                message = "a damaged body"
                raise ValueError(message) from None
            packed = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if unpacked:
                yield unpacked

    def _count_member(self) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            message = "too many members"
            raise ValueError(message)


def _begins_member(packed: bytes, window: int) -> bool:
    # gzip may have several members, and zeros or garbage after the last one. deflate has one.
    is_gzip = window == _GZIP_WINDOW
    return is_gzip and bool(packed) and _GZIP_START.startswith(packed[:2])
