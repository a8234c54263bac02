"""Turn the end of a run into the output of *Create Chat Completion*.

A terminal event carries the same object as a plain body and as `GET /v1/agent/{id}`, so one
function maps all three. An `incomplete` object can have `output: []`: then the streamed events are
used.
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
from perplexity_connector.perplexity.wire import citation_marks
from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.sources import Sources, collect_sources

# A warning names so many marks.
_NAMED_MARKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResult:
    """The output of the action, and its warnings for the author."""

    output: dict[str, JsonValue]
    warnings: Sequence[RunWarning]


def author_schema(form: ChatInput) -> Mapping[str, object] | None:
    """Return the JSON Schema that the author asked the answer to follow, if any."""
    wanted = form.response_format.json_schema if form.response_format else None
    return wanted.schema_ if wanted else None


def chat_result(
    form: ChatInput, response: JsonObject, transcript: Transcript
) -> ChatResult:
    """Return the output of a run that ended `completed` or `incomplete`.

    `response` is the provider's final object; it may be empty if only events arrived.
    """
    answer = _answer(form, response, transcript)
    structure, structure_warnings = _structured(form, answer.content)
    reason, reason_warnings = _finish_reason(response, transcript, answer.content)
    message: JsonObject = {"role": "assistant", "content": answer.content}
    output: dict[str, JsonValue] = {
        "id": as_text(response.get("id")) or transcript.run_id or "",
        "object": "chat.completion",
        "created": as_int(response.get("created_at")) or int(time.time()),
        "model": form.model,
        "served_model": as_text(response.get("model")) or None,
        "choices": [{"index": 0, "finish_reason": reason, "message": message}],
        "content": answer.content,
        **structure,
        **_source_fields(answer),
        "usage": _usage(as_object(response.get("usage"))),
    }
    warnings = [*answer.warnings, *structure_warnings, *reason_warnings]
    return ChatResult(output=output, warnings=warnings)


def partial_chat_result(
    form: ChatInput, response: JsonObject, transcript: Transcript
) -> JsonObject | None:
    """Return the received text and sources of a run that failed; None if there are neither."""
    answer = _answer(form, response, transcript)
    if not answer.content and not answer.sources.pages:
        return None
    return {
        "id": transcript.run_id,
        "content": answer.content,
        **_source_fields(answer),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """An answer with its sources.

    * `cited`: the numbers of the sources that the answer cites.
    """

    content: str
    sources: Sources
    cited: frozenset[int]
    warnings: Sequence[RunWarning]


def _answer(form: ChatInput, response: JsonObject, transcript: Transcript) -> _Answer:
    items = as_objects(response.get("output"))
    sources = _sources(items, transcript)
    written = "".join(_texts(items)) or transcript.text()
    if author_schema(form) is not None:
        # A structured answer stays as it is: `[web:1]` in its JSON is not rewritten.
        return _Answer(
            content=written,
            sources=sources,
            cited=citation_marks.find_cited_in_json(written, sources),
            warnings=[*sources.warnings, *_ungrounded(sources)],
        )
    citations = citation_marks.find_citations(written, sources)
    missing = _missing_sources(citations.missing)
    return _Answer(
        content=citation_marks.rewrite_marks(written, sources.number_of_web_mark),
        sources=sources,
        cited=citations.cited,
        warnings=[*sources.warnings, *missing, *_ungrounded(sources)],
    )


def _sources(items: Sequence[JsonObject], transcript: Transcript) -> Sources:
    sources = collect_sources(items)
    # To read the stream again takes time, so it is read only if the final object has no sources.
    return sources if sources.pages else collect_sources(transcript.output_items())


def _texts(items: Sequence[JsonObject]) -> Sequence[str]:
    messages = [item for item in items if item.get("type") == "message"]
    parts = [
        part for message in messages for part in as_objects(message.get("content"))
    ]
    return [
        as_text(part.get("text")) for part in parts if part.get("type") == "output_text"
    ]


def _missing_sources(marks: Sequence[str]) -> Sequence[RunWarning]:
    if not marks:
        return []
    named = ", ".join(marks[:_NAMED_MARKS])
    rest = len(marks) - _NAMED_MARKS
    named += f" and {rest} more" if rest > 0 else ""
    message = f"The answer cites {named}, but Perplexity sent no such source."
    return [RunWarning(code="source_missing", message=message)]


def _ungrounded(sources: Sources) -> Sequence[RunWarning]:
    if sources.is_grounded:
        return []
    message = (
        "The answer has no source with an address. Check it before you rely on it."
    )
    return [RunWarning(code="ungrounded", message=message)]


def _source_fields(answer: _Answer) -> Mapping[str, JsonValue]:
    sources = answer.sources
    cited = answer.cited | sources.annotated
    entries = [
        entry | {"cited": number in cited}
        for number, entry in enumerate(sources.pages, start=1)
    ]
    return {
        "citations": [entry["url"] for entry in entries],
        "search_results": entries,
        "grounded": sources.is_grounded,
    }


def _structured(
    form: ChatInput, content: str
) -> tuple[JsonObject, Sequence[RunWarning]]:
    schema = author_schema(form)
    if schema is None:
        return {}, []
    try:
        value = load_json(content.encode())
        # 1e999 and an escaped lone surrogate can be read, but cannot be written as JSON again.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        if follows(schema, value):
            return {"parsed": value}, []
    except (ValueError, RecursionError):
        pass
    message = "The answer does not follow the JSON schema, so `parsed` is null; `content` has the answer as it is."
    return {"parsed": None}, [RunWarning(code="schema_mismatch", message=message)]


def _finish_reason(
    response: JsonObject, transcript: Transcript, content: str
) -> tuple[str, Sequence[RunWarning]]:
    terminal = transcript.terminal or {}
    is_cut = terminal.get("type") == "response.incomplete"
    if is_cut or response.get("status") == "incomplete":
        return _cut_reason(response, content)
    if content:
        return "stop", []
    message = "Perplexity completed the run without writing anything."
    return "stop", [RunWarning(code="empty_answer", message=message)]


def _cut_reason(response: JsonObject, content: str) -> tuple[str, Sequence[RunWarning]]:
    details = as_object(response.get("incomplete_details"))
    cause = as_text(details.get("reason")) or "max_output_tokens"
    state = "is cut short" if content else "was cut before its first word"
    if cause == "max_output_tokens":
        reason, remedy = "length", "Raise max_tokens."
    else:
        reason, remedy = "content_filter", "Word the question differently."
    message = f"The answer {state}. {remedy}"
    return reason, [RunWarning(code="incomplete", message=message)]


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
    amounts: dict[str, JsonValue] = {
        as_text(name): as_number(value)
        for name, value in cost.items()
        if name != "currency" and as_number(value) is not None
    }
    if "total_cost" not in amounts:
        return None
    return {"currency": as_text(cost.get("currency")) or "USD"} | amounts
