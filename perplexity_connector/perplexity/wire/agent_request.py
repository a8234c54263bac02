"""From a chat form to the body of `POST /v1/agent`, which refuses every field that it does not know."""

from perplexity_connector.contract import JsonValue
from perplexity_connector.perplexity.forms.create_chat_completion import (
    ChatInput,
    WebSearchOptions,
)
from perplexity_connector.perplexity.forms.model_aliases import preset_of
from perplexity_connector.perplexity.wire.dates import us_date

PATH = "/v1/agent"


def request_body(form: ChatInput) -> dict[str, JsonValue]:
    """The request for a form: always streamed, and nothing in it that the author did not set."""
    effort = form.reasoning_effort
    body: dict[str, JsonValue | None] = {
        **_served_by(form),
        # All messages go into `input`: `instructions` would replace the preset's own prompt and its citation rules.
        "input": [
            {"role": message.role, "content": message.content}
            for message in form.messages
        ],
        "stream": True,
        "max_output_tokens": form.max_tokens,
        "temperature": form.temperature,
        "top_p": form.top_p,
        "reasoning": {"effort": effort} if effort else None,
        "language_preference": form.language_preference,
        "response_format": _response_format(form),
    }
    return {name: value for name, value in body.items() if value is not None}


def _served_by(form: ChatInput) -> dict[str, JsonValue]:
    preset = preset_of(form.model.strip())
    tool = _web_search(form)
    if preset:
        # Beside a preset a tool's options merge into the preset's own tool; without options there is nothing to merge.
        return (
            {"preset": preset, "tools": [tool]} if len(tool) > 1 else {"preset": preset}
        )
    # A bare model searches nothing unless it is given the tool.
    return {"model": form.model.strip(), "tools": [tool]}


def _web_search(form: ChatInput) -> dict[str, JsonValue]:
    options = form.web_search_options or WebSearchOptions()
    location = (
        options.user_location.model_dump(exclude_none=True)
        if options.user_location
        else {}
    )
    parts: dict[str, JsonValue] = {
        "search_context_size": options.search_context_size,
        "user_location": location,
        "filters": _filters(form),
    }
    return {"type": "web_search"} | {
        name: value for name, value in parts.items() if value
    }


def _filters(form: ChatInput) -> dict[str, JsonValue]:
    dates = {
        "search_after_date_filter": form.search_after_date_filter,
        "search_before_date_filter": form.search_before_date_filter,
        "last_updated_after_filter": form.last_updated_after_filter,
        "last_updated_before_filter": form.last_updated_before_filter,
    }
    filters: dict[str, JsonValue] = {
        name: us_date(value) for name, value in dates.items() if value
    }
    if form.search_domain_filter:
        filters["search_domain_filter"] = form.search_domain_filter
    if form.search_recency_filter:
        filters["search_recency_filter"] = form.search_recency_filter
    return filters


def _response_format(form: ChatInput) -> dict[str, JsonValue] | None:
    wanted = form.response_format.json_schema if form.response_format else None
    if wanted is None or wanted.schema_ is None:
        return None  # text is what the API answers anyway
    # Sources differ on whether a name is required; "schema" is the documented default.
    return {
        "type": "json_schema",
        "json_schema": {"name": wanted.name or "schema", "schema": wanted.schema_},
    }
