"""One run, planned before its first byte is sent. The plan makes the JSON body and the stream."""

from dataclasses import dataclass, field
from uuid import NAMESPACE_OID, uuid5

from perplexity_connector.sandbox.agent import AgentRequest
from perplexity_connector.sandbox.answer_text import Source, find_sources, write_answer
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.language_models import MODELS, SERVED_BY_PRESETS
from perplexity_connector.sandbox.prompts import Prompt
from perplexity_connector.sandbox.tokens import tokenize, usage

_FEWEST_TOKENS = 16
_STATUS = {
    Prompt.FAILED: "failed",
    Prompt.FAILED_RESPONSE: "failed",
    Prompt.ERROR_EVENT: "failed",
    Prompt.CANCELLED: "cancelled",
    Prompt.INCOMPLETE: "incomplete",
    Prompt.INCOMPLETE_BARE: "incomplete",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a run will send.

    `created` is its object at the start, `final` its object at the end. Between them, a stream
    sends `searches`, the search items, and the `tokens` of `message`, the answer.
    """

    id: str
    request: AgentRequest
    created: JsonObject
    searches: tuple[JsonObject, ...]
    tokens: tuple[str, ...]
    message: JsonObject
    final: JsonObject

    @property
    def status(self) -> str:
        """Return the status in which the run ends."""
        return str(self.final["status"])


@dataclass(slots=True, kw_only=True)
class Run:
    """A run as GET shows it. It proceeds when it is looked at, never with time.

    So every test sees the same. `streaming` is true while its stream is being sent. `waiting` are
    the statuses of the next looks, before the final one.
    """

    plan: Plan
    streaming: bool = False
    cancelled: bool = False
    waiting: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Return the status that the next GET shows."""
        if self.cancelled:
            return "cancelled"
        if self.streaming:
            return "in_progress"
        return self.waiting[0] if self.waiting else self.plan.status

    def look(self) -> JsonObject:
        """Return the run's object. A waiting run proceeds by one status."""
        status = self.status
        self.waiting = self.waiting[1:]
        is_over = not self.cancelled and status == self.plan.status
        return self.plan.final if is_over else {**self.plan.created, "status": status}

    def cut(self) -> None:
        """Go on without a listener: in progress at the next look, over at the look after that."""
        self.streaming = False
        self.waiting = ["in_progress"]

    def cancel(self) -> None:
        """Cancel the run, unless it is over."""
        self.cancelled = self.streaming or bool(self.waiting)


def plan_run(
    request: AgentRequest,
    uuid: str,
    created_at: int,
) -> Plan:
    """Plan the whole course of a run."""
    sources = find_sources(request)
    tokens = tokenize(write_answer(request, sources))
    most = request.max_output_tokens
    chosen = [status for prompt, status in _STATUS.items() if prompt in request.prompts]
    status = chosen[0] if chosen else "completed"
    if status == "incomplete" or (most is not None and most < len(tokens)):
        status = "incomplete"
        tokens = tokens[: min(most or _FEWEST_TOKENS, len(tokens) - 1)]
    searches = tuple(_search_items(request, sources))
    message = _message(uuid, "".join(tokens))
    created = _created(request, uuid, created_at)
    output: list[JsonValue] = [*searches, message]
    used = _usage(request, tokens, sources)
    ending = _ending(request, status, created_at, output, used)
    return Plan(
        id=str(created["id"]),
        request=request,
        created=created,
        searches=searches,
        tokens=tuple(tokens),
        message=message,
        final={**created, **ending},
    )


def _created(
    request: AgentRequest,
    uuid: str,
    created_at: int,
) -> JsonObject:
    return {
        "id": f"resp_{uuid}",
        "object": "response",
        "status": "in_progress",
        "created_at": created_at,
        "completed_at": None,
        "model": request.asked_model,
        "background": request.background,
        "error": None,
        "incomplete_details": None,
        "output": [],
        **request.echo,
        "service_tier": "fast" if request.asked_model == "fast" else "default",
        "store": request.store,
        # The provider says `text` here even when a schema was asked for.
        "text": {"format": {"type": "text"}},
        "truncation": "",
        "usage": None,
    }


def _ending(
    request: AgentRequest,
    status: str,
    created_at: int,
    output: list[JsonValue],
    used: JsonObject,
) -> JsonObject:
    """Return the fields of the final object that differ from those at the start."""
    ending: JsonObject = {"status": status, "model": _served_model(request)}
    if status == "completed":
        ending |= {"completed_at": created_at, "output": output}
    elif status == "incomplete":
        # Recorded: a truncated run keeps its usage and loses its output.
        ending["incomplete_details"] = {"reason": "max_output_tokens"}
    elif status == "failed":
        ending["error"] = failure()
    has_usage = status in ("completed", "incomplete")
    if has_usage and Prompt.NO_USAGE not in request.prompts:
        ending["usage"] = used
    return ending


def failure() -> JsonObject:
    """Return the error of a run that failed on its own."""
    return {"message": "The run failed.", "type": "internal_error", "code": 500}


def _served_model(request: AgentRequest) -> str:
    return request.asked_model if request.asked_model in MODELS else SERVED_BY_PRESETS


def _search_items(request: AgentRequest, sources: list[Source]) -> list[JsonObject]:
    if request.search is None:
        return []
    count = request.preset.searches
    queries = [request.question, f"{request.question} background"][:count]
    return [
        _search_item(query, sources[place::count])
        for place, query in enumerate(queries)
    ]


def _search_item(query: str, sources: list[Source]) -> JsonObject:
    # Recorded: results do not always arrive in the order of their ids. Here they never do.
    shuffled = [*sources[1::2], *sources[::2]]
    results: list[JsonValue] = [source.as_result() for source in shuffled]
    return {"type": "search_results", "queries": [query], "results": results}


def _message(uuid: str, text: str) -> JsonObject:
    part: JsonObject = {
        "type": "output_text",
        "text": text,
        "annotations": [],
    }
    return {
        "type": "message",
        "id": f"msg_{uuid5(NAMESPACE_OID, uuid)}",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def _usage(
    request: AgentRequest, tokens: list[str], sources: list[Source]
) -> JsonObject:
    texts = [request.question, *(source.page.text for source in sources)]
    preset = request.preset
    return usage(
        price=MODELS[_served_model(request)],
        input_tokens=len(tokenize(" ".join(texts))),
        output_tokens=len(tokens) + preset.reasoning_tokens,
        reasoning_tokens=preset.reasoning_tokens,
        searches=preset.searches if request.search else 0,
    )
