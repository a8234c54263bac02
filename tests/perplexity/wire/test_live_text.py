"""The text of an answer while it is streamed: always the beginning of the final text."""

from typing import Any

import pytest

from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.live_text import LiveText
from tests.perplexity.wire.streams import message_item, plain, text_of

Event = dict[str, Any]


def delta(text: str, index: int = 0, **more: object) -> Event:
    """A piece of a message's text."""
    kind = "response.output_text.delta"
    return {"type": kind, "delta": text, "output_index": index, **more}


def done(text: str, index: int = 0, **more: object) -> Event:
    """A whole message."""
    item = message_item(text) | {"id": f"m{index}"} | more
    return {"type": "response.output_item.done", "item": item, "output_index": index}


def added(index: int, **more: object) -> Event:
    """The beginning of a message."""
    item = {"type": "message", "id": f"m{index}", **more}
    return {"type": "response.output_item.added", "item": item, "output_index": index}


def pieces(*rows: Event) -> tuple[list[str], str]:
    """The piece after each event, and the final text."""
    told = Transcript()
    live = LiveText(told.streamed)
    found = []
    for row in rows:
        told.add(plain(row), decode=True)
        found.append(live.next_piece())
    return found, text_of(told)


def test_each_delta_is_shown_at_once() -> None:
    """Also of a message whose beginning was not announced."""
    assert pieces(delta("a"), delta("b"), done("ab")) == (["a", "b", ""], "ab")


def test_text_that_only_a_whole_item_brings_is_shown_with_it() -> None:
    """And the rest of a text whose last deltas are missing."""
    assert pieces(done("ab")) == (["ab"], "ab")
    assert pieces(delta("a"), done("abc")) == (["a", "bc"], "abc")


def test_a_text_that_changed_is_not_shown_twice() -> None:
    """The difference is found at the end."""
    assert pieces(delta("a"), done("xy")) == (["a", ""], "xy")


def test_half_a_character_is_held_back() -> None:
    """In any order of events."""
    moon = "\U0001f315"
    assert pieces(delta("a\ud83c"), delta("\udf15")) == (["a", moon], f"a{moon}")
    late = [delta("a"), delta("\ud83c"), delta("\udf15b")]
    assert pieces(*late) == (["a", "", f"{moon}b"], f"a{moon}b")
    second = [done("x"), delta("\ud83c", 1), delta("\udf15", 1)]
    assert pieces(*second) == (["x", "", f"\n\n{moon}"], f"x\n\n{moon}")


def test_messages_have_a_blank_line_between() -> None:
    """An empty one has none."""
    rows = [delta("a"), done("a"), added(1), done("", 1), delta("b", 2), delta("c", 2)]
    assert pieces(*rows) == (["a", "", "", "", "\n\nb", "c"], "a\n\nbc")


def test_a_message_waits_for_the_end_of_the_one_before() -> None:
    """So that the text shown is the beginning of the final text."""
    rows = [delta("a"), delta("x", 1), delta("b"), done("ab"), delta("y", 1)]
    assert pieces(*rows) == (["a", "", "b", "\n\nx", "y"], "ab\n\nxy")
    part = {"type": "response.output_text.done", "text": "a", "output_index": 0}
    assert pieces(delta("a"), part, delta("x", 1)) == (["a", "", "\n\nx"], "a\n\nx")


def test_commentary_is_not_shown() -> None:
    """If the message says what it is before its text."""
    note = added(0, phase="commentary")
    rows = [note, delta("Let me look."), done("Let me look."), delta("Far.", 1)]
    assert pieces(*rows) == (["", "", "", "Far."], "Far.")
    empty = [added(0), done("Let me look.", phase="commentary"), delta("Far.", 1)]
    assert pieces(*empty) == (["", "", "Far."], "Far.")


def test_replays_are_not_shown() -> None:
    """Until the numbers turn out to be wrong: then all of them are."""
    rows = [delta(text, sequence_number=0) for text in ("ha", "ha", "!", "?")]
    assert pieces(*rows) == (["ha", "", "ha!", "?"], "haha!?")


@pytest.mark.parametrize("kind", ["response.in_progress", "response.completed"])
def test_an_event_without_text_shows_nothing(kind: str) -> None:
    """Also right after a piece of text."""
    assert pieces(delta("a"), {"type": kind}) == (["a", ""], "a")
