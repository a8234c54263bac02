"""One run, planned whole before its first byte is sent: the same plan makes the plain body and the stream."""

from dataclasses import dataclass, field
from uuid import NAMESPACE_OID, uuid5

from perplexity_connector.sandbox.agent import AgentRequest
from perplexity_connector.sandbox.answer import Source, find_sources, write_answer
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
    """What a run will send: the object it begins with, its search items, its tokens, its message, its final object."""

    id: str
    request: AgentRequest
    created: JsonObject
    searches: tuple[JsonObject, ...]
    tokens: tuple[str, ...]
    message: JsonObject
    final: JsonObject

    @property
    def status(self) -> str:
        """The status that the run ends with."""
        return str(self.final["status"])


@dataclass(slots=True, kw_only=True)
class Run:
    """A run as GET shows it. Only looking at it moves it on, never time: what a test sees is the same every time."""

    plan: Plan
    streaming: bool = False
    cancelled: bool = False
    waiting: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The status that the next GET shows."""
        if self.cancelled:
            return "cancelled"
        return (
            "in_progress"
            if self.streaming
            else next(iter(self.waiting), self.plan.status)
        )

    def look(self) -> JsonObject:
        """The run's object now. A run that is waiting is one step further at the next look."""
        status = self.status
        if self.waiting and not self.streaming:
            del self.waiting[0]
        over = not self.cancelled and status == self.plan.status
        return self.plan.final if over else {**self.plan.created, "status": status}

    def cut(self) -> None:
        """Its listener has gone. It goes on by itself: the next look finds it in progress, the one after that over."""
        self.streaming = False
        self.waiting = ["in_progress"]

    def cancel(self) -> None:
        """Stops it, unless it is over."""
        self.cancelled = self.streaming or bool(self.waiting)


def plan_run(request: AgentRequest, uuid: str, created_at: int) -> Plan:
    """The whole course of a run."""
    sources = find_sources(request)
    tokens = tokenize(write_answer(request, sources))
    status = next(
        (_STATUS[prompt] for prompt in _STATUS if prompt in request.prompts),
        "completed",
    )
    if status == "incomplete" or (request.max_output_tokens or len(tokens)) < len(
        tokens
    ):
        status = "incomplete"
        tokens = tokens[
            : min(request.max_output_tokens or _FEWEST_TOKENS, len(tokens) - 1)
        ]
    searches = tuple(_search_items(request, sources))
    message = _message(uuid, "".join(tokens))
    created = _created(request, uuid, created_at)
    return Plan(
        id=str(created["id"]),
        request=request,
        created=created,
        searches=searches,
        tokens=tuple(tokens),
        message=message,
        final={
            **created,
            **_ending(
                request,
                status,
                created_at,
                [*searches, message],
                _usage(request, tokens, sources),
            ),
        },
    )


def _created(request: AgentRequest, uuid: str, created_at: int) -> JsonObject:
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
    ending: JsonObject = {"status": status, "model": _served(request)}
    if status == "completed":
        ending |= {"completed_at": created_at, "output": output, "usage": used}
    elif status == "incomplete":
        # Recorded: a truncated run keeps its usage and loses its output.
        ending |= {"incomplete_details": {"reason": "max_output_tokens"}, "usage": used}
    elif status == "failed":
        ending |= {"error": failure()}
    return {**ending, "usage": None} if Prompt.NO_USAGE in request.prompts else ending


def failure() -> JsonObject:
    """The error of a run that failed on its own."""
    return {"message": "The run failed.", "type": "internal_error", "code": 500}


def _served(request: AgentRequest) -> str:
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
    shuffled: list[JsonValue] = [
        source.shown() for source in [*sources[1::2], *sources[::2]]
    ]
    return {"type": "search_results", "queries": [query], "results": shuffled}


def _message(uuid: str, text: str) -> JsonObject:
    part: JsonObject = {"type": "output_text", "text": text, "annotations": []}
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
    read = tokenize(
        " ".join([request.question, *(source.page.text for source in sources)])
    )
    return usage(
        price=MODELS[_served(request)],
        input_tokens=len(read),
        output_tokens=len(tokens) + request.preset.reasoning_tokens,
        reasoning_tokens=request.preset.reasoning_tokens,
        searches=request.preset.searches if request.search else 0,
    )
