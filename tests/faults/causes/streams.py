"""The stream of a chat: cut anywhere, doubled, out of order, with holes, in other framings, or failed on its own."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.faults import edits
from tests.faults.faults import (
    HTML,
    SSE,
    Cut,
    Frames,
    answer,
    broken,
    cut,
    cut_bytes,
    edited,
    flooded_stream,
)
from tests.faults.proxy import Rule, chunk, head
from tests.faults.row import (
    CUT_OFF,
    EVENTS,
    LONG,
    SOME_TEXT,
    Row,
    Want,
    both_ways,
    chat,
    post,
)

_ACCEPTED = b'{"status": "cancelling"}'
_IDLE = {"idle_timeout": "0.2"}
_RECOVERED = Want(warnings=("recovered",))
# A stream that breaks before its first event is whole names no run to come back to; nothing is posted again.
_NO_RUN: Mapping[Cut, Want] = {
    Cut.RESET: Want(code="unavailable", effect="unknown"),
    Cut.CLOSE: Want(code="unavailable", effect="unknown"),
    Cut.END: Want(code="invalid_response", effect="unknown"),
    Cut.STALL: Want(code="timeout", effect="unknown"),
}
_HOW = {
    Cut.RESET: "reset",
    Cut.CLOSE: "closed in the middle of a chunk",
    Cut.END: "ended cleanly",
    Cut.STALL: "silent from then on",
}


def _cut_at_every_boundary() -> Iterator[Row]:
    for events in range(EVENTS + 1):
        yield _cut(Cut.END, events, listen=True)
    # Not after the last: a RST may overtake it, and then the run is fetched.
    for events in range(EVENTS):
        yield _cut(Cut.RESET, events, listen=True)
    for by in (Cut.CLOSE, Cut.STALL):
        for events in (0, 1, 7, SOME_TEXT, EVENTS - 1, EVENTS):
            yield _cut(by, events, listen=False)
    for events in (1, SOME_TEXT, EVENTS - 1):
        yield _cut(Cut.RESET, events, listen=False)


def _cut(by: Cut, events: int, *, listen: bool) -> Row:
    where, want = "after an event", _RECOVERED
    if events == 0:
        where, want = "before the first event", _NO_RUN[by]
    elif events == EVENTS:
        where, want = "after the last event", Want()
    cause = f"Stream {_HOW[by]} {where}"
    settings = _IDLE if by is Cut.STALL else {}
    return chat(
        cause,
        want,
        post(cut(by, events=events)),
        variant=str(events),
        listen=listen,
        settings=settings,
    )


def _cut_anywhere() -> Iterator[Row]:
    # The first event is 620 bytes and more, the whole stream more than 20,000.
    places = random.Random(20261124)  # noqa: S311 - the same places every time
    for by in (Cut.RESET, Cut.CLOSE, Cut.END):
        for _ in range(3):
            rule = post(cut_bytes(by, places.randrange(1, 500)))
            want = _NO_RUN[by]
            yield chat(
                f"Stream {_HOW[by]} inside the first event",
                want,
                rule,
                variant=str(_),
                listen=bool(_ % 2),
            )
        for _ in range(8):
            rule = post(cut_bytes(by, places.randrange(900, 20_000), kept=True))
            cause = f"Stream {_HOW[by]} at a random byte after the first event"
            yield chat(cause, _RECOVERED, rule, variant=str(_), listen=bool(_ % 2))


_BAD = b'event: response.output_text.delta\ndata: {"type":"response.output_text.del\n\n'
_LATIN = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"\xff\xfe"}\n\n'
_NEW = b'event: response.thought.read\ndata: {"type":"response.thought.read","thoughts":[1,{"a":null}]}\n\n'
_BARE = b'data: {"hello":"there"}\n\n'
_LIST = b"data: [1]\n\n"
_DONE = b"data: [DONE]\n\n"
_PING = b"event: ping\n\n: keep-alive\n\nid: 7\nretry: 10\n\n"
_NO_TEXT_YET = 3
_PAGE = b"<!DOCTYPE html>\n<html><body>Sign in.</body></html>\n\n"
_HALF = b'event: response.created\ndata: {"type":"response.created",\n'
# Bytes that name no run, before the first event or in its place.
_NO_EVENT: Mapping[str, bytes] = {
    "cut JSON": _BAD,
    "empty data": b"data:\n\n",
    "an unknown event": _NEW,
    "a comment": b": waiting\n\n",
    "half a frame": _HALF,
    "a byte order mark": b"\xef\xbb\xbf",
    "HTML": _PAGE,
    "no object": _LIST,
}


def _edited(
    cause: str,
    want: Want,
    edits_by_variant: Mapping[str, edits.Edit],
    live: Want | None = None,
) -> Iterator[Row]:
    """Rows with and without a listener; `live` is what a listener's run shows where it differs."""
    for variant, edit in edits_by_variant.items():
        rule = post(edited(edit))
        yield chat(cause, want, rule, variant=variant)
        yield chat(cause, live or want, rule, variant=variant, listen=True)


def _doubled_and_shuffled() -> Iterator[Row]:
    diverged = Want(warnings=("stream_diverged",))
    yield from _edited(
        "Events repeated", Want(), {"each": edits.twice, "all again": edits.whole_twice}
    )
    yield from _edited(
        "Two pieces of the text in the wrong order",
        Want(),
        {"": edits.swapped},
        diverged,
    )
    yield from _edited(
        "A piece of the text missing", Want(), {"": edits.without_one_delta}, diverged
    )
    late = {
        "the end first": edits.terminal_first,
        "search results last": edits.results_late,
        "no text before the end": edits.without_deltas,
        "the first event missing": edits.without_created,
    }
    yield from _edited(
        "Events out of order, or missing, where it does no harm", Want(), late
    )
    yield from _edited(
        "A piece of the text after the end", Want(), {"": edits.straggler}, diverged
    )
    gone = {
        "the end": edits.without_terminal,
        "all but the first": edits.only_created,
        "[DONE] in its place": _done,
    }
    yield from _edited("The end is missing", _RECOVERED, gone)


def _done(frames: Frames) -> Frames:
    return [*frames[:-1], _DONE]


def _unknown_and_null() -> Iterator[Row]:
    strange = {
        "a new type": edits.between(_NEW),
        "no type": edits.between(_BARE),
        "ping": edits.between(_PING),
    }
    yield from _edited("Unknown events", Want(), strange)
    nulls = {
        "in the final object": edits.each(edits.final_nulled, edits.TERMINAL),
        "among its rows": edits.each(edits.rows_nulled, edits.TERMINAL),
        "no final object": edits.each(edits.nulled("type"), edits.TERMINAL),
        "no output": edits.final(output=None),
        "no rows": edits.final(output=[]),
        "no model": edits.final(model=None, created_at=None, id=None),
    }
    yield from _edited("Null fields: the streamed values replace them", Want(), nulls)
    deltas = edits.each(edits.nulled("type", "sequence_number"), edits.DELTA)
    yield from _edited(
        "Null fields: the streamed values replace them",
        Want(),
        {"in the deltas": deltas},
    )
    usage = {
        "null": edits.final(usage=None),
        "absent": edits.final_without("usage"),
        "no cost": edits.final(usage={"input_tokens": 1, "cost": None}),
        "odd": edits.final(
            usage={
                "input_tokens": "7",
                "total_tokens": -1,
                "cost": {"total_cost": None},
            }
        ),
    }
    yield from _edited("No usage", Want(), usage)
    types = edits.lines(edits.typeless)
    yield from _edited("A type only on the `event:` line", _RECOVERED, {"": types})


def _framed_otherwise() -> Iterator[Row]:
    framings = {
        "CRLF": edits.lines(lambda frame: frame.replace(b"\n", b"\r\n")),
        "CR": edits.lines(lambda frame: frame.replace(b"\n", b"\r")),
        "no blank after the colon": edits.lines(
            lambda frame: frame.replace(b"event: ", b"event:").replace(
                b"data: ", b"data:"
            )
        ),
        "data on many lines": edits.lines(edits.multi_line),
        "no event lines": edits.lines(edits.nameless),
        "a byte order mark": edits.at(0, b"\xef\xbb\xbf"),
        "[DONE] at the end": lambda frames: [*frames, _DONE],
        "all at once": lambda frames: [b"".join(frames)],
        "no blank line at the end": lambda frames: [
            *frames[:-1],
            frames[-1].rstrip(b"\n"),
        ],
    }
    yield from _edited("Other framings of the stream", Want(), framings)
    yield chat(
        "Other framings of the stream",
        Want(),
        post(edited(list, pieces_of=7)),
        variant="in bits",
        listen=True,
    )


def _malformed() -> Iterator[Row]:
    frames = {
        "cut JSON": _BAD,
        "not UTF-8": _LATIN,
        "no object": _LIST,
        "[DONE]": _DONE,
        "text": b"data: ping\n\n",
        "an end cut short": b'event: response.completed\ndata: {"type":\n\n',
    }
    # Such a frame is skipped, wherever it is.
    for place, cause in (
        (0, "A malformed frame before the first event"),
        (SOME_TEXT, "A malformed event after the first"),
    ):
        malformed = {name: edits.at(place, frame) for name, frame in frames.items()}
        yield from _edited(cause, Want(), malformed)
    empty = {
        "empty data": edits.at(0, b"data:\n\n"),
        "a ping": edits.at(0, b"event: ping\ndata: \n\n"),
        "a comment": edits.at(0, b": waiting\n\n"),
        "HTML": edits.at(0, _PAGE),
    }
    yield from _edited("A frame without data before the first event", Want(), empty)
    other = {"an unknown event": edits.at(0, _NEW), "half a frame": edits.at(0, _HALF)}
    yield from _edited("Another frame before the first event", Want(), other)
    end = {"cut": _end_cut, "not UTF-8": _end_latin}
    yield from _edited("A malformed end", _RECOVERED, end)


def _cut_before_the_first_event() -> Iterator[Row]:
    """The run has begun and is billed, but nothing names it: it is not begun a second time."""
    for by, want in _NO_RUN.items():
        settings = _IDLE if by is Cut.STALL else {}
        cause = f"Stream {_HOW[by]} with no event before"
        for number, (variant, said) in enumerate(_NO_EVENT.items()):
            fault = broken(by, head(200, SSE) + chunk(said), after_work=True)
            yield chat(
                cause,
                want,
                post(fault),
                variant=variant,
                listen=bool(number % 2),
                settings=settings,
            )
    page = Want(code="invalid_response", effect="unknown")
    for by in (Cut.CLOSE, Cut.END, Cut.STALL):
        fault = broken(by, head(200, HTML) + chunk(_PAGE), after_work=True)
        cause = "The work is done and billed, then a page of HTML"
        yield chat(cause, page, post(fault), variant=by)


def _changed_by_gateways() -> Iterator[Row]:
    empty = edits.final(output=[])
    renumbered = {
        "restart": lambda frames: edits.renumbered(empty(frames), _restarting),
        "all 0": lambda frames: edits.renumbered(empty(frames), lambda _: 0),
    }
    yield from _edited("Numbers changed on the way", Want(), renumbered)
    renamed = {"": edits.final(id="resp_other")}
    yield from _edited("Another run's id at the end", Want(), renamed)
    under_way = edits.final(status="in_progress")
    cause = "The end of a run that is under way by its own object"
    yield from _edited(cause, Want(), {"": under_way})
    still = Rule("GET /v1/agent/", answer(200, b'{"status":"in_progress"}'))
    unclear = Want(warnings=("status_unclear",))
    cause = "The end of a run that stays under way"
    yield from both_ways(chat(cause, unclear, post(edited(under_way)), still))


def _restarting(number: int) -> int:
    return number % SOME_TEXT


def _end_cut(frames: Frames) -> Frames:
    return [*frames[:-1], frames[-1][:-20] + b"\n\n"]


def _end_latin(frames: Frames) -> Frames:
    return [*frames[:-1], frames[-1].replace(b'"model":"', b'"model":"\xff')]


def _failed_on_its_own() -> Iterator[Row]:
    failed = Want(code="upstream_failed", effect="unknown", partial=True)
    for word in ("failed", "failed-response", "cancelled", "error-event"):
        yield from both_ways(
            chat("The run itself fails", failed, words=f"sandbox:{word}", variant=word)
        )
    short = Want(warnings=("incomplete",), whole=False)
    for word in ("incomplete", "incomplete-bare"):
        yield from both_ways(
            chat(
                "The run stops at its token limit",
                short,
                words=f"sandbox:{word}",
                variant=word,
            )
        )
    bare = b'event: error\ndata: {"type":"error","error":{"message":"no","type":"internal_error","code":500}}\n\n'
    first = post(edited(lambda _: [bare]))
    want = Want(code="unavailable", effect="unknown")
    yield from both_ways(chat("An error event and nothing else", want, first))
    limit = b'event: error\ndata: {"type":"error","error":{"type":"request_rate_limit_exceeded"}}\n\n'
    limited = Want(code="rate_limited", effect="none", attempts=4, billed=0)
    rule = post(answer(200, limit, {"content-type": "text/event-stream"}))
    yield from both_ways(chat("A refusal in the first event", limited, rule))
    unsure = Want(code="rate_limited", effect="unknown")
    rule = post(edited(lambda _: [_BAD, limit]))
    yield from both_ways(chat("A refusal after a malformed frame", unsure, rule))
    cause = "An error event in a run that ends well"
    rule = post(edited(edits.at(SOME_TEXT, limit)))
    yield from both_ways(chat(cause, _RECOVERED, rule))
    yield from both_ways(
        chat("The stream has no usage", Want(), words="sandbox:no-usage")
    )
    missing = Want(warnings=("source_missing",), whole=False)
    yield from both_ways(
        chat("A mark that no source has", missing, words="sandbox:no-source")
    )
    gap = Want(warnings=("source_gap",), whole=False)
    yield from both_ways(
        chat("A hole in the sources' numbers", gap, words="sandbox:gap")
    )


def _too_much() -> Iterator[Row]:
    more = {"most_megabytes": CUT_OFF}
    line = b"event: response.output_text.delta\ndata: "
    for listen in (False, True):
        rule = post(flooded_stream(b"x" * 65536, SOME_TEXT))
        yield chat(
            "50 MB in the stream after the first event",
            _RECOVERED,
            rule,
            listen=listen,
            **more,
        )
    # Long: the flood is about its size, and reading half a million short lines takes long.
    comment = b": keep-alive %s\n" % (b"." * 1000)
    comments = post(flooded_stream(comment * 64, SOME_TEXT))
    yield chat(
        "50 MB in the stream after the first event",
        _RECOVERED,
        comments,
        variant="comments",
        **more,
    )
    delta = (
        line
        + b'{"type":"response.output_text.delta","delta":"'
        + b"y" * 60_000
        + b'"}\n\n'
    )
    deltas = post(flooded_stream(delta, SOME_TEXT))
    cause = "50 MB in the stream after the first event"
    yield chat(cause, _RECOVERED, deltas, variant="text that nobody hears", **more)
    told = Want(warnings=("recovered", "stream_diverged"))
    yield chat(
        cause, told, deltas, variant="text that a listener hears", listen=True, **more
    )


def _given_up() -> Iterator[Row]:
    late = Want(code="timeout", effect="unknown", partial=True, cancels=1)
    rules = (
        post(cut(Cut.DEADLINE, events=SOME_TEXT), last=1),
        # The provider accepts the request to cancel. Not the sandbox's own answer: there the run may have ended by
        # now, and that cannot be cancelled.
        post(answer(200, _ACCEPTED, after_work=True), first=2),
    )
    cause = "The run's deadline, in the middle of the answer"
    yield from both_ways(chat(cause, late, *rules, timeout=LONG))
    unsure = replace(late, warnings=("stop_unconfirmed",))
    deaf = Rule("POST /v1/agent/", broken(Cut.STALL, after_work=True))
    yield chat(
        "The deadline, and the provider ignores the request to cancel",
        unsure,
        deaf,
        *rules,
        timeout=LONG,
    )


ROWS = [
    *_cut_at_every_boundary(),
    *_cut_anywhere(),
    *_doubled_and_shuffled(),
    *_unknown_and_null(),
    *_framed_otherwise(),
    *_malformed(),
    *_cut_before_the_first_event(),
    *_changed_by_gateways(),
    *_failed_on_its_own(),
    *_too_much(),
    *_given_up(),
]
