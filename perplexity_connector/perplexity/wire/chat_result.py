"""From the end of a run to the output of *Create Chat Completion*.

A terminal event carries the same object as a plain body and as `GET /v1/agent/{id}`, so one function maps all three.
What that object lacks (an `incomplete` one can come with `output: []`) is taken from what was streamed before it.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import JsonObject, JsonValue, RunWarning
from perplexity_connector.contract.json import (
    as_int,
    as_number,
    as_object,
    as_objects,
    as_text,
    load_json,
)
from perplexity_connector.perplexity.forms.author_schema import follows
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire import citation_marks, sources
from perplexity_connector.perplexity.wire.agent_events import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResult:
    """A run's end as the action gives it back: the output, and what the author should know about it."""

    output: dict[str, JsonValue]
    warnings: Sequence[RunWarning]


def author_schema(form: ChatInput) -> Mapping[str, object] | None:
    """The JSON Schema that the answer was asked to follow, if any."""
    wanted = form.response_format.json_schema if form.response_format else None
    return wanted.schema_ if wanted else None


def chat_result(
    form: ChatInput, response: JsonObject, transcript: Transcript
) -> ChatResult:
    """The output of a run that ended `completed` or `incomplete`; `response` may be empty when only events tell."""
    told = _told(form, response, transcript)
    structure, parsed_warnings = _structured(form, told.content)
    finish, finish_warnings = _finish(response, transcript, told.content)
    message: JsonObject = {"role": "assistant", "content": told.content}
    output: dict[str, JsonValue] = {
        "id": as_text(response.get("id")) or transcript.run_id or "",
        "object": "chat.completion",
        "created": as_int(response.get("created_at")) or int(time.time()),
        "model": form.model,
        "served_model": as_text(response.get("model")) or None,
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "content": told.content,
        **structure,
        "citations": [page["url"] for page in told.sources.pages],
        "search_results": list(told.sources.pages),
        "usage": _usage(as_object(response.get("usage"))),
    }
    return ChatResult(
        output=output, warnings=[*told.warnings, *parsed_warnings, *finish_warnings]
    )


def partial_chat_result(
    form: ChatInput, response: JsonObject, transcript: Transcript
) -> JsonObject | None:
    """What was received of a run that did not end well: its text and sources; None when there was neither."""
    told = _told(form, response, transcript)
    if not told.content and not told.sources.pages:
        return None
    return {
        "id": transcript.run_id,
        "content": told.content,
        "citations": [page["url"] for page in told.sources.pages],
        "search_results": list(told.sources.pages),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    content: str
    sources: sources.Sources
    warnings: Sequence[RunWarning]


def _told(form: ChatInput, response: JsonObject, transcript: Transcript) -> _Told:
    rows = as_objects(response.get("output"))
    written = "".join(_texts(rows)) or transcript.text()
    results = [
        found
        for row in rows
        if row.get("type") == "search_results"
        for found in as_objects(row.get("results"))
    ] or transcript.results()
    placed = sources.placed(results)
    if author_schema(form) is not None:
        return _Told(content=written, sources=placed, warnings=placed.warnings)
    content = citation_marks.plain_marks(written)
    return _Told(
        content=content,
        sources=placed,
        warnings=[*placed.warnings, *_unbacked(content, placed)],
    )


def _texts(rows: Sequence[JsonObject]) -> Sequence[str]:
    messages = [row for row in rows if row.get("type") == "message"]
    parts = [
        part for message in messages for part in as_objects(message.get("content"))
    ]
    return [
        as_text(part.get("text")) for part in parts if part.get("type") == "output_text"
    ]


def _unbacked(content: str, placed: sources.Sources) -> Sequence[RunWarning]:
    marks = ", ".join(
        f"[{mark}]" for mark in citation_marks.unbacked_marks(content, placed.numbers)
    )
    message = f"The answer cites {marks}, but Perplexity sent no such source."
    return [RunWarning(code="source_missing", message=message)] if marks else []


def _structured(
    form: ChatInput, content: str
) -> tuple[JsonObject, Sequence[RunWarning]]:
    schema = author_schema(form)
    if schema is None:
        return {}, []
    try:
        value = load_json(content.encode())
        # 1e999 and an escaped lone surrogate can be read, but not be written as JSON again.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        if follows(schema, value):
            return {"parsed": value}, []
    except (ValueError, RecursionError):
        pass
    message = "The answer does not follow the JSON schema, so `parsed` is null; `content` holds it as it came."
    return {"parsed": None}, [RunWarning(code="schema_mismatch", message=message)]


def _finish(
    response: JsonObject, transcript: Transcript, content: str
) -> tuple[str, Sequence[RunWarning]]:
    cut = (transcript.terminal or {}).get(
        "type"
    ) == "response.incomplete" or response.get("status") == "incomplete"
    if cut:
        reason = (
            as_text(as_object(response.get("incomplete_details")).get("reason"))
            or "max_output_tokens"
        )
        finish = "length" if reason == "max_output_tokens" else "content_filter"
        mend = (
            "Raise max_tokens."
            if finish == "length"
            else "Word the question differently."
        )
        state = "is cut short" if content else "was cut before its first word"
        return finish, [
            RunWarning(code="incomplete", message=f"The answer {state}. {mend}")
        ]
    empty = RunWarning(
        code="empty_answer",
        message="Perplexity completed the run without writing anything.",
    )
    return "stop", [] if content else [empty]


def _usage(usage: JsonObject) -> dict[str, JsonValue]:
    details = as_object(usage.get("output_tokens_details"))
    searches = as_object(as_object(usage.get("tool_calls_details")).get("search_web"))
    counts: dict[str, JsonValue] = {
        "prompt_tokens": as_int(usage.get("input_tokens")),
        "completion_tokens": as_int(usage.get("output_tokens")),
        "total_tokens": as_int(usage.get("total_tokens")),
        "reasoning_tokens": as_int(details.get("reasoning_tokens")),
        "search_queries": as_int(searches.get("invocation")),
        "cost": _cost(as_object(usage.get("cost"))),
    }
    return {name: value for name, value in counts.items() if value is not None}


def _cost(cost: JsonObject) -> JsonObject | None:
    amounts = {
        as_text(name): as_number(value)
        for name, value in cost.items()
        if name != "currency"
    }
    told: dict[str, JsonValue] = {
        name: amount for name, amount in amounts.items() if amount is not None
    }
    return (
        {"currency": as_text(cost.get("currency")) or "USD"} | told
        if "total_cost" in told
        else None
    )
