"""A packed body, however it is cut."""

import gzip
import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire.unpacking import Unpacker

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda body: body,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


def unpacked(encoding: str, pieces: Iterable[bytes]) -> bytes:
    """The whole body that comes in these pieces."""
    unpacker = Unpacker(encoding)
    parts = [part for piece in pieces for part in unpacker.feed(piece)]
    return b"".join([*parts, unpacker.close()])


@given(
    st.sampled_from(sorted(PACKERS)),
    st.binary(max_size=300).map(lambda body: b"x" + body),
    st.integers(1, 1000),
    st.lists(st.integers(0, 1000), max_size=9),
)
def test_a_body_is_the_same_however_it_is_cut(
    encoding: str, part: bytes, times: int, places: list[int]
) -> None:
    """Pieces are the network's affair."""
    body = part * times
    packed = PACKERS[encoding](body)
    ends = sorted({place % (len(packed) + 1) for place in places} | {0, len(packed)})
    pieces = [packed[start:end] for start, end in pairwise(ends)]
    assert unpacked(encoding, pieces) == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_unpacked_in_small_pieces(encoding: str) -> None:
    """The caller may stop after any of them."""
    unpacker = Unpacker(encoding)
    pieces = iter(unpacker.feed(PACKERS[encoding](b"0" * 100_000_000)))
    assert [len(next(pieces)) for _ in range(3)] == [65536] * 3


def test_all_that_arrived_is_given_at_once() -> None:
    """Also where zlib takes all of the input and has more output left: a live event does not wait."""
    for size in (65535, 65536, 65537, 65536 * 2, 65536 * 2 + 100):
        packer = zlib.compressobj(wbits=31)
        live = packer.compress(b"0" * size) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert sum(map(len, Unpacker("gzip").feed(live))) == size


@pytest.mark.parametrize(
    ("start", "encoding"), [(b"\x1f", ""), (b"\x1f", "gzip"), (b"x", "deflate")]
)
def test_a_body_too_short_to_be_packed_is_as_it_is(start: bytes, encoding: str) -> None:
    """One byte is too little to know; it is not lost."""
    assert unpacked(encoding, [start]) == start
