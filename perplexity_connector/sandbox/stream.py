"""Write a run as server-sent events, in the order and the framing recorded on 2026-09-21."""

import json
from collections.abc import Iterator
from itertools import count

from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.prompts import Prompt
from perplexity_connector.sandbox.run import Plan, Run, failure

# Sequence numbers that were missing in the recorded stream.
_HOLES = (2, 17)
_ENDS_IN_ERROR = ("failed", "cancelled")
_TERMINAL = (
    "response.completed",
    "response.failed",
    "response.incomplete",
    "response.cancelled",
    "error",
)
_MALFORMED = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.del\n\n'
)
_TOKENS_BEFORE_ERROR = 6

Event = tuple[str, JsonObject]


def frames(run: Run) -> Iterator[bytes]:
    """Yield the stream of a run, one event at a time, and keep the run's state.

    It ends in `response.cancelled` as soon as the run is cancelled.
    """
    plan = run.plan
    numbers = (number for number in count() if number not in _HOLES)
    is_malformed = Prompt.MALFORMED in plan.request.prompts
    for name, fields in _events(plan):
        if run.cancelled:
            response = run.cancelled_object()
            yield _frame("response.cancelled", next(numbers), {"response": response})
            return
        run.done += name == "response.output_item.done"
        if name in _TERMINAL:
            # Before the event is sent: who has read it finds the run ended.
            run.end()
        yield _frame(name, next(numbers), fields)
        if is_malformed and name == "response.output_text.delta":
            is_malformed = False
            yield _MALFORMED


def dumps(value: JsonValue) -> bytes:
    """Return the value as compact JSON in UTF-8."""
    return json.dumps(
        value,
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _frame(
    name: str,
    number: int,
    fields: JsonObject,
) -> bytes:
    data = dumps({"type": name, "sequence_number": number, **fields})
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


def _events(plan: Plan) -> Iterator[Event]:
    yield "response.created", {"response": plan.created}
    yield "response.in_progress", {"response": plan.created}
    thinks = plan.request.reasoning_tokens > 0
    if thinks:
        yield "response.reasoning.started", {"thought": "Thinking..."}
    for index, item in enumerate(plan.items):
        yield from _item(plan, index, item)
    if thinks:
        yield "response.reasoning.stopped", {}
    yield from _message(plan)
    yield from _terminal(plan)


def _item(plan: Plan, index: int, item: JsonObject) -> Iterator[Event]:
    place: JsonObject = {"output_index": index}
    call_id = f"call_{plan.id.removeprefix('resp_')}_{index}"
    if item["type"] == "fetch_url_results":
        yield from _reading(item, call_id, place)
    elif item["type"] == "finance_results":
        call = _call(call_id, "finance_search", {})
        yield "response.output_item.added", {"item": call, **place}
    elif item["queries"] is not None:
        yield from _search(item, call_id, place)
    yield "response.output_item.done", {"item": item, **place}


def _search(
    item: JsonObject,
    call_id: str,
    place: JsonObject,
) -> Iterator[Event]:
    queries, results = item["queries"], item["results"]
    call = _call(call_id, "search_web", {"queries": queries})
    yield "response.output_item.added", {"item": call, **place}
    yield (
        "response.reasoning.search_queries",
        {"queries": queries, "thought": "Searching the web...", "call_id": call_id},
    )
    found = f"Found {len(results) if isinstance(results, list) else 0} results"
    yield (
        "response.reasoning.search_results",
        {"results": results, "thought": found, "call_id": call_id},
    )


def _reading(
    item: JsonObject,
    call_id: str,
    place: JsonObject,
) -> Iterator[Event]:
    contents = item["contents"]
    pages = contents if isinstance(contents, list) else []
    urls: list[JsonValue] = [page["url"] for page in pages if isinstance(page, dict)]
    call = _call(call_id, "fetch_url", {"urls": urls})
    yield "response.output_item.added", {"item": call, **place}
    yield (
        "response.reasoning.fetch_url_queries",
        {"urls": urls, "thought": "Reading pages...", "call_id": call_id},
    )
    yield (
        "response.reasoning.fetch_url_results",
        {
            "contents": contents,
            "thought": f"Read {len(urls)} pages",
            "call_id": call_id,
        },
    )


def _call(call_id: str, name: str, arguments: JsonObject) -> JsonObject:
    # Recorded: the item is added as a function call and done as search results.
    return {
        "type": "function_call",
        "id": f"fc_{call_id}",
        "call_id": call_id,
        "name": name,
        "arguments": json.dumps(arguments),
        "status": "in_progress",
    }


def _message(plan: Plan) -> Iterator[Event]:
    index: JsonObject = {"output_index": len(plan.items)}
    place = {
        "item_id": plan.message["id"],
        **index,
        "content_index": 0,
    }
    item: JsonObject = {
        **plan.message,
        "content": None,
        "status": "in_progress",
    }
    yield "response.output_item.added", {"item": item, **index}
    most = _TOKENS_BEFORE_ERROR if plan.status in _ENDS_IN_ERROR else None
    for token in plan.tokens[:most]:
        yield "response.output_text.delta", {"delta": token, **place}
    if plan.status == "completed":
        yield "response.output_text.done", {"text": "".join(plan.tokens), **place}
        yield "response.output_item.done", {"item": plan.message, **index}


def _terminal(plan: Plan) -> Iterator[Event]:
    prompts = plan.request.prompts
    if Prompt.FAILED in prompts:
        yield "response.failed", {"error": failure()}
    elif Prompt.ERROR_EVENT in prompts:
        yield "error", {"error": failure()}
    elif Prompt.INCOMPLETE_BARE in prompts:
        yield "response.incomplete", {}
    elif Prompt.NO_TERMINAL not in prompts:
        yield f"response.{plan.status}", {"response": plan.final}
