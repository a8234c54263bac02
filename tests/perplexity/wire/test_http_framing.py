"""Heads made tidy, and ends of bodies, however they are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire.http_framing import (
    BodyEnd,
    ChunkedEnd,
    Head,
    LengthEnd,
)


def head(*lines: str, status: int = 200) -> Head:
    """A head of these lines."""
    return Head("\r\n".join([f"HTTP/1.1 {status} OK", *lines]).encode())


def lines(found: Head) -> list[str]:
    """The lines of a tidied head, without the status."""
    first, *rest = found.tidied().decode().split("\r\n")
    assert first == "HTTP/1.1 200 OK"
    assert rest[-2:] == ["", ""]
    return rest[:-2]


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("given_lines", "expected"),
    [
        (["a: b", "content-length: 8"], ["a: b", "content-length: 8"]),
        (["Content-Length: 8", "a: b", "content-length: 8"], ["a: b", "content-length: 8"]),
        (["content-length: 8, 8"], ["content-length: 8"]),
        (["content-length: 8", CHUNKED], [CHUNKED]),
        ([CHUNKED, "content-length: 9"], [CHUNKED]),
        (["transfer-encoding: gzip, Chunked", "content-length: 9"], ["transfer-encoding: gzip, Chunked"]),
        (["content-length: 8", "content-length: 9"], ["content-length: 8", "content-length: 9"]),
        (["content-length: +8"], ["content-length: +8"]),
        (["content-length:"], ["content-length:"]),
        (["transfer-encoding: gzip", "content-length: 9"], ["transfer-encoding: gzip", "content-length: 9"]),
        ([], []),
    ],
)  # fmt: skip
def test_a_head_has_one_length_or_chunks(
    given_lines: list[str], expected: list[str]
) -> None:
    """Chunks win over a length, as the standard says; contradictions stay."""
    assert lines(head(*given_lines)) == expected


def test_bare_line_ends_become_usual_ones() -> None:
    """As httpx reads them."""
    found = Head(b"HTTP/1.1 200 OK\na: b\ncontent-length: 8")
    assert found.tidied() == b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 8\r\n\r\n"


def test_a_folded_line_stays_with_its_header() -> None:
    """Its second part is no header of its own."""
    assert lines(head("a: b", " content-length: 9", "content-length: 8")) == [
        "a: b",
        " content-length: 9",
        "content-length: 8",
    ]


@pytest.mark.parametrize(
    ("status", "given_lines", "kind"),
    [
        (200, ["content-length: 8"], LengthEnd),
        (200, [CHUNKED, "content-length: 8"], ChunkedEnd),
        (200, [], None),
        (200, ["content-length: 8, 9"], None),
        (204, [CHUNKED], LengthEnd),
        (304, ["content-length: 8"], LengthEnd),
        (101, ["content-length: 8"], None),
        (100, ["content-length: 8"], None),
    ],
)
def test_a_head_says_how_its_body_ends(
    status: int, given_lines: list[str], kind: type[BodyEnd] | None
) -> None:
    """By a length, by its last chunk, or with the connection."""
    found = head(*given_lines, status=status).body_end()
    assert found is None if kind is None else isinstance(found, kind)


def test_only_a_notice_is_followed_by_another_head() -> None:
    """101 is the end of HTTP on a connection."""
    assert [head(status=status).is_interim for status in (100, 103, 101, 200)] == [
        True,
        True,
        False,
        False,
    ]
    assert not Head(b"nothing of the kind").is_interim


def end_in(finder: BodyEnd, wire: bytes, places: list[int]) -> int | None:
    """Where the finder sees the end in a wire that is cut at these places."""
    ends = sorted({place % (len(wire) + 1) for place in places} | {0, len(wire)})
    for start, end in pairwise(ends):
        found = finder.find(wire[start:end])
        if found is not None:
            return start + found
    return None


pieces = st.lists(st.binary(min_size=1, max_size=40) | st.just(b"\r\n0\r\n\r\n"))
cuts = st.lists(st.integers(0, 500), max_size=12)


@given(pieces, st.sampled_from([b"", b"x-a: b\r\n"]), st.binary(max_size=9), cuts)
def test_the_end_of_a_chunked_body_is_found_however_it_is_cut(
    body: list[bytes], trailers: bytes, rest: bytes, places: list[int]
) -> None:
    """Bytes that look like an end inside a chunk are not one."""
    chunks = [b"%X ;a=b\r\n%b\r\n" % (len(piece), piece) for piece in body]
    wire = b"".join([*chunks, b"0\r\n", trailers, b"\r\n"])
    assert end_in(ChunkedEnd(), wire + rest, places) == len(wire)
    assert end_in(ChunkedEnd(), wire[:-1], places) is None


@given(st.integers(0, 100), st.binary(max_size=200), cuts)
def test_the_end_of_a_body_with_a_length_is_found_however_it_is_cut(
    length: int, wire: bytes, places: list[int]
) -> None:
    """Also where it is empty."""
    expected = length if 0 < length <= len(wire) else None
    if length:
        assert end_in(LengthEnd(length), wire, places) == expected
    else:
        assert LengthEnd(0).find(wire) == 0


@pytest.mark.parametrize("size", [b"", b"x", b"-8", b"0x8", b"+8", b"8_0"])
def test_a_chunk_without_a_size_is_an_error(size: bytes) -> None:
    """Nothing can be found after it."""
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        ChunkedEnd().find(size + b"\r\n12345678\r\n")
