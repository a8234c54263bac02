"""The outputs of the two actions, and the events of a chat: the source of their schemas.

`wire` builds the outputs as plain mappings, and the host validates them against these schemas. So
they are not validated a second time here.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Open(BaseModel):
    # An output may gain keys within a version, so its schema is open.
    model_config = ConfigDict(extra="allow")


class SearchResult(_Open):
    """A page behind the answer; empty texts where the provider numbered a source but never sent it."""

    title: str = Field(title="Title", description="The page's title.")
    url: str = Field(title="URL", description="The page's address.")
    snippet: str = Field(title="Snippet", description="Text from the page.")
    date: str | None = Field(
        title="Date", description="When it was published (YYYY-MM-DD), if known."
    )
    last_updated: str | None = Field(
        title="Last updated", description="When it last changed (YYYY-MM-DD), if known."
    )


class Source(SearchResult):
    """A source of an answer; its number is its place in the list, from 1."""

    kind: Literal["search", "page", "finance", "annotation"] = Field(
        title="Kind",
        description="A search result, a page that was read, a source of figures, or an annotation.",
    )
    cited: bool = Field(title="Cited", description="Whether the answer cites it.")


class AnswerMessage(_Open):
    """The answer as a chat message."""

    role: Literal["assistant"] = Field(title="Role", description="Always assistant.")
    content: str = Field(title="Content", description="The answer.")


class Choice(_Open):
    """The one choice of a chat completion."""

    index: int = Field(title="Index", description="Always 0.")
    finish_reason: str = Field(
        title="Finish reason",
        description=(
            "stop; length when the answer was cut; content_filter when a filter cut it, or the "
            "model refused to answer."
        ),
    )
    message: AnswerMessage = Field(
        title="Message", description="The answer as a chat message."
    )


class Cost(_Open):
    """The cost of the run, as the provider says it."""

    currency: str = Field(
        title="Currency", description="The currency of the amounts, USD."
    )
    total_cost: float = Field(
        title="Total cost", description="The cost of the whole run."
    )
    basis: Literal["provider", "list_price"] | None = Field(
        default=None,
        title="Basis",
        description="provider: the amounts are the provider's own; list_price: from its price list.",
    )


class Usage(_Open):
    """The use of the run; a key is missing if the provider did not send it."""

    prompt_tokens: int | None = Field(
        default=None, title="Prompt tokens", description="Tokens read."
    )
    completion_tokens: int | None = Field(
        default=None, title="Completion tokens", description="Tokens written."
    )
    total_tokens: int | None = Field(
        default=None, title="Total tokens", description="Tokens in all."
    )
    reasoning_tokens: int | None = Field(
        default=None, title="Reasoning tokens", description="Tokens thought."
    )
    search_queries: int | None = Field(
        default=None, title="Search queries", description="Web searches made."
    )
    cost: Cost | None = Field(
        default=None,
        title="Cost",
        description="The cost of the run, if the provider sent it.",
    )


class ChatOutput(_Open):
    """A grounded answer with its numbered sources: [n] cites citations[n-1] and search_results[n-1]."""

    model_config = ConfigDict(title="Create Chat Completion output")

    id: str = Field(title="ID", description="The provider's id of the run.")
    object: Literal["chat.completion"] = Field(
        title="Object", description="Always chat.completion."
    )
    created: int = Field(
        title="Created", description="When the run began, in seconds since 1970."
    )
    model: str = Field(title="Model", description="The model as it was asked for.")
    served_model: str | None = Field(
        title="Served model", description="The model that answered."
    )
    choices: list[Choice] = Field(
        title="Choices", description="The answer in chat form; always one."
    )
    content: str = Field(title="Answer", description="The answer's text.")
    parsed: Any = Field(
        default=None,
        title="Structured answer",
        description="The answer as JSON when a schema was asked for; null when it breaks the schema.",
    )
    citations: list[Annotated[str, Field(title="Citation")]] = Field(
        title="Citations",
        description="The sources' addresses; [n] in the answer is the n-th.",
    )
    search_results: list[Source] = Field(
        title="Search results",
        description="The sources; [n] in the answer is the n-th.",
    )
    grounded: bool = Field(
        title="Grounded", description="Whether a source has an address."
    )
    usage: Usage = Field(
        title="Usage", description="The tokens, searches and cost of the run."
    )


class FoundPage(SearchResult):
    """One search result and the query it answers."""

    query: str = Field(title="Query", description="The query that found it.")
    rank: int = Field(
        title="Rank", description="Its place among that query's results, from 1."
    )


class QueryOutcome(_Open):
    """The outcome of one query."""

    query: str = Field(title="Query", description="The query.")
    count: int = Field(title="Count", description="How many results it has.")
    id: str | None = Field(title="ID", description="The provider's id of the search.")
    error: dict[str, Any] | None = Field(
        title="Error", description="Why it failed, or null."
    )


class MergedPage(SearchResult):
    """One address that was found, and the queries that found it."""

    queries: list[Annotated[str, Field(title="Query")]] = Field(
        title="Queries", description="The queries that found it."
    )


class SearchOutput(_Open):
    """Ranked results of all queries in one flat list, and the outcome of each query."""

    model_config = ConfigDict(title="Execute Search output")

    results: list[FoundPage] = Field(
        title="Results", description="The results, query by query, best first."
    )
    queries: list[QueryOutcome] = Field(
        title="Queries", description="The outcome of each query, in the order asked."
    )
    merged: list[MergedPage] | None = Field(
        title="Merged results",
        description="Of several queries: one row for each address, best first. Null for one query.",
    )


class _Event(_Open):
    seq: int = Field(
        default=0,
        title="Sequence",
        description="Rises with every event of a run; set by the host.",
    )


class TextDelta(_Event):
    """The next piece of the answer."""

    type: Literal["text.delta"] = Field(title="Type")
    text: str = Field(title="Text", description="The text to append.")


class SearchQueries(_Event):
    """The queries that are being searched for."""

    type: Literal["search.queries"] = Field(title="Type")
    queries: list[Annotated[str, Field(title="Query")]] = Field(
        title="Queries", description="The queries."
    )


class SearchResults(_Event):
    """The pages that a search found."""

    type: Literal["search.results"] = Field(title="Type")
    results: list[dict[str, Any]] = Field(
        title="Results", description="The pages found, each with id, title and url."
    )


class Status(_Event):
    """A short message about the current step."""

    type: Literal["status"] = Field(title="Type")
    message: str = Field(title="Message", description="One sentence.")


ChatEvent = TextDelta | SearchQueries | SearchResults | Status
