"""Turn a chat form into the body of `POST /v1/agent`, which refuses every field it does not know.

See docs/provider.md, "Agent request".
"""

from collections.abc import Mapping

from perplexity_connector.contract import JsonValue
from perplexity_connector.perplexity.forms.create_chat_completion import (
    ChatInput,
    WebSearchOptions,
)
from perplexity_connector.perplexity.forms.model_aliases import preset_of
from perplexity_connector.perplexity.wire.dates import DATE_FILTERS, with_us_dates

PATH = "/v1/agent"

_FILTERS = {"search_domain_filter", "search_recency_filter", *DATE_FILTERS}


def request_body(form: ChatInput) -> dict[str, JsonValue]:
    """Return the request for a form: always streamed, and only with what the author has set."""
    effort = form.reasoning_effort
    body: dict[str, JsonValue | None] = {
        **_model_and_tools(form),
        # All messages go into `input`: `instructions` would replace the preset's own prompt and
        # its citation rules.
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


def _model_and_tools(form: ChatInput) -> dict[str, JsonValue]:
    model = form.model.strip()
    options = _web_search_options(form)
    tool: dict[str, JsonValue] = {"type": "web_search", **options}
    preset = preset_of(model)
    if preset is None:
        # A bare model does not search unless it is given the tool.
        return {"model": model, "tools": [tool]}
    # Beside a preset, a tool's options merge into the preset's own tool.
    return {"preset": preset, "tools": [tool]} if options else {"preset": preset}


def _web_search_options(form: ChatInput) -> Mapping[str, JsonValue]:
    given = form.web_search_options or WebSearchOptions()
    location = given.user_location
    options: dict[str, JsonValue] = {
        "search_context_size": given.search_context_size,
        "user_location": location.model_dump(exclude_none=True) if location else None,
        "filters": _filters(form),
    }
    return {name: value for name, value in options.items() if value}


def _filters(form: ChatInput) -> Mapping[str, JsonValue]:
    return with_us_dates(form.model_dump(include=_FILTERS, exclude_none=True))


def _response_format(form: ChatInput) -> dict[str, JsonValue] | None:
    wanted = form.structure
    if wanted is None:
        return None  # the API answers with text by default
    # The documentation contradicts itself on whether a name is required; "schema" is its default.
    given = wanted.model_dump(by_alias=True, exclude={"schema_"}, exclude_none=True)
    structure = {"name": "schema", **given, "schema": wanted.schema_}
    return {"type": "json_schema", "json_schema": structure}
