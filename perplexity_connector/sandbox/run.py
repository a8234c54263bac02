"""One run, planned before its first byte is sent. The plan makes the JSON body and the stream."""

from dataclasses import dataclass, field
from uuid import NAMESPACE_OID, uuid5

from perplexity_connector.sandbox.agent import AgentRequest
from perplexity_connector.sandbox.answer_text import (
    Source,
    Sources,
    find_sources,
    write_answer,
)
from perplexity_connector.sandbox.corpus import Page
from perplexity_connector.sandbox.finance import finance_item
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.language_models import (
    SERVED_BY_PRESETS,
    base_name,
    prices,
)
from perplexity_connector.sandbox.prompts import Prompt
from perplexity_connector.sandbox.tokens import TokenCounts, ToolCalls, tokenize, usage

_FEWEST_TOKENS = 16
_FAST_SEARCH_USD = 0.001
_WEB_SEARCH_USD = 0.0025
_FETCH_URL_USD = 0.0035
_FINANCE_SEARCH_USD = 0.005
_IMAGE_TOKENS = 500
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
    sends `items`, which are the results of searches and the pages read, and the `tokens` of
    `message`, the answer.
    """

    id: str
    request: AgentRequest
    sources: Sources
    created: JsonObject
    items: tuple[JsonObject, ...]
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
    the statuses of the next looks, before the final one. `over` is true once its end was shown; a
    cancelled run has no other end. `done` counts the items that it has finished.
    """

    plan: Plan
    streaming: bool = False
    cancelled: bool = False
    over: bool = False
    done: int = 0
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
        if self.cancelled:
            return self.cancelled_object()
        status = self.status
        if not (self.streaming or self.waiting):
            self.over = True
            return self.plan.final
        self.waiting = self.waiting[1:]
        if status == "in_progress" and not self.streaming:
            self.done = len(self.plan.items)
        return {**self.plan.created, "status": status, "output": self._output()}

    def end(self) -> None:
        """End the run, as its stream does."""
        self.streaming = False
        self.over = True

    def cancelled_object(self) -> JsonObject:
        """Return the object of this run as a cancelled one: with the output received so far."""
        return {**self.plan.created, **cancellation(), "output": self._output()}

    def cut(self) -> None:
        """Go on without a listener: in progress at the next look, over at the look after that."""
        self.streaming = False
        self.waiting = ["in_progress"]

    def _output(self) -> list[JsonValue]:
        return list(self.plan.items[: self.done])


def plan_run(
    request: AgentRequest,
    uuid: str,
    created_at: int,
    earlier: Plan | None = None,
) -> Plan:
    """Plan the whole course of a run, which may continue an earlier one."""
    sources = find_sources(request, earlier.sources.found if earlier else [])
    tokens = tokenize(write_answer(request, sources))
    most = request.max_output_tokens
    status = _status(request)
    if status == "incomplete" or (most is not None and most < len(tokens)):
        status = "incomplete"
        tokens = tokens[: min(most or _FEWEST_TOKENS, len(tokens) - 1)]
    items = tuple(_items(request, sources))
    message = _message(uuid, "".join(tokens))
    created = _created(request, uuid, created_at)
    ending = _ending(request, status, [*items, message])
    if status == "completed":
        ending["completed_at"] = created_at
    if status in ("completed", "incomplete") and Prompt.NO_USAGE not in request.prompts:
        ending["usage"] = _usage(request, tokens, sources)
    return Plan(
        id=str(created["id"]),
        request=request,
        sources=sources,
        created=created,
        items=items,
        tokens=tuple(tokens),
        message=message,
        final={**created, **ending},
    )


def _status(request: AgentRequest) -> str:
    """Return the status that the prompts of a run select for its end."""
    if not _models_left(request):
        return "failed"
    chosen = [status for prompt, status in _STATUS.items() if prompt in request.prompts]
    return chosen[0] if chosen else "completed"


def failure() -> JsonObject:
    """Return the error of a run that failed on its own."""
    return {
        "code": "internal_error",
        "message": "The run failed.",
        "type": "internal_error",
    }


def cancellation() -> JsonObject:
    """Return the fields that the object of a cancelled run has, as recorded."""
    return {
        "status": "cancelled",
        "error": {"code": "cancelled", "message": "cancelled", "type": "cancelled"},
        "incomplete_details": {"reason": "cancelled"},
    }


def _created(
    request: AgentRequest,
    uuid: str,
    created_at: int,
) -> JsonObject:
    """Return the object at the start; it has the 32 keys of every object of a run."""
    return {
        "id": f"resp_{uuid}",
        "object": "response",
        "status": "in_progress",
        "created_at": created_at,
        "completed_at": None,
        "model": request.engine.name,
        "background": request.background,
        "error": None,
        "frequency_penalty": 0,
        "incomplete_details": None,
        "metadata": {},
        "output": [],
        "parallel_tool_calls": True,
        "presence_penalty": 0,
        # Recorded: null even in a run that continues another one.
        "previous_response_id": None,
        "safety_identifier": None,
        "store": request.store,
        # The provider says `text` here even when a schema was requested.
        "text": {"format": {"type": "text"}},
        "top_logprobs": 0,
        "truncation": "",
        "usage": None,
        "user": None,
        **request.echo,
        # Recorded: a run that has just begun does not know its preset's tools yet.
        "tools": [],
        "service_tier": "default",
    }


def _ending(request: AgentRequest, status: str, output: list[JsonValue]) -> JsonObject:
    """Return the fields of the final object that differ from those at the start."""
    if status == "cancelled":
        return {**cancellation(), "output": output[:-1]}
    ending: JsonObject = {
        "status": status,
        "model": _served_model(request),
        "tools": request.echo["tools"],
        "service_tier": request.echo["service_tier"],
    }
    if status == "completed":
        ending["output"] = output
    elif status == "incomplete":
        # Recorded: a truncated run keeps its usage and loses its output.
        ending["incomplete_details"] = {"reason": "max_output_tokens"}
    else:
        ending["error"] = failure()
    return ending


def _models_left(request: AgentRequest) -> tuple[str, ...]:
    """Return the models that can answer, in the order in which they are tried."""
    models = request.engine.models or (SERVED_BY_PRESETS,)
    return models[Prompt.MODEL_DOWN in request.prompts :]


def _served_model(request: AgentRequest) -> str:
    return next(iter(_models_left(request)), request.engine.name)


def _items(request: AgentRequest, sources: Sources) -> list[JsonObject]:
    """Return the items before the message, in the order of their arrival."""
    items = list[JsonObject]()
    if sources.earlier:
        # Recorded: a run that continues another one lists its results first, without queries.
        items.append(_search_item(None, sources.earlier))
    if request.course.searches:
        items += _searches(request, sources.found)
    items += map(_page_item, sources.read)
    return [*items, finance_item()] if request.course.asks_finance else items


def _searches(request: AgentRequest, found: list[Source]) -> list[JsonObject]:
    # Recorded: ids ascend inside an item, but items arrive in any order. Here the first search is
    # the last one to arrive.
    count = request.course.searches
    queries = [request.question, f"{request.question} background"][:count]
    share = -(-len(found) // count)
    items = [
        _search_item([query], found[place * share : (place + 1) * share])
        for place, query in enumerate(queries)
    ]
    return items[::-1]


def _search_item(queries: list[JsonValue] | None, found: list[Source]) -> JsonObject:
    results: list[JsonValue] = [source.as_result() for source in found]
    return {"type": "search_results", "queries": queries, "results": results}


def _page_item(page: Page) -> JsonObject:
    # Recorded: one item for each page, without an id.
    content: JsonObject = {"title": page.title, "url": page.url, "snippet": page.text}
    return {"type": "fetch_url_results", "contents": [content]}


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


def _usage(request: AgentRequest, tokens: list[str], sources: Sources) -> JsonObject:
    pages = [*sources.read, *(source.page for source in sources.found)]
    texts = [request.question, *(page.text for page in pages)]
    input_tokens = len(tokenize(" ".join(texts))) + _IMAGE_TOKENS * len(request.images)
    # Recorded: the model behind a preset writes all but three tokens to its cache.
    is_cached = not request.engine.models
    counts = TokenCounts(
        input=input_tokens,
        cached=max(0, input_tokens - 3) if is_cached else 0,
        output=len(tokens) + request.reasoning_tokens,
        reasoning=request.reasoning_tokens,
    )
    return usage(
        counts, prices()[_served_model(request)], _tool_calls(request, sources)
    )


def _tool_calls(request: AgentRequest, sources: Sources) -> list[ToolCalls]:
    calls = list[ToolCalls]()
    course = request.course
    if course.searches:
        is_fast = course.search.is_fast or base_name(request.engine.name) == "fast"
        price = _FAST_SEARCH_USD if is_fast else _WEB_SEARCH_USD
        calls.append(ToolCalls(name="search_web", count=course.searches, price=price))
    if sources.read:
        count = len(sources.read)
        calls.append(ToolCalls(name="fetch_url", count=count, price=_FETCH_URL_USD))
    if course.asks_finance:
        calls.append(
            ToolCalls(name="finance_search", count=1, price=_FINANCE_SEARCH_USD)
        )
    return calls
