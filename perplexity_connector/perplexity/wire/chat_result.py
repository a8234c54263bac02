"""Turn the end of a run into the output of *Create Chat Completion*.

A terminal event carries the same object as a plain body and as `GET /v1/agent/{id}`, so one
function maps all three. Where the object lacks an item, the streamed events are used.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    JsonObject,
    JsonValue,
    RunWarning,
)
from perplexity_connector.contract.readers import as_int, as_number, as_object, as_text
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire import citation_marks, provider_errors
from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.provider_json import has_unusable_number
from perplexity_connector.perplexity.wire.run_output import run_output
from perplexity_connector.perplexity.wire.run_status import end_of
from perplexity_connector.perplexity.wire.sources import Sources, collect_sources
from perplexity_connector.perplexity.wire.structured_answer import structured_answer

# The most marks that a warning names.
_NAMED_MARKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResult:
    """The output of the action, and its warnings for the author."""

    output: dict[str, JsonValue]
    warnings: Sequence[RunWarning]


def chat_result(
    form: ChatInput, response: JsonObject, transcript: Transcript
) -> ChatResult:
    """Return the output of a run that ended `completed` or `incomplete`.

    `response` is the provider's final object; it may be empty if only events arrived. Raises
    `ConnectorError` (`upstream_failed`) for a run that was cut short before it had any text or
    source.
    """
    answer = _answer(form, response, transcript)
    reason, reason_warnings = _finish_reason(form, response, transcript, answer)
    structure, structure_warnings = _structured(form, answer)
    message: JsonObject = {"role": "assistant", "content": answer.content}
    output: dict[str, JsonValue] = {
        "id": transcript.run_id or as_text(response.get("id")),
        "object": "chat.completion",
        "created": as_int(response.get("created_at")) or int(time.time()),
        "model": form.model,
        "served_model": as_text(response.get("model")) or None,
        "choices": [{"index": 0, "finish_reason": reason, "message": message}],
        "content": answer.content,
        **structure,
        **_source_fields(answer),
        "usage": usage_of(response),
    }
    warnings = [
        *answer.warnings,
        *structure_warnings,
        *reason_warnings,
        *_number_warnings(response),
    ]
    return ChatResult(output=output, warnings=warnings)


def partial_chat_result(
    form: ChatInput, response: JsonObject, transcript: Transcript
) -> JsonObject | None:
    """Return the received text and sources of a run that failed; None if there are neither."""
    answer = _answer(form, response, transcript)
    if answer.is_empty:
        return None
    return {
        "id": transcript.run_id,
        "content": answer.content,
        **_source_fields(answer),
    }


def max_tokens_error(form: ChatInput) -> Sequence[FieldError]:
    """Return the error at `max_tokens` if the author set it; it left no room for the answer."""
    if form.max_tokens is None:
        return []
    message = "This leaves no tokens for the answer. Raise it or remove it."
    return [FieldError(pointer="/max_tokens", code="exhausted", message=message)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The answer of a run, as far as it was received.

    * `content`: its text, with the citation marks that the output has.
    * `texts`: its messages as they were received.
    * `is_refusal`: whether the model refused to answer.
    * `cited`: the numbers of the sources that the answer cites.
    """

    content: str
    texts: Sequence[str]
    is_refusal: bool
    sources: Sources
    cited: frozenset[int]
    warnings: Sequence[RunWarning]

    @property
    def is_empty(self) -> bool:
        return not self.content and not self.sources.pages


def _answer(form: ChatInput, response: JsonObject, transcript: Transcript) -> _Answer:
    found = run_output(response, transcript)
    sources = collect_sources(found.items)
    if form.structure is not None:
        # A structured answer stays as it is: `[web:1]` in its JSON is not rewritten.
        content, missing = found.text, list[RunWarning]()
        cited = citation_marks.find_cited_in_json(content, sources)
    else:
        citations = citation_marks.find_citations(found.text, sources)
        content = citation_marks.rewrite_marks(found.text, sources.number_of_web_mark)
        missing, cited = _missing_sources(citations.missing), citations.cited
    return _Answer(
        content=content,
        texts=found.texts,
        is_refusal=found.is_refusal,
        sources=sources,
        cited=cited,
        warnings=[*sources.warnings, *missing, *_ungrounded(form, sources)],
    )


def _missing_sources(marks: Sequence[str]) -> list[RunWarning]:
    if not marks:
        return []
    named = ", ".join(marks[:_NAMED_MARKS])
    rest = len(marks) - _NAMED_MARKS
    named += f" and {rest} more" if rest > 0 else ""
    message = f"The answer cites {named}, but Perplexity sent no such source."
    return [RunWarning(code="source_missing", message=message)]


def _ungrounded(form: ChatInput, sources: Sources) -> Sequence[RunWarning]:
    if sources.is_grounded or form.search == "never":
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
    form: ChatInput, answer: _Answer
) -> tuple[JsonObject, Sequence[RunWarning]]:
    schema = form.structure.schema_ if form.structure else None
    if schema is None:
        return {}, []
    if answer.is_refusal:
        return {"parsed": None}, []
    # Of several messages, the last one is the answer; the ones before it may be comments.
    texts = [*reversed(answer.texts), answer.content]
    found = structured_answer(schema, texts, answer.sources)
    return {"parsed": found.parsed}, found.warnings


def _finish_reason(
    form: ChatInput, response: JsonObject, transcript: Transcript, answer: _Answer
) -> tuple[str, Sequence[RunWarning]]:
    is_cut = end_of(transcript.terminal, response) == "incomplete"
    reason, warnings = _cut_reason(form, response, answer) if is_cut else ("stop", [])
    if answer.is_refusal:
        message = "The model refused to answer; the content is its refusal."
        refused = RunWarning(code="refused", message=message)
        return "content_filter", [*warnings, refused]
    if answer.content or is_cut:
        return reason, warnings
    message = "Perplexity completed the run without writing anything."
    return "stop", [RunWarning(code="empty_answer", message=message)]


def _cut_reason(
    form: ChatInput, response: JsonObject, answer: _Answer
) -> tuple[str, Sequence[RunWarning]]:
    details = as_object(response.get("incomplete_details"))
    # Only in the form of a name: other text of the provider is not repeated.
    cause = provider_errors.provider_code(as_text(details.get("reason")))
    if cause == "content_filter":
        reason, remedy = "content_filter", "Word the question differently."
    elif answer.is_empty:
        raise _empty_cut(form, response, cause)
    else:
        reason, remedy = "length", "Ask for a shorter answer."
    if cause == "max_output_tokens" and form.max_tokens is not None:
        remedy = "Raise max_tokens."
    state = "is cut short" if answer.content else "was cut before its first word"
    message = f"The answer {state} ({cause or 'the reason is unknown'}). {remedy}"
    return reason, [RunWarning(code="incomplete", message=message)]


def _empty_cut(
    form: ChatInput, response: JsonObject, cause: str | None
) -> ConnectorError:
    is_by_tokens = cause == "max_output_tokens"
    return provider_errors.provider_error(
        ErrorCode.UPSTREAM_FAILED,
        effect=Effect.UNKNOWN,
        detail=f"incomplete and empty: {cause or 'the reason is unknown'}",
        provider_code=cause,
        fields=max_tokens_error(form) if is_by_tokens else (),
        usage=usage_of(response),
    )


def _number_warnings(response: JsonObject) -> Sequence[RunWarning]:
    if not has_unusable_number(response):
        return []
    message = "Perplexity sent a value that is too large or nested too deeply; it is left out."
    return [RunWarning(code="number_out_of_range", message=message)]


def usage_of(response: JsonObject) -> dict[str, JsonValue]:
    """Return what a run has used, as far as the provider says it."""
    usage = as_object(response.get("usage"))
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
    currency = as_text(cost.get("currency")) or "USD"
    return {"currency": currency, **amounts, "basis": "provider"}
