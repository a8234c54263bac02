"""From the events of a run to what a listener gets."""

import gc
import json
from types import FunctionType, ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from perplexity_connector.perplexity.wire import live_sources
from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.citation_marks import rewrite_marks
from perplexity_connector.perplexity.wire.event_translator import EventTranslator
from perplexity_connector.perplexity.wire.sources import collect_sources
from tests.paths import SCHEMAS
from tests.perplexity.wire.streams import (
    ANSWER,
    RESULTS,
    SHOWN,
    deltas,
    events,
    json_values,
    plain,
    search_item,
)

FOUND: dict[str, Any] = {
    "type": "response.reasoning.search_results",
    "results": RESULTS,
}
EVENT = Draft202012Validator(
    json.loads(
        (SCHEMAS / "create_chat_completion.v1.event.schema.json").read_text(
            encoding="utf-8"
        )
    )
)


class Listener:
    """Keeps what it is told, each event checked against the published schema."""

    def __init__(self, *, structured: bool = False, shown: int = 0) -> None:
        """Listen to a translator of its own."""
        self.events: list[dict[str, Any]] = []
        self.transcript = Transcript()
        self.translator = EventTranslator(
            self._take, self.transcript.streamed, structured=structured, shown=shown
        )

    def _take(self, event: Any) -> None:
        json.dumps(event, ensure_ascii=False, allow_nan=False).encode()
        assert list(EVENT.iter_errors(event)) == []
        assert type(event["type"]) is str
        self.events.append(event)

    def hear(self, rows: list[dict[str, Any]]) -> "Listener":
        """Tell the translator of these events."""
        for row in rows:
            content = self.transcript.add(plain(row), decode=True)
            if content is not None:
                self.translator.feed(content)
        return self

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(
            event["text"] for event in self.events if event["type"] == "text.delta"
        )


def test_a_recorded_run_is_told_as_it_goes() -> None:
    """Queries, results and text, in that order, and nothing for events that mean nothing to a listener."""
    listener = Listener().hear(events())
    kinds = [event["type"] for event in listener.events]
    assert kinds[:2] == ["search.queries", "search.results"]
    assert set(kinds[2:]) == {"text.delta"}
    assert listener.events[0]["queries"] == ["moon"]
    assert [(found["id"], found["url"]) for found in listener.events[1]["results"]] == [
        (result["id"], result["url"]) for result in RESULTS
    ]
    assert listener.text == SHOWN
    assert listener.translator.finish(SHOWN)
    assert listener.text == SHOWN


def test_marks_split_over_deltas_are_told_whole() -> None:
    """No listener ever sees a piece of `[web:`."""
    for size in range(1, 12):
        listener = Listener().hear([FOUND, *deltas(ANSWER, size=size)])
        del listener.events[0]
        assert all("web" not in event["text"] for event in listener.events)
        assert listener.text == SHOWN


def test_a_structured_answer_goes_through_untouched() -> None:
    """Its JSON may hold anything, and nothing of it is held back."""
    rows = [FOUND, *deltas('{"a": "[web:1]"}', size=1)]
    listener = Listener(structured=True).hear(rows)
    assert listener.text == '{"a": "[web:1]"}'
    assert len(listener.events) == 1 + len('{"a": "[web:1]"}')


def done(item: dict[str, Any]) -> dict[str, Any]:
    """The event of a finished item."""
    return {"type": "response.output_item.done", "item": item}


def opened(*urls: str | None) -> dict[str, Any]:
    """The item of pages that were read."""
    contents = [{"title": "Page", "url": url, "snippet": "Read."} for url in urls]
    return {"type": "fetch_url_results", "contents": contents}


def early(item: dict[str, Any]) -> dict[str, Any]:
    """The event that sends an item's sources before the item is finished."""
    return item | {"type": f"response.reasoning.{item['type']}"}


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([], "[web:0] [web:1] [web:2]"),
        ([FOUND], "[web:0] [1] [2]"),
        ([done(search_item())], "[web:0] [1] [2]"),
        ([FOUND, done(search_item())], "[web:0] [1] [2]"),
        ([early(opened("https://c.example"))], "[1] [web:1] [web:2]"),
        ([done(opened("https://c.example", "https://d.example"))], "[1] [2] [web:2]"),
        ([FOUND, done(opened("https://c.example"))], "[3] [1] [2]"),
        ([FOUND, done(opened("https://b.example"))], "[2] [1] [2]"),
        ([done({"type": "message", "content": None})], "[web:0] [web:1] [web:2]"),
        ([done(opened()), early(opened())], "[web:0] [web:1] [web:2]"),
    ],
)
def test_marks_get_the_numbers_known_by_then(
    rows: list[dict[str, Any]], shown: str
) -> None:
    """From finished items, and from the events before them."""
    text = "[web:0] [web:1] [web:2]"
    assert Listener().hear([*rows, *deltas(text)]).text == shown


def kept_by(listener: Listener) -> list[Any]:
    """All values that its translator and its transcript keep."""
    found: list[Any] = [listener.translator, listener.transcript]
    for value in found:  # the list grows meanwhile
        known = set(map(id, found))
        parts = [
            part
            for part in gc.get_referents(value)
            if not isinstance(part, type | FunctionType | ModuleType)
        ]
        found += [part for part in parts if id(part) not in known]
    return found


def test_a_waiting_stream_keeps_no_decoded_page() -> None:
    """Sources are kept as bytes, also after a mark: decoded, they take three times the memory."""
    rows = [FOUND, done(search_item()), *deltas("The Moon[web:1] is far")]
    listener = Listener().hear(rows)
    assert listener.text == "The Moon[1] is far"
    listener.events.clear()
    kept = kept_by(listener)
    assert not [value for value in kept if isinstance(value, dict) and "url" in value]
    assert not [value for value in kept if value in ("Page A", "https://a.example")]
    held = [value for value in kept if isinstance(value, bytes) and b"Page A" in value]
    assert len(held) == 1


def test_sources_are_numbered_once_for_all_marks_between_two_lists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only new sources can change the numbers."""
    collected: list[int] = []

    def watched(items: Any) -> Any:
        collected.append(len(items))
        return collect_sources(items)

    monkeypatch.setattr(live_sources, "collect_sources", watched)
    listener = Listener().hear([FOUND, *deltas("[web:1][web:2] [web:1]", size=4)])
    assert collected == [1]
    listener.hear([done(opened("https://c.example")), *deltas("[web:0]")])
    assert collected == [1, 2]
    assert listener.text == "[1][2] [1][3]"


def test_a_page_of_an_early_event_and_of_its_item_is_one_page() -> None:
    """Otherwise the pages after it would be counted wrong."""
    first, second = opened("https://a.example", None), opened("https://b.example")
    rows = [early(first), early(second), done(first), done(second)]
    listener = Listener().hear([*rows, *deltas("[web:0][web:1][web:2][web:3]")])
    assert listener.text == "[1][2][3][web:3]"


def test_sources_that_come_between_deltas_count_from_then_on() -> None:
    """If the final numbers differ from those shown, the texts diverge."""
    rows = [early(opened("https://c.example")), *deltas("One.[web:0] ")]
    listener = Listener().hear([*rows, FOUND, *deltas("Two.[web:0]")])
    assert listener.text == "One.[1] Two.[3]"
    assert not listener.translator.finish("One.[3] Two.[3]")


@pytest.mark.parametrize("first", [1, None], ids=["numbered", "bare"])
def test_an_early_source_is_dropped_for_the_same_address_in_a_later_item(
    first: int | None,
) -> None:
    """Even under another number: the final object has the finished sources only."""
    item = search_item()
    again = RESULTS[0] | {"id": first and 3}
    rows = [early(search_item([*RESULTS, again])), done(item)]
    listener = Listener().hear([*rows, *deltas("x [web:2] [web:3] y")])
    final = rewrite_marks(
        "x [web:2] [web:3] y", collect_sources([item]).number_of_web_mark
    )
    assert listener.text == final == "x [2] [web:3] y"


def test_an_early_source_is_kept_if_only_an_earlier_item_has_its_address() -> None:
    """A second search may find a page again; the item of that search is still to come."""
    again = search_item([RESULTS[0] | {"id": 3}])
    begun = {"type": "response.output_item.added", "item": again, "output_index": 1}
    rows = [begun, done(search_item()), early(again), *deltas("x [web:3]")]
    assert Listener().hear(rows).text == "x [3]"
    opened_again = early(opened("https://a.example", "https://b.example"))
    rows = [done(opened("https://a.example")), opened_again, *deltas("[web:1][web:2]")]
    assert Listener().hear(rows).text == "[1][2]"


def test_an_early_row_that_is_no_page_keeps_its_place() -> None:
    """As in the finished item."""
    item = {"type": "fetch_url_results", "contents": [None, {"url": "b"}]}
    for event in (early(item), done(item)):
        assert Listener().hear([event, *deltas("[web:1]")]).text == "[2]"


def test_an_item_that_is_finished_again_changes_no_number() -> None:
    """Gateways repeat frames."""
    finished = done(opened("https://a.example", "https://b.example") | {"id": "x"})
    rows = [finished, finished, *deltas("[web:1][web:2]")]
    assert Listener().hear(rows).text == "[2][web:2]"


def test_an_id_written_as_text_is_shown_as_a_number() -> None:
    """As in the output."""
    result = {"id": "3", "url": "https://c.example"}
    listener = Listener().hear([early(search_item([result])), *deltas("x[web:3]")])
    assert listener.events[0]["results"][0]["id"] == 3
    assert listener.text == "x[3]"


def test_reading_pages_is_a_status() -> None:
    """A listener hears that something is going on."""
    listener = Listener().hear(
        [
            {
                "type": "response.reasoning.fetch_url_queries",
                "queries": ["https://a.example"],
            }
        ]
    )
    assert [event["type"] for event in listener.events] == ["status"]


def test_repeated_and_late_events_mean_nothing() -> None:
    """A number that was passed is not told again; holes are no matter."""
    rows = [
        row | {"sequence_number": 3 * number}
        for number, row in enumerate(deltas("Moon", size=1))
    ]
    listener = Listener().hear(
        [rows[0], rows[0], rows[1], rows[0], rows[2], rows[1], rows[3]]
    )
    assert listener.text == "Moon"


def test_events_without_numbers_are_all_told() -> None:
    """Where there is nothing to compare, nothing is left out."""
    rows = deltas("Moon", size=1)
    listener = Listener().hear(
        [
            rows[0],
            rows[1] | {"sequence_number": 5},
            rows[2],
            rows[3] | {"sequence_number": 6},
        ]
    )
    assert listener.text == "Moon"


def test_what_was_missing_is_told_at_the_end() -> None:
    """A held-back bracket, and what a broken stream never brought."""
    listener = Listener().hear(deltas("The Moon [we", size=4))
    assert listener.text == "The Moon "
    assert listener.translator.finish("The Moon [we are here]")
    assert listener.text == "The Moon [we are here]"
    assert listener.translator.shown == len(listener.text)


def test_another_text_than_was_told_is_a_divergence() -> None:
    """Then nothing is added, and whoever asked is told so."""
    listener = Listener().hear(deltas("The Moon"))
    told = len(listener.events)
    assert not listener.translator.finish("The Sun")
    assert not listener.translator.finish("The")
    assert len(listener.events) == told


@pytest.mark.parametrize("shown", range(len(SHOWN) + 1))
def test_a_later_attempt_tells_only_the_rest(shown: int) -> None:
    """The attempts of one run together tell the text once."""
    listener = Listener(shown=shown)
    assert listener.translator.finish(SHOWN)
    assert listener.text == SHOWN[shown:]
    assert listener.translator.shown == len(SHOWN)


def test_more_shown_than_there_is_is_a_divergence() -> None:
    """An earlier attempt told more than the final text has: that cannot be its beginning."""
    listener = Listener(shown=100)
    assert not listener.translator.finish("short")
    assert listener.events == []


def test_null_and_odd_fields_tell_nothing() -> None:
    """What is no text is no text; an empty piece is no event."""
    rows: Any = [
        {"type": "response.output_text.delta", "delta": None},
        {"type": "response.output_text.delta", "delta": ["x"]},
        {"type": "response.output_text.delta"},
        {"type": None},
        {"type": ["response.output_text.delta"]},
        {},
    ]
    assert Listener().hear(rows).events == []
    queries = [
        {"type": "response.reasoning.search_queries", "queries": [None, "", "moon", 3]}
    ]
    assert Listener().hear(queries).events == [
        {"type": "search.queries", "queries": ["moon"]}
    ]


@given(st.lists(json_values, max_size=5), st.text(max_size=20))
def test_any_event_at_all_is_told_validly_or_not_at_all(
    contents: list[Any], text: str
) -> None:
    """Whatever comes, what goes out fits the event schema."""
    kinds = [
        "response.output_text.delta",
        "response.reasoning.search_queries",
        "response.reasoning.search_results",
        "response.reasoning.fetch_url_results",
        "response.output_item.done",
    ]
    listener = Listener()
    for kind, content in zip(kinds * 2, contents, strict=False):
        listener.hear([content] if isinstance(content, dict) else [])
        listener.hear(
            [
                {"type": kind, "delta": content, "queries": content},
                {"type": kind, "results": content, "contents": content},
                {"type": kind, "item": content},
                {"type": "response.output_text.delta", "delta": "[web:0]"},
            ]
        )
    listener.translator.finish(text)


@given(
    st.text(alphabet="[web:12], `~\n", max_size=40),
    st.integers(1, 5),
    st.integers(0, 40),
)
def test_what_is_told_is_always_the_beginning_of_the_final_text(
    text: str, size: int, cut: int
) -> None:
    """A stream that breaks anywhere, finished by the whole text, tells the whole text once."""
    sources = collect_sources([search_item()])
    final = rewrite_marks(text, sources.number_of_web_mark)
    listener = Listener().hear([FOUND, *deltas(text, size=size)[:cut]])
    assert final.startswith(listener.text)
    assert listener.translator.finish(final)
    assert listener.text == final
