"""What a stream has said so far."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire import agent_events
from perplexity_connector.perplexity.wire.agent_events import (
    TERMINAL,
    UNHEARD,
    Transcript,
)
from perplexity_connector.perplexity.wire.provider_json import read_json
from perplexity_connector.perplexity.wire.sse import (
    EventDecoder,
    ServerEvent,
    usual_events,
)
from tests.perplexity.wire.streams import (
    ANSWER,
    RESULTS,
    RUN_ID,
    deltas,
    events,
    framed,
    json_values,
    plain,
    response,
    results_of,
    text_of,
    transcript,
)

both = pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])


def event(content: object, name: str = "") -> ServerEvent:
    """One event with this content."""
    return ServerEvent(name, json.dumps(content).encode())


@both
def test_a_recorded_run_is_told_in_full(listen: bool) -> None:
    """Id, end, text and results, whether anybody listened or not."""
    told = transcript(events(), listen=listen)
    assert told.run_id == RUN_ID
    assert told.response == response()
    assert text_of(told) == ANSWER
    assert results_of(told) == RESULTS


@both
def test_the_id_is_known_from_the_first_event(listen: bool) -> None:
    """A cut right after it can already be mended."""
    told = transcript(events()[:1], listen=listen)
    assert told.run_id == RUN_ID
    assert told.terminal is None
    assert told.response == {}
    assert (text_of(told), results_of(told)) == ("", [])


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every JSON document that is decoded, in order."""
    seen: list[bytes] = []

    def watched(body: bytes) -> object:
        seen.append(body)
        return read_json(body)

    monkeypatch.setattr(agent_events, "read_json", watched)
    return seen


def test_without_a_listener_only_the_events_about_the_whole_run_are_decoded(
    decoded: list[bytes],
) -> None:
    """The rest is kept as bytes: most runs never need it."""
    told = Transcript()
    rows = events()
    contents = [told.add(event(row, str(row["type"])), decode=False) for row in rows]
    about_run = [*rows[:2], rows[-1]]
    assert [content for content in contents if content] == about_run
    assert [json.loads(body) for body in decoded] == about_run
    assert len(told._kept) == len(rows)


def test_a_chat_in_one_piece_is_read_as_a_handful_of_events(
    decoded: list[bytes],
) -> None:
    """Without a listener, the many events about parts stay the bytes of one piece."""
    rows = events()
    began, changed, parts, end = EventDecoder(UNHEARD).feed(framed(rows))
    assert (began, changed, end) == tuple(
        event(row, str(row["type"])) for row in (*rows[:2], rows[-1])
    )
    assert parts == framed(rows[2:-1])
    told = Transcript()
    for received in (began, changed, parts, end):
        told.add(received, decode=False)
    assert [json.loads(body) for body in decoded] == [*rows[:2], rows[-1]]
    assert not told.may_have_commentary()
    assert text_of(told) == ANSWER


def test_no_event_is_lost_because_its_name_is_long() -> None:
    """Those that stay together are read by the same form later."""
    rows = events()
    for row in rows:
        if row["type"] == "response.output_text.delta":
            row["type"] += f".{'x' * 100}"
    heard = list(EventDecoder().feed(framed(rows)))
    unheard = [
        one
        for received in EventDecoder(UNHEARD).feed(framed(rows))
        for one in (
            usual_events(received) if isinstance(received, bytes) else [received]
        )
    ]
    assert unheard == heard


@pytest.mark.parametrize("kind", ["response.completed", "error"])
def test_events_that_stay_together_are_read_up_to_the_end_if_the_id_is_not_known(
    kind: str,
) -> None:
    """One of them may name the run, and one of them may end it; those after it are not read."""
    row = {"type": kind, "response": {"id": RUN_ID}}
    frames = b"".join(
        b"event: response.a.b\ndata: %s\n\n" % json.dumps(content).encode()
        for content in ({"type": "response.a.b"}, row, {"type": "error", "error": "x"})
    )
    told = Transcript()
    told.add(frames, decode=False)
    assert told.run_id == RUN_ID
    assert row in (told.terminal, told.error)
    assert not (told.terminal and told.error)


def test_commentary_is_seen_in_events_that_stay_together() -> None:
    """Then the final object is completed from the stream."""
    item = {"type": "message", "phase": "commentary"}
    added = {"type": "response.output_item.added", "item": item}
    told = Transcript(RUN_ID)
    told.add(framed([added]).replace(b': "comm', b':"comm'), decode=False)
    assert told.may_have_commentary()


def test_with_a_listener_each_event_is_decoded_once_and_not_kept(
    decoded: list[bytes],
) -> None:
    """Only text and sources are kept, and the sources once and as bytes, which take less memory."""
    told = Transcript()
    for row in events():
        told.add(event(row, str(row["type"])), decode=True)
    assert [json.loads(body) for body in decoded] == events()
    assert told._kept == []
    sources = [source for item in told.streamed.items for source in item.sources]
    assert [type(source) for source in sources] == [bytes]


def test_a_listener_gets_every_event() -> None:
    """Decoded, in the order in which they came."""
    told = Transcript()
    assert [
        told.add(event(row, str(row["type"])), decode=True) for row in events()
    ] == events()


def test_an_event_without_a_name_is_known_by_its_type() -> None:
    """The `event:` line is a convenience, not a need."""
    told = Transcript()
    for row in events():
        told.add(event(row), decode=False)
    assert (told.run_id, told.response, text_of(told)) == (RUN_ID, response(), ANSWER)


@pytest.mark.parametrize("kind", sorted(TERMINAL))
@both
def test_every_terminal_event_ends_a_run_with_or_without_its_object(
    listen: bool, kind: str
) -> None:
    """What the types say, the recordings do not: each is accepted either way."""
    for end in (
        {"type": kind},
        {"type": kind, "response": None},
        {"type": kind, "response": response("failed")},
    ):
        told = transcript(events(end), listen=listen)
        assert told.terminal is not None
        assert told.terminal["type"] == kind
        assert told.response == (end.get("response") or {})
        assert text_of(told) == ANSWER


def test_the_first_end_counts() -> None:
    """Whatever comes after a terminal event does not change how the run ended."""
    rows = [*events(), {"type": "response.failed", "error": {"type": "late"}}]
    told = transcript(rows, listen=False)
    assert told.terminal is not None
    assert told.terminal["type"] == "response.completed"


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'"x"', b"null", b"\xff", b"NaN", b"[DONE]", b"ping"]
)
@both
def test_a_frame_that_is_not_a_json_object_is_skipped_anywhere(
    listen: bool, data: bytes
) -> None:
    """Before the first event, among the others, and under the name of any event."""
    names = ["", "response.output_text.delta", "response.completed", "error"]
    for place, name in enumerate(names):
        frames = [event(row, str(row["type"])) for row in events()]
        frames.insert(place * 3, ServerEvent(name, data))
        told = Transcript()
        for frame in frames:
            told.add(frame, decode=listen)
        assert (told.run_id, told.response) == (RUN_ID, response())
        assert told.error is None
        assert text_of(told) == ANSWER


@pytest.mark.parametrize("data", [b"", b" ", b"\n\n"])
def test_a_frame_without_data_is_not_an_event(data: bytes) -> None:
    """So an error after it is still the first frame."""
    told = Transcript()
    assert told.add(ServerEvent("ping", data), decode=True) is None
    told.add(event({"type": "error", "error": {"type": "x"}}), decode=True)
    assert told.is_error_first


@pytest.mark.parametrize("first", [b"ping", b'{"type": "response.queued"}'])
def test_an_error_after_any_other_frame_is_not_the_first(first: bytes) -> None:
    """A run may have begun in the frame before, even if it cannot be read."""
    told = Transcript()
    told.add(ServerEvent("", first), decode=False)
    told.add(event({"type": "error", "error": {"type": "x"}}), decode=False)
    assert told.error is not None
    assert not told.is_error_first


def test_an_error_event_that_names_its_run_is_not_a_refusal() -> None:
    """A run with an id was begun."""
    told = Transcript()
    error = {"type": "error", "error": {"type": "x"}, "response": {"id": RUN_ID}}
    told.add(event(error), decode=False)
    assert (told.run_id, told.is_error_first) == (RUN_ID, False)


@both
def test_an_error_event_does_not_end_a_run(listen: bool) -> None:
    """The first error is kept; whether the run has ended, the run itself must say."""
    rows = [*events()[:-1], {"type": "error", "code": "a"}, {"type": "error"}]
    told = transcript(rows, listen=listen)
    assert told.terminal is None
    assert told.error == {"type": "error", "code": "a"}


@both
def test_many_events_are_kept_as_text_once_they_are_large(
    monkeypatch: pytest.MonkeyPatch, listen: bool
) -> None:
    """Beyond the bound they are decoded once, and only their text and sources are kept."""
    monkeypatch.setattr(agent_events, "MOST_BYTES", 4000)
    rows = events(text="The Moon is far away. " * 20)
    told = transcript(rows, listen=listen)
    assert told._kept == []
    assert text_of(told) == "The Moon is far away. " * 20
    assert results_of(told) == RESULTS


@both
def test_text_beyond_the_bound_is_an_overflow(
    monkeypatch: pytest.MonkeyPatch, listen: bool
) -> None:
    """What was received until then can still be read."""
    monkeypatch.setattr(agent_events, "MOST_BYTES", 4000)
    *rows, last = (event(row) for row in deltas("x" * 4100, size=500))
    told = Transcript()
    for row in rows:
        told.add(row, decode=listen)
    with pytest.raises(OverflowError):
        told.add(last, decode=listen)
    assert text_of(told) == "x" * 4100


@pytest.mark.parametrize("status", ["requires_action", "failed"])
def test_a_plain_body_that_asks_for_an_action_has_ended(status: str) -> None:
    """Nobody here could answer it."""
    told = Transcript()
    told.add(plain(response(status)), decode=False)
    assert told.terminal is not None
    assert told.terminal["type"] == f"response.{status}"


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed", "cancelled"])
@both
def test_a_plain_body_is_the_end_of_its_run(listen: bool, status: str) -> None:
    """A gateway that buffers streams answers with the object itself, its null error included."""
    told = Transcript()
    told.add(plain(response(status)), decode=listen)
    assert told.run_id == RUN_ID
    assert told.terminal == {"type": f"response.{status}", "response": response(status)}


def test_a_run_with_an_error_and_an_unknown_status_is_a_run() -> None:
    """A cancelled run has an error too (docs/provider.md, "Runs: fetch, cancel")."""
    told = Transcript()
    told.add(plain(response("stopped", error={"type": "cancelled"})), decode=False)
    assert (told.run_id, told.status, told.error) == (RUN_ID, "stopped", None)


@pytest.mark.parametrize("kind", ["queued", "in_progress", "cancelling"])
@both
def test_the_latest_status_of_a_run_is_known(listen: bool, kind: str) -> None:
    """From any event that has the run's object."""
    began, *others = events()[:-1]
    changed = {"type": f"response.{kind}", "response": response("cancelling")}
    told = transcript([began], listen=listen)
    assert told.status == "in_progress"
    told = transcript([began, changed, *others[1:]], listen=listen)
    assert told.status == "cancelling"


@both
def test_numbers_that_do_not_rise_at_the_end_are_seen_too(listen: bool) -> None:
    """Then no frame was a replay, also in a stream without a listener."""
    begun, piece = events()[0] | {"sequence_number": 1}, deltas("ha")[0]
    end = {"type": "response.incomplete", "response": response("incomplete", output=[])}
    rows = [begun, *[piece | {"sequence_number": 3}] * 2]
    for number, text in ((4, "ha"), (0, "haha")):
        told = transcript([*rows, end | {"sequence_number": number}], listen=listen)
        assert text_of(told) == text


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_plain_body_of_a_run_under_way_is_its_beginning(status: str) -> None:
    """It tells the id, and the run is asked for until it ends."""
    told = Transcript()
    told.add(plain(response(status)), decode=False)
    assert (told.run_id, told.terminal) == (RUN_ID, None)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "…", "type": "internal_error"}},
        {"error": {"message": "…", "type": "internal_error"}, "status": 500},
        {"error": {"message": "…", "type": "internal_error"}, "status": None},
        {"error": "…"},
        {"error": {"type": "invalid_api_key", "code": 401}, "status": "error"},
        {"error": {"type": "invalid_api_key", "code": 401}, "type": "invalid_api_key"},
        {"error": {"type": "invalid_api_key"}, "type": None, "object": "error"},
    ],
)
@both
def test_a_body_that_is_only_an_error_is_the_error(
    listen: bool, body: dict[str, Any]
) -> None:
    """With HTTP 200, as gateways do it, whatever is beside it."""
    told = Transcript()
    told.add(plain(body), decode=listen)
    assert told.terminal is None
    assert told.is_error_first
    assert told.error is not None
    assert told.error["error"] == body["error"]


@pytest.mark.parametrize(
    "run_id",
    [
        None,
        7,
        "",
        "a/b",
        "../models",
        "resp 1",
        "resp_1?x=1",
        "é",
        "x" * 129,
        ["resp_1"],
        "resp_1\n",
        "resp_pplx-abc",
    ],
)
def test_what_does_not_look_like_an_id_is_none(run_id: object) -> None:
    """It becomes part of an address and of logs, so nothing else may stand in it, and no echo of a key."""
    told = Transcript()
    told.add(
        event({"type": "response.created", "response": {"id": run_id}}), decode=True
    )
    assert told.run_id is None


@both
def test_an_event_without_a_type_still_names_its_run(listen: bool) -> None:
    """Its answer can then be fetched, though the stream cannot be understood."""
    told = Transcript()
    told.add(
        event(
            {"response": {"id": RUN_ID, "status": "in_progress"}}, "response.created"
        ),
        decode=listen,
    )
    assert (told.run_id, told.terminal) == (RUN_ID, None)


def test_the_id_of_a_run_that_is_come_back_to_stays() -> None:
    """A re-attached run knows its id from before, and no event changes it."""
    assert (
        transcript(events(), listen=True, run_id="resp_before").run_id == "resp_before"
    )


PLACES = ("output_index", "content_index", "delta", "text")
ODD: list[Any] = [None, 7, 1.5, True, [], {}, "x"]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize(
    "name",
    [*PLACES, "type", "status", "response", "sequence_number", "item", "results"],
)
def test_a_field_of_an_odd_kind_is_only_unknown(name: str, odd: object) -> None:
    """No value in any place raises anything but a ValueError at the door."""
    rows = [row | {name: odd} for row in events()]
    for listen in (True, False):
        told = Transcript()
        for row in rows:
            told.add(event(row, "response.output_text.delta"), decode=listen)
        assert isinstance(text_of(told), str)
        assert all(isinstance(item, dict) for item in told.output_items())


@given(st.lists(json_values, max_size=4), st.booleans())
def test_no_json_at_all_raises_anything(contents: list[Any], listen: bool) -> None:
    """An event of any shape is read or skipped."""
    told = Transcript()
    for content in contents:
        name = "response.output_text.delta" if told.run_id else ""
        told.add(event(content, name), decode=listen)
    assert isinstance(text_of(told), str)
    assert all(isinstance(item, dict) for item in told.output_items())
    assert isinstance(told.response, dict)
