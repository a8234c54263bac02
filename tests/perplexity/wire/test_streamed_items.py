"""The output items that are put together from the events of a stream."""

import json
from itertools import permutations
from typing import Any

import pytest

from perplexity_connector.contract.readers import as_objects
from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.streamed_items import StreamedItems
from tests.perplexity.wire.streams import (
    ANSWER,
    RESULTS,
    Event,
    deltas,
    events,
    message_item,
    plain,
    results_of,
    search_item,
    text_of,
    transcript,
)

both = pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])
PLACE: dict[str, Any] = {"output_index": 1, "content_index": 0}


def delta(text: str, **more: Any) -> Event:
    """A piece of text."""
    return {"type": "response.output_text.delta", "delta": text, **PLACE, **more}


def text_done(text: object, **more: Any) -> Event:
    """The whole text of a part."""
    return {"type": "response.output_text.done", "text": text, **PLACE, **more}


def part_done(text: str, **more: Any) -> Event:
    """A whole part."""
    part = {"type": "output_text", "text": text, "annotations": [{"url": "a"}]}
    return {"type": "response.content_part.done", "part": part, **PLACE, **more}


def item_done(text: str, **more: Any) -> Event:
    """A whole message."""
    return item_is_done(message_item(text) | more, output_index=1)


def item_is_done(item: object, **more: Any) -> Event:
    """A whole item."""
    return {"type": "response.output_item.done", "item": item, **more}


def added(item: object, **more: Any) -> Event:
    """The beginning of an item."""
    return {"type": "response.output_item.added", "item": item, **more}


def heard(*rows: Event) -> str:
    """The streamed text after these events."""
    return text_of(transcript(rows, listen=True))


def numbered(*rows: Event) -> list[Event]:
    """The events with rising numbers."""
    return [row | {"sequence_number": number} for number, row in enumerate(rows)]


@both
def test_one_unreadable_event_does_not_take_the_others_with_it(listen: bool) -> None:
    """The text is joined from the frames that can be read."""
    told = Transcript("resp_1")
    for row in deltas("Moon", size=1):
        told.add(plain(row), decode=listen)
        told.add(plain("x")._replace(data=b"{"), decode=listen)
    assert text_of(told) == "Moon"


@both
def test_replays_are_counted_once(listen: bool) -> None:
    """The same number and the same bytes, one by one or the whole stream again."""
    rows = events()[:-1]
    one_by_one = [row for row in rows for _ in range(2)]
    for again in (one_by_one, [*rows, *rows]):
        told = transcript(again, listen=listen)
        assert text_of(told) == ANSWER
        assert results_of(told) == RESULTS


def test_a_set_of_frames_is_made_for_replays_only() -> None:
    """It takes ten times the memory of the plain list."""
    rows = numbered(delta("a"), delta("b"))
    for again, known in ((rows, 0), ([*rows, rows[0]], len(rows))):
        streamed = transcript(again, listen=True).streamed
        assert (len(streamed._older), len(streamed._recent)) == (known, 2 - known)


@both
def test_numbers_that_do_not_rise_make_no_frame_a_replay(listen: bool) -> None:
    """Also not the frames that were taken for replays before."""
    rows = [delta(text, sequence_number=0) for text in ("ha", "ha", "!", "ha")]
    assert text_of(transcript(rows, listen=listen)) == "haha!ha"
    restarted = [*numbered(delta("a"), delta("b")), *numbered(delta("c"), delta("d"))]
    assert text_of(transcript(restarted, listen=listen)) == "abcd"


@both
def test_the_order_of_arrival_is_the_order_of_the_text(listen: bool) -> None:
    """Numbers do not sort events."""
    rows = numbered(delta("a"), delta("b"), delta("c"))
    for order in permutations(rows):
        told = transcript(order, listen=listen)
        assert text_of(told) == "".join(row["delta"] for row in order)


def test_events_without_numbers_are_all_counted() -> None:
    """Two equal pieces of text may follow each other."""
    assert heard(delta("ha"), delta("ha", sequence_number=3), delta("ha")) == "hahaha"


FORMS: dict[str, Any] = {
    "item": item_done,
    "part": part_done,
    "text": text_done,
    "deltas": delta,
}


@pytest.mark.parametrize("names", list(permutations(FORMS, 2)))
def test_a_more_trusted_text_wins_over_another_one(names: tuple[str, str]) -> None:
    """Whichever of them arrives first."""
    trusted = min(names, key=list(FORMS).index)
    rows = [FORMS[name](f"{name} text") for name in names]
    assert heard(*rows) == f"{trusted} text"


@pytest.mark.parametrize("names", list(permutations(FORMS, 2)))
def test_a_less_trusted_text_counts_where_it_goes_on(names: tuple[str, str]) -> None:
    """It begins with the more trusted one, so nothing contradicts it."""
    trusted = min(names, key=list(FORMS).index)
    rows = [FORMS[name]("Moon" if name == trusted else "Moon!") for name in names]
    assert heard(*rows) == "Moon!"


def test_an_empty_text_takes_nothing_away() -> None:
    """Neither does one of another type."""
    for empty in ("", None, 7):
        assert heard(delta("Mo"), text_done(empty)) == "Mo"
    no_content = item_is_done({"type": "message", "content": None}, output_index=1)
    assert heard(delta("Mo"), no_content) == "Mo"
    odd_part = {"type": "response.content_part.done", "part": {"type": "x"}, **PLACE}
    assert heard(delta("Mo"), odd_part) == "Mo"


def test_each_message_has_its_own_order_of_trust() -> None:
    """One is known whole, the other one only from its deltas."""
    rows = [item_done("one", id="m1"), delta("two", output_index=2)]
    assert heard(*rows) == "one\n\ntwo"


def test_parts_of_a_message_are_one_text() -> None:
    """Each part has its own deltas."""
    rows = [delta("one "), delta("two", content_index=1)]
    assert heard(*rows) == "one two"


def test_messages_are_joined_however_their_pieces_are_mixed() -> None:
    """Each piece goes to its own message."""
    rows = [delta("o"), delta("t", output_index=3), delta("ne"), delta("wo", output_index=3)]  # fmt: skip
    assert heard(*rows) == "one\n\ntwo"


def test_events_of_one_message_belong_together_by_index_by_id_or_by_order() -> None:
    """Some gateways leave one of them out."""
    by_index = [delta("Moo"), item_done("Moon")]
    by_id = [
        added({"type": "message", "id": "m"}),
        {"type": "response.output_text.delta", "delta": "Moo", "item_id": "m"},
        item_is_done(message_item("Moon") | {"id": "m"}),
    ]
    by_order = [
        {"type": "response.output_text.delta", "delta": "Moo"},
        {"type": "response.output_text.done", "text": "Moo"},
        item_is_done(message_item("Moon")),
    ]
    for rows in (by_index, by_id, by_order):
        assert heard(*rows) == "Moon"


def test_a_message_may_be_announced_after_its_first_text() -> None:
    """Or twice: it is one message."""
    begun = added({"type": "message", "id": "m", "phase": "final"}, output_index=1)
    assert heard(delta("a"), begun, begun, delta("b")) == "ab"


def test_items_with_one_index_are_not_mixed() -> None:
    """Some gateways number every item 0."""
    place = {"output_index": 0}
    one, two = (message_item(text) | {"id": text} for text in ("one", "two"))
    rows = [
        item_is_done(search_item(), **place),
        delta("o", **place),
        item_is_done(one, **place),
        added({"type": "message", "id": "two"}, **place),
        delta("tw", **place),
        item_is_done(two, **place),
        item_is_done(search_item([]), **place),
    ]
    told = transcript(rows, listen=True)
    assert text_of(told) == "one\n\ntwo"
    assert results_of(told) == RESULTS


def test_an_item_with_text_is_not_replaced_by_another_kind() -> None:
    """Its index is wrong, but its text was paid for."""
    begun = added({"type": "function_call"}, output_index=1)
    rows = [delta("one"), item_is_done(search_item(), output_index=1)]
    told = transcript(rows, listen=True)
    assert (text_of(told), results_of(told)) == ("one", RESULTS)
    assert heard(delta("one"), begun, delta("two")) == "one\n\ntwo"
    named = [added({"type": "message", "id": name}, output_index=1) for name in "ab"]
    rows = [named[0], delta("one"), named[1], delta("two")]
    assert heard(*rows) == "one\n\ntwo"


def test_an_item_that_is_done_twice_is_one_item() -> None:
    """The same content, or a later one of the same id."""
    assert heard(item_done("Moon"), item_done("Moon")) == "Moon"
    assert heard(item_done("Moo"), item_done("Moon")) == "Moon"
    first, second = (
        item_is_done({"type": "message", "content": message_item(text)["content"]})
        for text in ("one", "two")
    )
    assert heard(first, second) == "one\n\ntwo"


def test_half_a_character_waits_for_its_other_half() -> None:
    """JSON escapes may cut a character in two; a half that stays alone is replaced."""
    assert heard(delta("a\ud83c"), delta("\udf15b")) == "a\U0001f315b"
    alone = heard(delta("a\ud83c"), delta("b"))
    assert (alone[0], alone[-1], len(alone)) == ("a", "b", 3)
    alone.encode()


def test_only_a_message_that_says_so_is_commentary() -> None:
    """Its phase is known from its beginning, from its end, or from neither."""
    note = {"type": "message", "id": "n", "phase": "commentary"}
    at_first = [added(note, output_index=0), delta("Let me look.", output_index=0)]
    at_last = [
        delta("Let me look.", output_index=0),
        item_is_done(
            message_item("Let me look.") | {"phase": "commentary"}, output_index=0
        ),
    ]
    for rows in (at_first, at_last):
        assert heard(*rows, delta("Far.")) == "Far."
    unknown = added({"type": "message", "phase": "thinking"}, output_index=0)
    rows = [unknown, delta("Well.", output_index=0), delta("Far.")]
    assert heard(*rows) == "Well.\n\nFar."


def test_a_refusal_is_the_text() -> None:
    """From its deltas, its end, its part, or its item."""
    part: Any = {"type": "refusal", "refusal": "No."}
    forms: list[Event] = [
        {"type": "response.refusal.delta", "delta": "No.", **PLACE},
        {"type": "response.refusal.done", "refusal": "No.", **PLACE},
        {"type": "response.content_part.done", "part": part, **PLACE},
        item_is_done({"type": "message", "content": [part]}, output_index=1),
    ]
    for form in forms:
        told = transcript([form], listen=True)
        item: Any
        (item,) = told.output_items()
        assert text_of(told) == "No."
        assert [part["type"] for part in item["content"]] == ["refusal"]


def test_a_message_has_the_form_of_the_final_object() -> None:
    """Its parts, with the annotations that events brought."""
    rows = [part_done("Moon"), delta("Moon is far")]
    (item,) = transcript(rows, listen=True).output_items()
    text = {"type": "output_text", "text": "Moon is far", "annotations": [{"url": "a"}]}
    assert item == {"type": "message", "id": "", "phase": None, "content": [text]}
    done = message_item("Moon")
    done["content"][0]["annotations"] = [{"url": "b"}]
    rows = [item_is_done(done, output_index=1), delta("Moon is far")]
    (item,) = transcript(rows, listen=True).output_items()
    assert item["content"] == [text | {"annotations": [{"url": "b"}]}]
    assert item["id"] == "msg_1"


@both
def test_finished_sources_win_over_interim_ones_of_the_same_name(listen: bool) -> None:
    """By id, by address, or as a whole; interim ones that no finished item has are kept."""
    third = {"id": 3, "title": "C", "url": "https://c.example"}
    interim = {
        "type": "response.reasoning.search_results",
        "results": [RESULTS[0] | {"url": "https://old.example"}, third],
    }
    rows = [interim, item_is_done(search_item(), output_index=0)]
    assert results_of(transcript([interim], listen=listen)) == interim["results"]
    assert results_of(transcript(rows, listen=listen)) == [third, *RESULTS]
    page, other = ({"url": f"https://{name}.example"} for name in "ab")
    bare: dict[str, Any] = {"category": "x", "content": "y"}
    for kind, name in (
        ("fetch_url_results", "contents"),
        ("finance_results", "results"),
    ):
        rows = [
            {"type": f"response.reasoning.{kind}", name: [page, other, bare]},
            item_is_done({"type": kind, name: [page, bare]}),
        ]
        items = transcript(rows, listen=listen).output_items()
        assert [item[name] for item in items] == [[other], [page, bare]]


@both
def test_interim_sources_are_kept_until_finished_items_have_them_all(
    listen: bool,
) -> None:
    """Then the finished ones are enough, and a waiting stream keeps each source once."""
    third = {"id": 3, "title": "C", "url": "https://c.example"}
    interim = {
        "type": "response.reasoning.search_results",
        "results": [*RESULTS, third],
    }
    first = item_is_done(search_item(), output_index=0)
    last = item_is_done(search_item([third]), output_index=1)
    told = transcript([interim, first], listen=listen)
    assert results_of(told) == [third, *RESULTS]
    assert [item.is_interim for item in told.streamed.items] == [True, False]
    told = transcript([interim, first, last], listen=listen)
    assert results_of(told) == [*RESULTS, third]
    assert [item.is_interim for item in told.streamed.items] == [False, False]


@both
def test_no_source_is_lost_when_an_item_is_finished_again(listen: bool) -> None:
    """With the same id and fewer sources, or as a message."""
    search = item_is_done(search_item() | {"id": "x"})
    rows = [
        {"type": "response.reasoning.search_results", "results": RESULTS},
        search,
        item_is_done(search_item([]) | {"id": "x"}),
        item_is_done(message_item("Moon") | {"id": "x"}),
    ]
    told = transcript(rows, listen=listen)
    assert (text_of(told), results_of(told)) == ("Moon", RESULTS)


@both
@pytest.mark.parametrize("is_numbered", [False, True], ids=["bare", "numbered"])
@pytest.mark.parametrize(
    ("again", "kept", "events_kept"),
    [
        ("ab", "ab", 1),
        ("abc", "abc", 1),
        ("ba", "ba", 1),
        ("a", "ab", 1),
        ("bc", "abc", 2),
        ("", "ab", 1),
    ],
)
def test_no_source_is_doubled_when_an_item_is_finished_again(
    again: str, kept: str, events_kept: int, is_numbered: bool, listen: bool
) -> None:
    """Gateways repeat frames; an item that brings all again replaces the earlier one in its place."""

    def finished(id: str, names: str) -> Event:
        contents = [{"url": f"https://{name}.example"} for name in names]
        item = {"type": "fetch_url_results", "id": id, "contents": contents}
        return item_is_done(item)

    rows = [finished("x", "ab"), finished("y", "d"), finished("x", again)]
    told = transcript(numbered(*rows) if is_numbered else rows, listen=listen)
    items = told.output_items()
    assert [len(item.sources) for item in told.streamed.items] == [events_kept, 1]
    assert [item["id"] for item in items] == ["x", "y"]
    urls = [[page["url"] for page in as_objects(item["contents"])] for item in items]
    assert urls == [[f"https://{name}.example" for name in kept], ["https://d.example"]]


def test_an_id_that_two_kinds_share_makes_no_source_lost() -> None:
    """Gateways rewrite ids."""
    page: dict[str, Any] = {"type": "fetch_url_results", "contents": [{"url": "a"}]}
    rows = [item_is_done(item | {"id": "x"}) for item in (search_item(), page)]
    told = transcript(rows, listen=True)
    assert [item["type"] for item in told.output_items()] == [
        "search_results",
        "fetch_url_results",
    ]


def test_an_item_without_text_and_sources_is_not_an_output_item() -> None:
    """A function call is only a step on the way."""
    rows = [
        added({"type": "function_call"}, output_index=0),
        item_is_done({"type": "function_call"}, output_index=0),
        item_is_done(None),
        added(None),
    ]
    assert transcript(rows, listen=True).output_items() == []


def test_a_hundred_thousand_pieces_are_read_in_one_pass() -> None:
    """The text is whole, and each piece is kept in a few bytes."""
    told = Transcript("resp_1")
    for number in range(100_000):
        row = json.dumps(delta("ab", sequence_number=number)).encode()
        told.add(plain("")._replace(name="response.output_text.delta", data=row), decode=False)  # fmt: skip
    assert text_of(told) == "ab" * 100_000


def test_a_delta_that_goes_on_is_added_without_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nearly every event of a stream is one, and goes to the same part as the one before it."""
    found: list[object] = []
    part = StreamedItems._part

    def watched(self: StreamedItems, *place: Any) -> Any:
        found.append(part(self, *place))
        return found[-1]

    monkeypatch.setattr(StreamedItems, "_part", watched)
    assert heard(*deltas("one", size=1), *deltas(" two", size=1)) == "one two"
    assert len(found) == 1
    heard(delta("a", content_index=1), delta("b", content_index=2))
    assert len(found) == 3
