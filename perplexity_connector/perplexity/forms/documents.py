"""The inputs and outputs of the actions, as types for a checker. Made by `forms/emit.py`."""

from typing import Literal, NotRequired, TypedDict

from perplexity_connector.contract import JsonObject, JsonValue

__all__ = [
    "ChatInput",
    "ChatInputJSONSchema",
    "ChatInputMessage",
    "ChatInputResponseFormat",
    "ChatInputUserLocation",
    "ChatInputWebSearchOptions",
    "ChatOutput",
    "ChatOutputChoice",
    "ChatOutputCost",
    "ChatOutputMessage",
    "ChatOutputSource",
    "ChatOutputUsage",
    "SearchInput",
    "SearchOutput",
    "SearchOutputFoundPage",
    "SearchOutputMergedPage",
    "SearchOutputQueryOutcome",
]


class ChatInputMessage(TypedDict):
    """One message of the conversation."""

    role: Literal["user", "system", "assistant"]
    content: str
    images: NotRequired[list[str]]


class ChatInputUserLocation(TypedDict):
    """Where the person asking is, for local answers."""

    country: NotRequired[str]
    region: NotRequired[str]
    city: NotRequired[str]
    latitude: NotRequired[float]
    longitude: NotRequired[float]


class ChatInputWebSearchOptions(TypedDict):
    """How the web is searched."""

    search_context_size: NotRequired[Literal["low", "medium", "high"]]
    user_location: NotRequired[ChatInputUserLocation]
    search_type: NotRequired[Literal["web", "fast"]]
    max_results: NotRequired[int]
    max_tokens: NotRequired[int]
    max_tokens_per_page: NotRequired[int]


class ChatInputJSONSchema(TypedDict):
    """The schema of a structured answer; only with the type JSON Schema."""

    name: NotRequired[str]
    schema: NotRequired[JsonObject]
    strict: NotRequired[bool]
    description: NotRequired[str]


class ChatInputResponseFormat(TypedDict):
    """Plain text, or JSON that follows a schema of yours."""

    type: NotRequired[Literal["text", "json_schema"]]
    json_schema: NotRequired[ChatInputJSONSchema]


class ChatInput(TypedDict):
    """Ask a question and get an answer grounded in a live web search, with numbered sources."""

    model: str
    messages: list[ChatInputMessage]
    stream: NotRequired[bool]
    search: NotRequired[Literal["always", "when_needed", "never"]]
    max_tokens: NotRequired[int]
    temperature: NotRequired[float]
    top_p: NotRequired[float]
    reasoning_effort: NotRequired[
        Literal["none", "minimal", "low", "medium", "high", "xhigh"]
    ]
    max_steps: NotRequired[int]
    search_recency_filter: NotRequired[Literal["hour", "day", "week", "month", "year"]]
    search_domain_filter: NotRequired[list[str]]
    search_after_date_filter: NotRequired[str]
    search_before_date_filter: NotRequired[str]
    last_updated_after_filter: NotRequired[str]
    last_updated_before_filter: NotRequired[str]
    web_search_options: NotRequired[ChatInputWebSearchOptions]
    tools: NotRequired[list[Literal["fetch_url", "finance_search"]]]
    fallback_models: NotRequired[list[str]]
    previous_response_id: NotRequired[str]
    language_preference: NotRequired[str]
    response_format: NotRequired[ChatInputResponseFormat]


class ChatOutputMessage(TypedDict):
    """The answer as a chat message."""

    role: Literal["assistant"]
    content: str


class ChatOutputChoice(TypedDict):
    """The one choice of a chat completion."""

    index: int
    finish_reason: str
    message: ChatOutputMessage


class ChatOutputSource(TypedDict):
    """A source of an answer; its number is its place in the list, from 1."""

    title: str
    url: str
    snippet: str
    date: str | None
    last_updated: str | None
    kind: Literal["search", "page", "finance", "annotation"]
    cited: bool


class ChatOutputCost(TypedDict):
    """The cost of the run, as the provider says it."""

    currency: str
    total_cost: float
    basis: NotRequired[Literal["provider", "list_price"] | None]


class ChatOutputUsage(TypedDict):
    """The tokens, searches and cost of the run."""

    prompt_tokens: NotRequired[int | None]
    completion_tokens: NotRequired[int | None]
    total_tokens: NotRequired[int | None]
    reasoning_tokens: NotRequired[int | None]
    search_queries: NotRequired[int | None]
    cost: NotRequired[ChatOutputCost | None]


class ChatOutput(TypedDict):
    """A grounded answer with its numbered sources: [n] cites citations[n-1] and search_results[n-1]."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    served_model: str | None
    choices: list[ChatOutputChoice]
    content: str
    parsed: NotRequired[JsonValue]
    citations: list[str]
    search_results: list[ChatOutputSource]
    grounded: bool
    usage: ChatOutputUsage


class SearchInput(TypedDict):
    """Search the web with one query or several and get ranked results."""

    query: str | list[str]
    max_results: NotRequired[int]
    max_tokens: NotRequired[int]
    max_tokens_per_page: NotRequired[int]
    search_context_size: NotRequired[Literal["low", "medium", "high"]]
    search_type: NotRequired[Literal["web", "fast"]]
    country: NotRequired[str]
    search_domain_filter: NotRequired[list[str]]
    search_language_filter: NotRequired[list[str]]
    search_recency_filter: NotRequired[Literal["hour", "day", "week", "month", "year"]]
    search_after_date_filter: NotRequired[str]
    search_before_date_filter: NotRequired[str]
    last_updated_after_filter: NotRequired[str]
    last_updated_before_filter: NotRequired[str]


class SearchOutputFoundPage(TypedDict):
    """One search result and the query it answers."""

    title: str
    url: str
    snippet: str
    date: str | None
    last_updated: str | None
    query: str
    rank: int


class SearchOutputQueryOutcome(TypedDict):
    """The outcome of one query."""

    query: str
    count: int
    id: str | None
    error: JsonObject | None


class SearchOutputMergedPage(TypedDict):
    """One address that was found, and the queries that found it."""

    title: str
    url: str
    snippet: str
    date: str | None
    last_updated: str | None
    queries: list[str]


class SearchOutput(TypedDict):
    """Ranked results of all queries in one flat list, and the outcome of each query."""

    results: list[SearchOutputFoundPage]
    queries: list[SearchOutputQueryOutcome]
    merged: list[SearchOutputMergedPage] | None
