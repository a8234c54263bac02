"""The output of a run, from its final object and its stream."""

from typing import Any

import pytest

from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.run_output import RunOutput, run_output
from tests.perplexity.wire.streams import (
    ANSWER,
    RESULTS,
    Event,
    deltas,
    events,
    message_item,
    plain,
    response,
    search_item,
    transcript,
)

NOTHING = Transcript()


def message(text: str, **more: object) -> dict[str, Any]:
    """A message."""
    return message_item(text) | more


def streamed(*items: dict[str, Any], end: str = "completed") -> Transcript:
    """A stream that brought these items and then ended, without an object."""
    rows: list[Event] = [
        {"type": "response.output_item.done", "item": item, "output_index": index}
        for index, item in enumerate(items)
    ]
    return transcript([*rows, {"type": f"response.{end}"}], listen=False)


def texts(body: dict[str, Any], told: Transcript = NOTHING) -> list[str]:
    """The texts of the answer."""
    return list(run_output(body, told).texts)


def test_a_whole_final_object_needs_nothing_of_the_stream() -> None:
    """The stream is not even decoded."""
    told = Transcript()
    for row in events():
        told.add(plain(row)._replace(name=row["type"]), decode=False)
    found = run_output(told.response, told)
    assert found == RunOutput(
        items=response()["output"], texts=[ANSWER], is_refusal=False
    )
    assert told.streamed.items == []


def test_the_text_of_a_completed_object_is_final() -> None:
    """The stream may have said more, or other things."""
    told = streamed(message("Moon and more"), message("other", id="m2"))
    assert texts(response(output=[message("Moon")]), told) == ["Moon"]


@pytest.mark.parametrize("status", ["incomplete", "failed", "cancelled"])
def test_the_text_of_another_object_is_only_the_most_trusted(status: str) -> None:
    """A stream that goes on from there counts, and so does a message that is missing there."""
    told = streamed(message("Moon and more"), message("next", id="m2"), end=status)
    assert texts(response(status, output=[message("Moon")]), told) == [
        "Moon and more",
        "next",
    ]
    assert texts(response(status, output=[message("Sun")]), told) == ["Sun", "next"]


def test_an_empty_message_of_a_completed_object_is_filled_from_the_stream() -> None:
    """By its id, else by its place."""
    told = streamed(message("one", id="a"), message("two", id="b"))
    bodies = [
        [message("one", id="a"), message("", id="b")],
        [message("one", id="x"), message("", id="y")],
    ]
    for output in bodies:
        assert texts(response(output=output), told) == ["one", "two"]
    only = [message("", id="z")]
    assert texts(response(output=only), told) == ["one", "two"]


def test_the_phase_of_a_message_may_be_known_from_the_stream_alone() -> None:
    """A final object without phases does not make a comment the answer."""
    told = streamed(message("Let me look.", id="a", phase="commentary"))
    output = [search_item(), message("Let me look.", id="a"), message("Far.", id="b")]
    assert texts(response(output=output), told) == ["Far."]


def begun(*messages: tuple[dict[str, Any], str], end: str, listen: bool) -> Transcript:
    """A stream whose messages were begun and have these deltas, and then ended without an object."""
    rows = list(events()[:1])
    for index, (item, text) in enumerate(messages):
        added = {"type": "response.output_item.added", "item": item}
        rows += [added | {"output_index": index}, *deltas(text, index)]
    return transcript([*rows, {"type": f"response.{end}"}], listen=listen)


COMMENT = message("", id="m0", phase="commentary"), "Thinking"
FINAL = message("", id="m1", phase="final_answer"), "Hello world"
PLAIN = message("", id="m2"), "More."
both = pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])


@pytest.mark.parametrize(
    ("told", "output", "expected"),
    [
        ([COMMENT, FINAL], [message("Hello", id="x1", phase="final_answer")], ["Hello world"]),
        ([COMMENT, FINAL], [message("Hello", id=None)], ["Hello world"]),
        ([COMMENT, FINAL], [message("Hello world, Moon", id="x1")], ["Hello world, Moon"]),
        ([COMMENT, FINAL], [message("Sun", id="x1")], ["Sun"]),
        ([COMMENT, FINAL], [message("", id="x1")], ["Hello world"]),
        ([COMMENT, FINAL], [message("Thinking", id="x0")], ["Hello world"]),
        ([COMMENT, FINAL], [message("Hello", id="x1", phase="commentary")], ["Hello world"]),
        ([COMMENT, FINAL], [message("Thinking", id="x0"), message("Hello", id="x1")], ["Hello world"]),
        ([FINAL, PLAIN], [message("Hello", id="x1")], ["Hello world", "More."]),
        ([FINAL, PLAIN], [message("More", id="x2")], ["More.", "Hello world"]),
        ([FINAL, PLAIN], [message("Sun", id="x2")], ["Sun", "Hello world", "More."]),
        ([FINAL, PLAIN], [message("Mo", id="m1"), message("Mo", id="x2")], ["Mo", "More."]),
        ([FINAL, (PLAIN[0], "Hello")], [message("Hello", id="x2")], ["Hello", "Hello world"]),
        ([FINAL], [message("Hello", id="x1"), message("Bye", id="x2")], ["Hello world", "Bye"]),
    ],
)  # fmt: skip
@both
def test_each_message_of_a_cut_run_counts_once(
    listen: bool,
    told: list[tuple[dict[str, Any], str]],
    output: list[dict[str, Any]],
    expected: list[str],
) -> None:
    """Whatever its id is in the object: gateways rewrite ids, and the object may lack messages."""
    stream = begun(*told, end="incomplete", listen=listen)
    assert texts(response("incomplete", output=output), stream) == expected


@pytest.mark.parametrize("sources", [[], [search_item()]])
@pytest.mark.parametrize("phase", [None, "commentary"])
@pytest.mark.parametrize("others", [[], [message("More.", id="m2", phase="x")]])
@both
def test_a_comment_is_left_out_with_and_without_sources(
    listen: bool,
    others: list[dict[str, Any]],
    phase: str | None,
    sources: list[dict[str, Any]],
) -> None:
    """Also where only the stream has its phase, and others have theirs in the object."""
    stream = begun(COMMENT, end="completed", listen=listen)
    comment = message("Thinking", id="m0", phase=phase)
    body = response(output=[*sources, comment, *others])
    assert texts(body, stream) == ["More."] * len(others)


def test_an_answer_about_a_commentary_does_not_need_the_stream() -> None:
    """The word in a text is not a phase."""
    text = 'A "commentary".'
    told = Transcript()
    for row in events(text=text):
        told.add(plain(row)._replace(name=row["type"]), decode=False)
    run_output(response(output=[search_item(), message(text)]), told)
    assert told.streamed.items == []


def test_sources_of_a_completed_object_are_final() -> None:
    """Those of the stream count where it has none, or where the run was cut."""
    other = search_item([{"id": 7, "url": "https://other.example"}])
    told = streamed(other, search_item())
    found = run_output(response(output=[search_item(), message("")]), told)
    assert [item["results"] for item in found.items[:-1]] == [RESULTS]
    found = run_output(response(output=[message("x")]), told)
    assert [item.get("results") for item in found.items] == [
        other["results"],
        RESULTS,
        None,
    ]
    cut = response("incomplete", output=[search_item()])
    found = run_output(cut, streamed(other, search_item(), end="incomplete"))
    assert [item["results"] for item in found.items] == [RESULTS, other["results"], []]


def test_an_object_that_is_still_under_way_is_not_final() -> None:
    """The event says that the run has ended, the object that it has not."""
    told = streamed(message("Moon and more"))
    body = response("in_progress", output=[search_item(), message("Moon")])
    assert texts(body, told) == ["Moon and more"]


def test_a_refusal_is_told_by_its_part() -> None:
    """Not by an empty one, and not by one in a comment."""
    refused = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    found = run_output(response(output=[refused]), NOTHING)
    assert (found.text, found.is_refusal) == ("No.", True)
    empty = {"type": "message", "content": [{"type": "refusal", "refusal": None}]}
    for item in (empty, refused | {"phase": "commentary"}):
        found = run_output(response(output=[item, message("Yes.")]), NOTHING)
        assert (found.text, found.is_refusal) == ("Yes.", False)
