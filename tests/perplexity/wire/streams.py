"""Runs in the shape that was recorded (docs/provider.md, "Agent stream"), and JSON of no shape at all."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from perplexity_connector.contract.readers import as_objects
from perplexity_connector.perplexity.wire.agent_events import UNHEARD, Transcript
from perplexity_connector.perplexity.wire.run_output import run_output
from perplexity_connector.perplexity.wire.sse import USUAL, EventDecoder, ServerEvent

RUN_ID = "resp_8eead91b-1612-4fc7-b7d2-c15e903da865"
ANSWER = "The Moon is 384,400 km away.[web:2] It moves away.[web:1][web:2]"
SHOWN = "The Moon is 384,400 km away.[2] It moves away.[1][2]"
RESULTS = [
    {
        "id": 2,
        "title": "Page B",
        "url": "https://b.example",
        "snippet": "…",
        "last_updated": "2026-10-08",
    },
    {
        "id": 1,
        "title": "Page A",
        "url": "https://a.example",
        "snippet": "…",
        "source": "web",
        "date": "2026-06-10",
    },
]
USAGE: dict[str, Any] = {
    "input_tokens": 3426,
    "input_tokens_details": {"cached_tokens": 1780},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 7},
    "total_tokens": 3456,
    "tool_calls_details": {"search_web": {"invocation": 1, "cost_usd": 0.001}},
    "cost": {
        "currency": "USD",
        "input_cost": 0,
        "output_cost": 2e-05,
        "tool_calls_cost_details": {"search_web": 0.001},
        "total_cost": 0.00125,
    },
}

Event = dict[str, Any]


def search_item(results: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """An output item with search results."""
    return {
        "type": "search_results",
        "queries": ["moon"],
        "results": RESULTS if results is None else results,
    }


def message_item(*texts: str) -> dict[str, Any]:
    """An output item with a message of one part or several."""
    content = [
        {"type": "output_text", "text": text, "annotations": []} for text in texts
    ]
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }


def response(status: str = "completed", **more: Any) -> dict[str, Any]:
    """The provider's object of a run: as in a terminal event, in a plain body and when fetched by id."""
    return {
        "id": RUN_ID,
        "object": "response",
        "status": status,
        "created_at": 1791562351,
        "model": "openai/gpt-6-luna",
        "error": None,
        "incomplete_details": None,
        "output": [search_item(), message_item(ANSWER)],
        "usage": USAGE,
        **more,
    }


def deltas(text: str, index: int = 1, size: int = 3) -> list[Event]:
    """A text in small pieces, so that a mark is split over several."""
    return [
        {
            "type": "response.output_text.delta",
            "delta": text[at : at + size],
            "output_index": index,
            "content_index": 0,
        }
        for at in range(0, len(text), size)
    ]


def events(end: Event | None = None, text: str = ANSWER) -> list[Event]:
    """A whole run's events; `end` replaces the terminal one. Their numbers rise with holes, as recorded."""
    begun = response("in_progress", model="fast", output=[], usage=None)
    rows: list[Event] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "function_call", "name": "search_web"},
        },
        {
            "type": "response.reasoning.search_queries",
            "queries": ["moon"],
            "thought": "Searching the web...",
        },
        {
            "type": "response.reasoning.search_results",
            "results": RESULTS,
            "thought": "Found 2 results",
        },
        {"type": "response.output_item.done", "output_index": 0, "item": search_item()},
        {
            "type": "response.output_item.added",
            "output_index": 1,
            "item": {"type": "message", "content": None},
        },
        *deltas(text),
        {
            "type": "response.output_text.done",
            "text": text,
            "output_index": 1,
            "content_index": 0,
        },
        {
            "type": "response.output_item.done",
            "output_index": 1,
            "item": message_item(text),
        },
        end or {"type": "response.completed", "response": response()},
    ]
    return [
        row | {"sequence_number": number + number // 3}
        for number, row in enumerate(rows)
    ]


def framed(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Events as they stand on the wire."""
    return b"".join(
        f"event: {row['type']}\ndata: {json.dumps(row)}\n\n".encode() for row in rows
    )


def transcript(
    rows: Iterable[Mapping[str, Any]], *, listen: bool, run_id: str | None = None
) -> Transcript:
    """What is known of a run after these events, heard with a listener or without."""
    decoder = EventDecoder(USUAL if listen else UNHEARD)
    told = Transcript(run_id)
    for event in [*decoder.feed(framed(rows)), *decoder.close()]:
        told.add(event, decode=listen)
    return told


def text_of(told: Transcript) -> str:
    """The streamed part of the answer."""
    return run_output({}, told).text


def results_of(told: Transcript) -> list[Mapping[str, Any]]:
    """The streamed search results."""
    return [
        result
        for item in told.output_items()
        if item["type"] == "search_results"
        for result in as_objects(item["results"])
    ]


def plain(document: object) -> ServerEvent:
    """A plain body, as the client hands it over."""
    return ServerEvent("", json.dumps(document).encode())


# The names that we look for, so that drawn documents are nearly right, and a lone surrogate now and then.
NAMES = [
    *response(),
    *USAGE,
    *USAGE["cost"],
    "type",
    "content",
    "text",
    "results",
    "url",
    "title",
    "reason",
    "invocation",
]
NAMES += [
    "search_web",
    "reasoning_tokens",
    "response",
    "item",
    "delta",
    "sequence_number",
    "output_index",
    "queries",
]
WORDS = [
    "completed",
    "incomplete",
    "search_results",
    "message",
    "output_text",
    "content_filter",
    "[web:1]",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
)
json_values = st.recursive(
    scalars | st.sampled_from(WORDS),
    lambda part: (
        st.lists(part, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES) | st.text(max_size=4), part, max_size=6
        )
    ),
    max_leaves=12,
)
