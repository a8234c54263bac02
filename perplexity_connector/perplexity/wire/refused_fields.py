"""Find the fields of our form that a refusal of the provider is about. Pure: no I/O.

A refusal rarely has a `param`, but its message nearly always contains the wire name of the field
(docs/provider.md, "Refusals"). The message may also repeat the author's own text, so nothing of it
is repeated here, nothing in quotation marks counts, and only names that were sent do.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from perplexity_connector.contract import FieldError, JsonObject, JsonValue
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.contract.readers import (
    as_list,
    as_object,
    as_objects,
    as_text,
)
from perplexity_connector.perplexity.forms.create_chat_completion import (
    ChatInput,
    UserLocation,
    WebSearchOptions,
)
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.forms.model_choices import KNOWN_NAMES

# From a wire name to the form's field, or to the outermost field that has it inside.
_Fields: TypeAlias = Mapping[str, str]
_Path: TypeAlias = Sequence[str]

_SEARCH_FIELDS = {name: name for name in SearchInput.model_fields}
_CHAT_FIELDS = {
    **dict.fromkeys(WebSearchOptions.model_fields, "web_search_options"),
    **dict.fromkeys(UserLocation.model_fields, "web_search_options"),
    # The wire's `tools` has the web search tool too, so its name does not say which field is meant.
    **{name: name for name in ChatInput.model_fields if name != "tools"},
    # On the wire, a chat's own limit has another name, and this one is the search tool's.
    "max_tokens": "web_search_options",
    "max_output_tokens": "max_tokens",
    "input": "messages",
    "image_url": "messages",
    "preset": "model",
    "effort": "model",
    "profile": "model",
    "models": "fallback_models",
    "tool_choice": "search",
    "max_tool_calls": "search",
    "fetch_url": "tools",
    "finance_search": "tools",
    "reasoning": "reasoning_effort",
    # On the wire, `effort` alone is the model's.
    "reasoning.effort": "reasoning_effort",
    "json_schema": "response_format",
}
# The author's own schema is the one inner field that a refusal is pointed at.
_SCHEMA = "response_format/json_schema/schema"
_SCHEMA_NAMES = ("response_format.json_schema.schema", "json_schema.schema")

_WIRE_NAMES_OF_TYPE: Mapping[str, Sequence[str]] = {
    "invalid_model": ["model"],
    "invalid_message": ["messages"],
    # Images make a request so large, more than any other field.
    "payload_too_large": ["input"],
    "invalid_search_domain_filter": ["search_domain_filter"],
    "invalid_country_code": ["country"],
    "invalid_language_code": ["search_language_filter", "language_preference"],
}

# An apostrophe inside a word opens no quotation; one that is never closed reaches to the end.
_QUOTED = re.compile(
    r"""
      "(?:\\.|[^"\\])*(?:"|\Z)
    | (?<!\w)'.*?(?:'(?!\w)|\Z)
    | `.*?(?:`|\Z)
    | \u201c.*?(?:\u201d|\Z)
    | \u2018.*?(?:\u2019(?!\w)|\Z)
    """,
    re.DOTALL | re.VERBOSE,
)


def field_errors(document: JsonObject, sent: JsonObject) -> Sequence[FieldError]:
    """Return an error for each field of our form that a refusal names.

    `document` is the body of the refusal, `sent` the body of the request.
    """
    message = "Perplexity does not accept this value. Change it or leave it out."
    model = as_text(sent.get("model"))
    near = {"model": did_you_mean(model, KNOWN_NAMES)}
    return [
        FieldError(
            pointer=f"/{name}",
            code="refused",
            message=message + near.get(name, ""),
        )
        for name in refused_fields(document, sent)
    ]


def refused_fields(document: JsonObject, sent: JsonObject) -> Sequence[str]:
    """Return the fields that a refusal names, sorted; empty if it names none.

    The most exact part counts: a path, else the error's type, else the message.
    """
    fields = _fields_of_form(sent)
    found = (
        _fields_of_paths(document, fields)
        or _fields_of_type(document, fields)
        or _fields_of_message(document, fields, sent)
    )
    if "model" in found and "models" in sent:
        # It may be about any model of the list.
        found.add("fallback_models")
    return sorted(found)


def _fields_of_form(sent: JsonObject) -> _Fields:
    if "query" in sent:
        return _SEARCH_FIELDS
    return _CHAT_FIELDS if "input" in sent else {}


def _fields_of_paths(document: JsonObject, fields: _Fields) -> set[str]:
    param = re.findall(r"\w+", _text_of_error(document, "param"))
    message = _text_of_error(document, "message")
    places = [*_places_in_body(message), *_locations(document)]
    return _known([param], fields) or _known(places, fields)


def _text_of_error(document: JsonObject, name: str) -> str:
    error = as_object(document.get("error"))
    return as_text(error.get(name))


def _places_in_body(message: str) -> Sequence[_Path]:
    """Return the paths of a message such as `["At body -> NAME: …", "At body -> …"]`."""
    unwrapped = message.lstrip('[" ')
    if not unwrapped.startswith("At body ->"):
        return ()  # elsewhere these words can only be the author's own
    paths = re.findall(r"At body -> ([\w >-]+)", message)
    return [re.findall(r"\w+", path) for path in paths]


def _locations(document: JsonObject) -> Sequence[_Path]:
    details = map(as_object, as_list(document.get("detail")))
    return [_texts(detail.get("loc")) for detail in details]


def _texts(parts: JsonValue) -> _Path:
    return [*map(as_text, as_list(parts))]


def _known(paths: Iterable[_Path], fields: _Fields) -> set[str]:
    found = {_field_of_path(path, fields) for path in paths}
    return found - {""}


def _field_of_path(path: _Path, fields: _Fields) -> str:
    """Return the field that a path leads to, or "" for none of the form."""
    is_schema = ("json_schema", "schema") in pairwise(path)
    if is_schema and "json_schema" in fields:
        return _SCHEMA
    known = (fields[name] for name in path if name in fields)
    # The first one is the outermost field.
    return next(known, "")


def _fields_of_type(document: JsonObject, fields: _Fields) -> set[str]:
    error_type = _text_of_error(document, "type")
    names = _WIRE_NAMES_OF_TYPE.get(error_type, ())
    return _fields_of_names(names, fields)


def _fields_of_message(
    document: JsonObject,
    fields: _Fields,
    sent: JsonObject,
) -> set[str]:
    message = _text_of_error(document, "message")
    names = _sent_names(sent, fields)
    if message.strip(" .\n") == "invalid request":
        # The answer to a run id that the provider does not know.
        return {"previous_response_id"} & set(names.values())
    written = _names_in(message, fields)
    return _fields_of_names(written, names)


def _fields_of_names(names: Iterable[str], fields: _Fields) -> set[str]:
    return {fields[name] for name in names if name in fields}


def _names_in(message: str, fields: _Fields) -> set[str]:
    """Return the wire names that a message has, also with spaces for underscores.

    All names are looked for, so that a longer one that was not sent hides the shorter one in it.
    """
    longest_first = sorted({*fields, *_SCHEMA_NAMES}, key=len, reverse=True)
    patterns = [re.escape(name).replace("_", "[_ ]") for name in longest_first]
    any_name = rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)"
    unquoted = _QUOTED.sub(" ", message)
    found = re.findall(any_name, unquoted)
    return {name.replace(" ", "_") for name in found}


def _sent_names(sent: JsonObject, fields: _Fields) -> _Fields:
    """Return the form's field of each wire name in a request's body."""
    names = {name: fields[name] for name in _keys(sent) if name in fields}
    if "response_format" in names:
        names["json_schema"] = "response_format"
        names.update(dict.fromkeys(_SCHEMA_NAMES, _SCHEMA))
    if "reasoning" in names:
        names["reasoning.effort"] = "reasoning_effort"
    # Every chat is streamed, and no author decides that.
    names.pop("stream", None)
    return names


def _keys(sent: JsonObject) -> Iterator[str]:
    """Yield the names in a request's body: those of fields, and the types of its tools."""
    yield from sent
    for item in as_objects(sent.get("input")):
        # The parts of a message with images.
        for part in as_objects(item.get("content")):
            yield from part
    for tool in as_objects(sent.get("tools")):
        yield as_text(tool.get("type"))
        yield from tool
        yield from as_object(tool.get("filters"))
        yield from as_object(tool.get("user_location"))
