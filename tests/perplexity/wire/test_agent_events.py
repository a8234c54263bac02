"""What a stream has said so far."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract.json import load_json
from perplexity_connector.perplexity.wire import agent_events
from perplexity_connector.perplexity.wire.agent_events import TERMINAL, Transcript
from perplexity_connector.perplexity.wire.sse import ServerEvent
from tests.perplexity.wire.streams import (
    ANSWER,
    RESULTS,
    RUN_ID,
    deltas,
    events,
    json_values,
    plain,
    response,
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
    assert told.text() == ANSWER
    assert list(told.results()) == RESULTS


@both
def test_the_id_is_known_from_the_first_event(listen: bool) -> None:
    """A cut right after it can already be mended."""
    told = transcript(events()[:1], listen=listen)
    assert told.run_id == RUN_ID
    assert told.terminal is None
    assert told.response == {}
    assert (told.text(), list(told.results())) == ("", [])


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every JSON document that is decoded, in order."""
    seen: list[bytes] = []

    def watched(body: bytes) -> object:
        seen.append(body)
        return load_json(body)

    monkeypatch.setattr(agent_events, "load_json", watched)
    return seen


def test_without_a_listener_only_the_first_and_the_last_event_are_decoded(
    decoded: list[bytes],
) -> None:
    """The rest is kept as bytes: most runs never need it."""
    told = Transcript()
    rows = events()
    contents = [told.add(event(row, str(row["type"])), decode=False) for row in rows]
    assert contents[0] == rows[0]
    assert contents[-1] == rows[-1]
    assert set(map(type, contents[1:-1])) == {type(None)}
    assert [json.loads(body) for body in decoded] == [rows[0], rows[-1]]
    assert all(isinstance(kept, bytes) for kept in told._kept)
    assert len(told._kept) == len(rows) - 1


def test_with_a_listener_each_event_is_decoded_once(decoded: list[bytes]) -> None:
    """And kept as bytes all the same: Python's objects for it would take three times the memory."""
    told = Transcript()
    for row in events():
        told.add(event(row, str(row["type"])), decode=True)
    assert [json.loads(body) for body in decoded] == events()
    assert all(isinstance(kept, bytes) for kept in told._kept)


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
    assert (told.run_id, told.response, told.text()) == (RUN_ID, response(), ANSWER)


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
        assert told.text() == ANSWER


def test_the_first_end_counts() -> None:
    """Whatever comes after a terminal event does not change how the run ended."""
    rows = [*events(), {"type": "response.failed", "error": {"type": "late"}}]
    told = transcript(rows, listen=False)
    assert told.terminal is not None
    assert told.terminal["type"] == "response.completed"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"NaN", b"[DONE]"]
)
def test_an_event_that_is_no_object_is_a_value_error(data: bytes) -> None:
    """When it has to be decoded; an unheard one is passed over later."""
    told = Transcript()
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        told.add(ServerEvent("", data), decode=True)
    told = Transcript(RUN_ID)
    assert (
        told.add(ServerEvent("response.output_text.delta", data), decode=False) is None
    )
    assert told.text() == ""


def test_one_unreadable_event_does_not_take_the_others_with_it() -> None:
    """The text is what could be read."""
    told = Transcript(RUN_ID)
    for row in deltas("Moon", size=1):
        told.add(event(row, "response.output_text.delta"), decode=False)
        told.add(ServerEvent("response.output_text.delta", b"{"), decode=False)
    assert told.text() == "Moon"


@both
def test_repeated_events_are_counted_once(listen: bool) -> None:
    """A sequence number that was there already is a repetition, and the first one counts."""
    rows = [row for row in events() for _ in range(2)][:-1]
    assert transcript(rows, listen=listen).text() == ANSWER
    again = [row | {"sequence_number": 4} for row in deltas("MoonSun", size=4)]
    assert transcript(again, listen=listen).text() == "Moon"


@both
def test_events_out_of_order_are_put_in_order(listen: bool) -> None:
    """By their numbers, whose holes mean nothing."""
    first, *rest, last = [
        row for row in events() if row["type"] != "response.output_text.done"
    ]
    told = transcript([first, *reversed(rest), last], listen=listen)
    assert told.text() == ANSWER


def test_events_without_numbers_stand_as_they_came() -> None:
    """One without a number is enough to leave the order alone."""
    told = transcript(deltas("Moon", size=1), listen=True)
    assert told.text() == "Moon"


def test_several_messages_are_told_one_after_the_other() -> None:
    """Each place of the output has its own text, however its pieces are mixed."""
    mixed = [
        piece
        for pair in zip(deltas("one ", 1, 1), deltas("two.", 3, 1), strict=True)
        for piece in pair
    ]
    assert transcript(mixed, listen=True).text() == "one two."


def test_the_whole_text_of_a_place_wins_over_its_pieces() -> None:
    """`done` repeats what the deltas said, and is not added to them; an empty one says nothing."""
    done = {"type": "response.output_text.done", "output_index": 1, "content_index": 0}
    assert (
        transcript([*deltas("Mo"), done | {"text": "Moon"}], listen=True).text()
        == "Moon"
    )
    assert transcript([*deltas("Mo"), done | {"text": ""}], listen=True).text() == "Mo"
    assert transcript([done | {"text": None}], listen=True).text() == ""


def test_finished_result_items_win_over_interim_results() -> None:
    """Both tell the same sources; where only the interim ones came, those are taken."""
    interim = {"type": "response.reasoning.search_results", "results": RESULTS[:1]}
    item = {
        "type": "response.output_item.done",
        "item": {"type": "search_results", "results": RESULTS},
    }
    assert list(transcript([interim], listen=True).results()) == RESULTS[:1]
    assert list(transcript([interim, item], listen=True).results()) == RESULTS


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed", "cancelled"])
@both
def test_a_plain_body_is_the_end_of_its_run(listen: bool, status: str) -> None:
    """A gateway that buffers streams answers with the object itself, its null error included."""
    told = Transcript()
    told.add(plain(response(status)), decode=listen)
    assert told.run_id == RUN_ID
    assert told.terminal == {"type": f"response.{status}", "response": response(status)}


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
    ],
)
def test_a_body_that_is_only_an_error_is_the_error(body: dict[str, Any]) -> None:
    """With HTTP 200, as gateways do it."""
    told = Transcript()
    told.add(plain(body), decode=False)
    assert told.terminal is not None
    assert told.terminal["type"] == "error"
    assert told.terminal["error"] == body["error"]


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
        assert isinstance(told.text(), str)
        assert isinstance(told.results(), list)


@given(st.lists(json_values, max_size=4), st.booleans())
def test_no_json_at_all_raises_anything_but_a_value_error(
    contents: list[Any], listen: bool
) -> None:
    """Whatever a stream says, reading it fails in one way only."""
    told = Transcript()
    for content in contents:
        name = "response.output_text.delta" if told.run_id else ""
        try:
            told.add(event(content, name), decode=listen)
        except ValueError:
            continue
    assert isinstance(told.text(), str)
    assert isinstance(told.results(), list)
    assert isinstance(told.response, dict)
