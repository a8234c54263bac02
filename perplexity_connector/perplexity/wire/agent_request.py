"""Turn a chat form into the body of `POST /v1/agent`, which refuses every field it does not know.

See docs/provider.md, "Agent request".
"""

from collections.abc import Sequence

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
    body: JsonObject = {
        **_model(form),
        **_tools_and_limits(form),
        # All messages go into `input`: `instructions` would replace the preset's own prompt and
        # its citation rules.
        "input": [_item(message) for message in form.messages],
        "stream": True,
        "max_output_tokens": form.max_tokens,
        "temperature": form.temperature,
        "top_p": form.top_p,
        "previous_response_id": form.previous_response_id,
        "reasoning": _reasoning(form),
        "language_preference": form.language_preference,
        "response_format": _response_format(form),
    }
    return _without_unset(body)


def _model(form: ChatInput) -> JsonObject:
    """Return the field that names the model, as its kind needs it."""
    model = form.model.strip()
    match kind_of(model):
        case "preset":
            return {"preset": preset_of(model)}
        case "effort":
            return {"effort": model}
        case "profile":
            profile = {"id": model, "type": "custom"}
            return {"profile": profile}
    fallbacks = form.fallback_models
    if fallbacks:
        return {"models": [model, *fallbacks]}
    return {"model": model}


def _tools_and_limits(form: ChatInput) -> JsonObject:
    is_forced = form.search == "always"
    # Any other name keeps its own tools, even beside an empty list. So it may make no call.
    is_withheld = form.search == "never" and not _is_bare(form)
    return {
        "tools": _tools(form) or None,
        "tool_choice": _WEB_SEARCH if is_forced else None,
        "max_tool_calls": 0 if is_withheld else None,
        "max_steps": form.max_steps,
    }


def _tools(form: ChatInput) -> Sequence[JsonObject]:
    names = form.tools or ()
    others: list[JsonObject] = [{"type": name} for name in names]
    if form.search == "never":
        return others
    options = _web_search_options(form)
    # A bare model does not search unless it is given the tool. Any other name has its own tool,
    # into which the options merge.
    if not options and not _is_bare(form):
        return others
    search = {**_WEB_SEARCH, **options}
    return [search, *others]


def _is_bare(form: ChatInput) -> bool:
    return is_bare(form.model.strip())


def _web_search_options(form: ChatInput) -> JsonObject:
    given = form.web_search_options or WebSearchOptions()
    options: JsonObject = {
        "search_context_size": given.search_context_size,
        "search_type": given.search_type,
        "max_results": given.max_results,
        "max_tokens": given.max_tokens,
        "max_tokens_per_page": given.max_tokens_per_page,
        "user_location": _location(given),
        "filters": _filters(form) or None,
    }
    return _without_unset(options)


def _location(given: WebSearchOptions) -> JsonValue:
    if given.user_location is None:
        return None
    location = given.user_location.model_dump(exclude_none=True)
    return location or None


def _filters(form: ChatInput) -> JsonObject:
    filters = form.model_dump(include=_FILTERS, exclude_none=True)
    return with_us_dates(filters)


def _item(message: Message) -> JsonObject:
    content: JsonValue = message.content
    if message.images:
        text: JsonObject = {"type": "input_text", "text": message.content}
        content = [text, *map(_image, message.images)]
    return {"role": message.role, "content": content}


def _image(address: str) -> JsonObject:
    return {"type": "input_image", "image_url": address}


def _reasoning(form: ChatInput) -> JsonValue:
    effort = form.reasoning_effort
    return {"effort": effort} if effort else None


def _response_format(form: ChatInput) -> JsonObject | None:
    wanted = form.structure
    if wanted is None:
        return None  # the API answers with text by default
    # The documentation contradicts itself on whether a name is required; "schema" is its default.
    given = wanted.model_dump(
        by_alias=True,
        exclude={"schema_"},
        exclude_none=True,
    )
    structure = {
        "name": "schema",
        **given,
        "schema": wanted.schema_,
    }
    return {"type": "json_schema", "json_schema": structure}


def _without_unset(fields: JsonObject) -> dict[str, JsonValue]:
    return {name: value for name, value in fields.items() if value is not None}
