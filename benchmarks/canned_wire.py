"""The bytes that the canned server sends: an agent's run, a search with ten results, and the retired chat's answer.

Order, framing and sizes are those recorded (docs/provider.md, "Agent stream", "Search" and "Endpoints"): a stream of
200 text deltas with an `event:` line each, ten sources with snippets of a few hundred characters. The retired chat's
answers are there for `langchain-perplexity`, which still asks for them.
"""

import json
from collections.abc import Mapping, Sequence

DELTAS = 200
RESULTS = 10
_WORDS = ("The ", "moon ", "is ", "384,400 ", "km ", "away", ".[", "web:", "2", "] ")
_PIECES = [_WORDS[number % len(_WORDS)] for number in range(DELTAS)]
_TEXT = "".join(_PIECES)
_SNIPPET = "The mean distance between the centres of the Earth and the Moon is 384,400 km, which light crosses. "
_PAGES = [
    {
        "id": number,
        "title": f"Page {number} about the Moon",
        "url": f"https://pages.example/moon/{number}",
        "snippet": _SNIPPET * 4,
        "source": "web",
        "date": "2026-06-10",
        "last_updated": "2026-10-03",
    }
    for number in range(1, RESULTS + 1)
]
_COST = {
    "currency": "USD",
    "input_cost": 0,
    "output_cost": 2e-05,
    "total_cost": 0.00125,
}
_USAGE = {
    "input_tokens": 3426,
    "output_tokens": DELTAS,
    "total_tokens": 3426 + DELTAS,
    "cost": _COST,
}
_RATE = "x-ratelimit-limit: 100000\r\nx-ratelimit-remaining: 99999\r\nx-ratelimit-reset: 4000000000"


def document(body: bytes) -> bytes:
    """An answer in one piece."""
    return _head("application/json", f"content-length: {len(body)}") + body


def _head(kind: str, framing: str) -> bytes:
    request = "x-request-id: 11111111-2222-4333-8444-555555555555"
    lines = ["HTTP/1.1 200 OK", f"content-type: {kind}", request, _RATE, framing]
    return "\r\n".join([*lines, "", ""]).encode()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _response(status: str) -> Mapping[str, object]:
    ended = status == "completed"
    content = [{"type": "output_text", "text": _TEXT, "annotations": []}]
    output = [
        {"type": "search_results", "queries": ["moon"], "results": _PAGES},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": content,
        },
    ]
    return {
        "id": "resp_8eead91b-1612-4fc7-b7d2-c15e903da865",
        "object": "response",
        "created_at": 1790000000,
        "status": status,
        "model": "openai/gpt-6-luna" if ended else "fast",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "output": output if ended else [],
        "parallel_tool_calls": True,
        "temperature": 1,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1,
        "usage": _USAGE
        | {
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        if ended
        else None,
    }


def _agent_events() -> Sequence[Mapping[str, object]]:
    begun = _response("in_progress")
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }
    place = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    search = {"type": "search_results", "queries": ["moon"], "results": _PAGES}
    rows: list[Mapping[str, object]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {
            "type": "response.reasoning.search_queries",
            "queries": ["moon"],
            "thought": "Searching the web...",
        },
        {
            "type": "response.reasoning.search_results",
            "results": _PAGES,
            "thought": "Found 10 results",
        },
        {"type": "response.output_item.done", "item": search, "output_index": 0},
        {"type": "response.output_item.added", "item": message, "output_index": 1},
        *(
            {"type": "response.output_text.delta", "delta": piece, **place}
            for piece in _PIECES
        ),
        {"type": "response.output_text.done", "text": _TEXT, **place},
        {"type": "response.completed", "response": _response("completed")},
    ]
    return [{**row, "sequence_number": number} for number, row in enumerate(rows)]


def _agent_stream() -> Sequence[bytes]:
    frames = [
        b"event: %s\ndata: %s\n\n" % (str(row["type"]).encode(), _json(row))
        for row in _agent_events()
    ]
    return _chunked(frames)


def _chunked(frames: Sequence[bytes]) -> Sequence[bytes]:
    """The head, each frame as a chunk of its own; the last comes with the end of the body."""
    chunks = [b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames]
    return [
        _head("text/event-stream", "transfer-encoding: chunked"),
        *chunks[:-1],
        chunks[-1] + b"0\r\n\r\n",
    ]


def _chat(kind: str, choice: Mapping[str, object]) -> Mapping[str, object]:
    usage = {
        "prompt_tokens": 3426,
        "completion_tokens": DELTAS,
        "total_tokens": 3426 + DELTAS,
    }
    pages = [
        {
            name: page[name]
            for name in ("title", "url", "date", "snippet", "last_updated")
        }
        for page in _PAGES
    ]
    return {
        "id": "8eead91b-1612-4fc7-b7d2-c15e903da865",
        "object": kind,
        "created": 1790000000,
        "model": "sonar",
        "choices": [{"index": 0, **choice}],
        "citations": [page["url"] for page in _PAGES],
        "search_results": pages,
        "usage": usage,
    }


def _retired_chat() -> Mapping[str, object]:
    message = {"role": "assistant", "content": _TEXT}
    return _chat("chat.completion", {"finish_reason": "stop", "message": message})


def _retired_stream() -> Sequence[bytes]:
    """The retired chat's stream, in its concise form: sources and usage on the last chunk alone."""
    ends = [None] * (DELTAS - 1) + ["stop"]
    rows = [
        _chat(
            "chat.completion.chunk",
            {"finish_reason": end, "delta": {"role": "assistant", "content": piece}},
        )
        for piece, end in zip(_PIECES, ends, strict=True)
    ]
    for row in rows[:-1]:
        for name in ("citations", "search_results", "usage"):
            del row[name]  # type: ignore[attr-defined] # made just above
    return _chunked(
        [b"data: %s\r\n\r\n" % _json(row) for row in rows] + [b"data: [DONE]\r\n\r\n"]
    )


_SEARCH = {
    "id": "search-1",
    "results": [
        {
            name: page[name]
            for name in ("title", "url", "snippet", "date", "last_updated")
        }
        for page in _PAGES
    ],
    "server_time": None,
}
_AGENT = document(_json(_response("completed")))
_ROUTES = ("v1/agent", "v1/responses", "responses")

ANSWERS: Mapping[str, bytes] = {
    **dict.fromkeys(_ROUTES, _AGENT),
    "search": document(_json(_SEARCH)),
    "chat/completions": document(_json(_retired_chat())),
}
STREAMS: Mapping[str, Sequence[bytes]] = {
    **dict.fromkeys(_ROUTES, _agent_stream()),
    "chat/completions": _retired_stream(),
}
EVENTS = len(_agent_events())
