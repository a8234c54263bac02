"""Turn a chat form into the body of `POST /v1/agent`, which refuses every field it does not know.

See docs/provider.md, "Agent request".
"""

from collections.abc import Mapping, Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.perplexity.forms.create_chat_completion import (
    ChatInput,
    Message,
    WebSearchOptions,
)
from perplexity_connector.perplexity.forms.model_aliases import (
    is_bare,
    kind_of,
    preset_of,
)
from perplexity_connector.perplexity.wire.dates import DATE_FILTERS, with_us_dates

PATH = "/v1/agent"

_WEB_SEARCH = {"type": "web_search"}
_FILTERS = {"search_domain_filter", "search_recency_filter", *DATE_FILTERS}


def request_body(form: ChatInput) -> dict[str, JsonValue]:
    """Return the request for a form: always streamed, and only with what the author has set."""
    effort = form.reasoning_effort
    body: dict[str, JsonValue | None] = {
        **_named(form),
        "tools": _tools(form) or None,
        "tool_choice": _WEB_SEARCH if form.search == "always" else None,
        "max_tool_calls": _most_calls(form),
        # All messages go into `input`: `instructions` would replace the preset's own prompt and
        # its citation rules.
        "input": [_item(message) for message in form.messages],
        "stream": True,
        "max_output_tokens": form.max_tokens,
        "temperature": form.temperature,
        "top_p": form.top_p,
        "max_steps": form.max_steps,
        "previous_response_id": form.previous_response_id,
        "reasoning": {"effort": effort} if effort else None,
        "language_preference": form.language_preference,
        "response_format": _response_format(form),
    }
    return {name: value for name, value in body.items() if value is not None}


def _item(message: Message) -> dict[str, JsonValue]:
    if not message.images:
        return {"role": message.role, "content": message.content}
    text: JsonObject = {"type": "input_text", "text": message.content}
    images = [{"type": "input_image", "image_url": image} for image in message.images]
    return {"role": message.role, "content": [text, *images]}


def _named(form: ChatInput) -> dict[str, JsonValue]:
    """Return the field that names the model, as its kind needs it."""
    model = form.model.strip()
    match kind_of(model):
        case "preset":
            return {"preset": preset_of(model)}
        case "effort":
            return {"effort": model}
        case "profile":
            return {"profile": {"id": model, "type": "custom"}}
    fallbacks = form.fallback_models
    return {"models": [model, *fallbacks]} if fallbacks else {"model": model}


def _tools(form: ChatInput) -> Sequence[JsonObject]:
    others: list[JsonObject] = [{"type": name} for name in form.tools or ()]
    if form.search == "never":
        return others
    options = _web_search_options(form)
    # A bare model does not search unless it is given the tool. Any other name has its own tool,
    # into which the options merge.
    if options or is_bare(form.model.strip()):
        return [{**_WEB_SEARCH, **options}, *others]
    return others


def _most_calls(form: ChatInput) -> int | None:
    # Only a bare model is without tools if none are given; an empty list turns nothing off.
    is_withheld = form.search == "never" and not is_bare(form.model.strip())
    return 0 if is_withheld else None


def _web_search_options(form: ChatInput) -> Mapping[str, JsonValue]:
    given = form.web_search_options or WebSearchOptions()
    location = given.user_location
    options: dict[str, JsonValue] = {
        "search_context_size": given.search_context_size,
        "search_type": given.search_type,
        "max_results": given.max_results,
        "max_tokens": given.max_tokens,
        "max_tokens_per_page": given.max_tokens_per_page,
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
