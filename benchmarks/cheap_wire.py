"""The Agent stream as fixed bytes with two placeholders, the run's id and its marker: nothing is encoded at run time.

Order, framing and the holes in `sequence_number` are those recorded (docs/provider.md, "Agent stream"). The marker is
part of the answer, so that an answer which reaches the wrong run is noticed.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count

# A run with this marker meets no fault and is over at once.
WARM_UP = "warm-up"
MALFORMED = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.del\n\n'
)
_HOLES = (2, 17)
_RUN, _MARKER = "@run@", "@marker@"
_WORDS = ("The ", "moon ", "is ", "384,400 ", "km ", "away", ".[", "web:", "2", "] ")
_RESULTS = [
    {
        "id": number,
        "title": f"Page {number}",
        "url": f"https://pages.example/{number}",
        "snippet": "The mean distance between the centres of the Earth and the Moon is 384,400 km. "
        * 3,
        "source": "web",
        "last_updated": "2026-10-03",
    }
    for number in (2, 1, 3)
]


def answer(marker: str, deltas: int) -> str:
    """Return the text that a caller must receive: the marker, then words with their citation marks as `[n]`."""
    return "".join(_pieces(deltas)).replace("[web:2]", "[2]").replace(_MARKER, marker)


def frames(run_id: str, marker: str, deltas: int) -> Sequence[bytes]:
    """Return the events of a whole run as bytes of the wire; the last is the terminal one."""
    return _with_values(_stream(deltas), run_id, marker).split(b"\0")


def body(run_id: str, marker: str, deltas: int, status: str) -> bytes:
    """Return the run's object, as `GET /v1/agent/{id}` returns it in that status."""
    return _with_values(_object(deltas, status), run_id, marker)


def _with_values(template: bytes, run_id: str, marker: str) -> bytes:
    return template.replace(_RUN.encode(), run_id.encode()).replace(
        _MARKER.encode(), marker.encode()
    )


def _pieces(deltas: int) -> Sequence[str]:
    return [
        f"{_MARKER}: ",
        *(_WORDS[number % len(_WORDS)] for number in range(deltas - 1)),
    ]


@cache
def _stream(deltas: int) -> bytes:
    begun = _response(deltas, "in_progress")
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "in_progress",
        "content": None,
    }
    place = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    search = {"type": "search_results", "queries": ["moon"], "results": _RESULTS}
    rows: list[tuple[str, Mapping[str, object]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        (
            "response.reasoning.search_queries",
            {"queries": ["moon"], "thought": "Searching the web..."},
        ),
        (
            "response.reasoning.search_results",
            {"results": _RESULTS, "thought": "Found 3 results"},
        ),
        ("response.output_item.done", {"item": search, "output_index": 0}),
        ("response.output_item.added", {"item": message, "output_index": 1}),
        *(
            ("response.output_text.delta", {"delta": piece, **place})
            for piece in _pieces(deltas)
        ),
        ("response.output_text.done", {"text": "".join(_pieces(deltas)), **place}),
        ("response.completed", {"response": _response(deltas, "completed")}),
    ]
    numbers = (number for number in count() if number not in _HOLES)
    return b"\0".join(_frame(kind, next(numbers), fields) for kind, fields in rows)


def _frame(kind: str, number: int, fields: Mapping[str, object]) -> bytes:
    data = _json({"type": kind, "sequence_number": number, **fields})
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), data)


@cache
def _object(deltas: int, status: str) -> bytes:
    return _json(_response(deltas, status))


def _response(deltas: int, status: str) -> Mapping[str, object]:
    ended = status == "completed"
    content = [
        {"type": "output_text", "text": "".join(_pieces(deltas)), "annotations": []}
    ]
    output = [
        {"type": "search_results", "queries": ["moon"], "results": _RESULTS},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": content,
        },
    ]
    cost = {"currency": "USD", "total_cost": 0.00125}
    usage = {
        "input_tokens": 3426,
        "output_tokens": deltas,
        "total_tokens": 3426 + deltas,
        "cost": cost,
    }
    return {
        "id": _RUN,
        "object": "response",
        "created_at": 1790000000,
        "status": status,
        "model": "openai/gpt-6-luna" if ended else "fast",
        "error": None,
        "incomplete_details": None,
        "output": output if ended else [],
        "usage": usage if ended else None,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
