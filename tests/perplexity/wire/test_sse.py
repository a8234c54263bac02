"""Server-sent events out of bytes: every awkward case by name, and any way of cutting them."""

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire.sse import (
    USUAL,
    EventDecoder,
    ServerEvent,
    usual_events,
    usual_form,
)


def decoded(*chunks: bytes, usual: re.Pattern[bytes] = USUAL) -> list[ServerEvent]:
    """The events of a stream that came in these chunks and then ended, each read at last."""
    decoder = EventDecoder(usual)
    return [
        event
        for received in [*map(decoder.feed, chunks), decoder.close()]
        for part in received
        for event in (usual_events(part) if isinstance(part, bytes) else [part])
    ]


ONE = [ServerEvent("a", b"1")]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(b"event: a\ndata: 1\n\n", ONE, id="LF"),
        pytest.param(b"event: a\r\ndata: 1\r\n\r\n", ONE, id="CRLF"),
        pytest.param(b"event: a\rdata: 1\r\r", ONE, id="CR"),
        pytest.param(b"event: a\r\ndata: 1\n\r\n", ONE, id="mixed line ends"),
        pytest.param(b"data: 1\n\r\ndata: 2\r\n\n", [("", b"1"), ("", b"2")], id="mixed blank lines"),
        pytest.param(b": ping\n\nevent: a\n: inside\ndata: 1\n\n:\n", ONE, id="comments"),
        pytest.param(b"data: 1\ndata: 2\ndata:\ndata: 3\n\n", [("", b"1\n2\n\n3")], id="several data lines"),
        pytest.param(b"data:\n\n", [("", b"")], id="empty data"),
        pytest.param(b"data\n\n", [("", b"")], id="a field with no colon"),
        pytest.param("data: 1\u2028\x85\x0b\x0c\x1c2\n\n".encode(), [("", "1\u2028\x85\x0b\x0c\x1c2".encode())],
                     id="U+2028 and its like are text"),
        pytest.param(b"\xef\xbb\xbfevent: a\ndata: 1\n\n", ONE, id="a byte order mark"),
        pytest.param(b"data: 1\n\n\xef\xbb\xbfdata: 2\n\n", [("", b"1")], id="a byte order mark later is none"),
        pytest.param(b"event:a\ndata:1\n\n", ONE, id="no space after the colon"),
        pytest.param(b"event:  a\ndata:  1\n\n", [(" a", b" 1")], id="only one space is dropped"),
        pytest.param(b"data: a: b:c\n\n", [("", b"a: b:c")], id="colons in the data"),
        pytest.param(b"event: a\ndata: 1", ONE, id="no blank line at the end"),
        pytest.param(b"event: a\ndata: 1\n", ONE, id="one line end at the end"),
        pytest.param(b"event: a\ndata: 1\r", ONE, id="one CR at the end"),
        pytest.param(b"event: a\n\n", [], id="an event name only"),
        pytest.param(b"event: b\n\nevent: a\ndata: 1\n\n", ONE, id="a name without data does not stick"),
        pytest.param(b"event: b\nevent: a\ndata: 1\n\n", ONE, id="the last name counts"),
        pytest.param(b"colour: red\nevent: a\nDATA: 2\ndata : 3\ndata: 1\n\n", ONE, id="unknown fields"),
        pytest.param(b"id: 7\nretry: 100\nevent: a\ndata: 1\n\n", ONE, id="id and retry"),
        pytest.param(b"\n\n\n\n", [], id="blank lines only"),
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"event: \xff\ndata: \xff\n\n", [("\ufffd", b"\xff")], id="bytes that are no UTF-8"),
        pytest.param(b"data: [DONE]\n\n", [("", b"[DONE]")], id="DONE is data like any other"),
    ],
)  # fmt: skip
def test_an_awkward_stream_is_read_as_the_standard_says(
    body: bytes, events: list[tuple[str, bytes]]
) -> None:
    """In one chunk and byte by byte, with the same events."""
    assert decoded(body) == events
    assert decoded(*(body[at : at + 1] for at in range(len(body)))) == events


def test_an_event_is_told_as_soon_as_its_blank_line_is_there() -> None:
    """Nothing waits for the chunk after."""
    decoder = EventDecoder()
    assert decoder.feed(b"data: 1\n") == []
    assert decoder.feed(b"\n") == [("", b"1")]
    assert decoder.feed(b"data: 2\r\n\r\n") == [("", b"2")]
    assert decoder.close() == []


def reference(body: bytes) -> list[ServerEvent]:
    """The standard's words, for a whole stream: plain, and slow."""
    lines = (
        body.removeprefix(b"\xef\xbb\xbf")
        .replace(b"\r\n", b"\n")
        .replace(b"\r", b"\n")
        .split(b"\n")
    )
    events, name, data = [], b"", list[bytes]()
    for line in (*lines, b""):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if line == b"":
            if data:
                events.append(
                    ServerEvent(name.decode("utf-8", "replace"), b"\n".join(data))
                )
            name, data = b"", []
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


words = [
    b"data",
    b"event",
    b":",
    b" ",
    b"data: x",
    b"event: y",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
]
parts = st.sampled_from([*words, b"\n", b"\r", b"\r\n", b"\n\n"])
bodies = st.lists(parts | st.binary(max_size=3), max_size=30).map(b"".join)


def cut(body: bytes, places: Iterable[int]) -> list[bytes]:
    """The body in pieces, cut at these places."""
    ends = sorted({place % (len(body) + 1) for place in places} | {0, len(body)})
    return [body[start:end] for start, end in pairwise(ends)]


@given(bodies, st.lists(st.integers(0, 200), max_size=12))
@example(b"\xef\xbb\xbfdata: 1\r\n\r\n", [1, 2, 11])
@example(b"data: 1\r", [])
def test_however_it_is_cut_a_stream_is_the_same(body: bytes, places: list[int]) -> None:
    """Chunks are the network's affair: the events are those of the whole, as the standard reads it."""
    assert decoded(*cut(body, places)) == decoded(body) == reference(body)


usual_parts = st.sampled_from(
    [
        *(b"event: %b\ndata: %b\n\n" % (name, data) for name in (b"a", b"b") for data in (b"", b"1")),
        b"event: a\ndata: 1\r2\n\n",
        b"event: a\ndata: 1\ndata: 2\n\n",
        b"data: 1\n\n",
        b"event: a\r\ndata: 1\r\n\r\n",
        b": a\n\n",
        b"\n",
        b"\r",
    ]
)  # fmt: skip


@given(
    st.lists(usual_parts, max_size=12).map(b"".join),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_events_that_stay_together_are_the_same_events(
    body: bytes, places: list[int]
) -> None:
    """Read later, and among events of every other form."""
    chunks = cut(body, places)
    assert decoded(*chunks, usual=usual_form(b"a")) == decoded(*chunks)
    assert decoded(*chunks) == reference(body)


def test_events_stay_together_after_one_that_was_cut() -> None:
    """It is read line by line, the others in one step again."""
    decoder = EventDecoder(usual_form(b"a"))
    frame = b"event: a\ndata: 1\n\n"
    assert decoder.feed(frame * 2 + frame[:14]) == [frame * 2]
    assert decoder.feed(frame[14:] + frame * 3) == [("a", b"1"), frame * 3]
    assert not decoder.feed(frame[:14])
    assert decoder.feed(frame[14:]) == [("a", b"1")]


def test_a_megabyte_without_a_line_end_is_only_collected() -> None:
    """Pieces of one long line are kept as they came: nothing is joined or searched again before its end is there."""
    decoder = EventDecoder()
    pieces = [b"data: ", *(bytes([97 + at % 26]) * 1024 for at in range(1024))]
    for piece in pieces:
        assert decoder.feed(piece) == ()
    assert all(held is piece for held, piece in zip(decoder._held, pieces, strict=True))
    assert decoder.feed(b"\n\n") == [("", b"".join(pieces)[6:])]
    assert decoder._held == []


def test_what_is_held_is_never_more_than_the_unfinished_line() -> None:
    """Finished lines are not kept, however many chunks they come in."""
    decoder = EventDecoder()
    for _ in range(1000):
        decoder.feed(b"\n\ndata: x\n: y")
        assert b"".join(decoder._held) == b": y"
        decoder.feed(b"\r")
        assert b"".join(decoder._held) == b": y\r"
