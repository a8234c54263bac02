"""The rules between the fields of Create Chat Completion."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from perplexity_connector.contract import FieldError, JsonObject, JsonValue
from perplexity_connector.contract.readers import as_list, as_object, as_objects
from perplexity_connector.perplexity.forms.author_schema import problem_with
from perplexity_connector.perplexity.forms.fields import errors_at, search_conflicts
from perplexity_connector.perplexity.forms.model_aliases import (
    NEEDS_MAX_TOKENS,
    is_bare,
    replacement_for,
)

# The most text that the images of a conversation may have together (32 MiB).
LONGEST_IMAGES = 32 * 2**20

_TYPE = "response_format/type"
_JSON_SCHEMA = "response_format/json_schema"
_SCHEMA = f"{_JSON_SCHEMA}/schema"
# The titles of the fields that only models written provider/model have.
_FOR_BARE_MODELS = {"fallback_models": "Fallback models", "tools": "Tools"}
_HOW_TO_SEARCH = (
    "search_recency_filter",
    "search_domain_filter",
    "search_after_date_filter",
    "search_before_date_filter",
    "last_updated_after_filter",
    "last_updated_before_filter",
    "web_search_options",
)


def chat_conflicts(values: JsonObject) -> Iterable[FieldError]:
    """Return the errors between fields. `values` has the fields that are valid by themselves."""
    return chain(
        _removed_problems(values),
        _fallback_problems(values),
        _token_needs(values),
        _bare_model_problems(values),
        _double_problems(values),
        _order_problems(values),
        _image_problems(values),
        _never_searched(values),
        search_conflicts(values),
        _position_needs(values),
        _format_problems(values),
    )


def _removed_problems(values: JsonObject) -> Iterable[FieldError]:
    replacement = replacement_for(_model(values))
    if replacement:
        message = f"Perplexity has removed this model. Use {replacement} instead."
        yield from errors_at(["model"], "removed_model", message)


def _fallback_problems(values: JsonObject) -> Iterable[FieldError]:
    message = (
        "This name cannot be a fallback. Use another one, such as openai/gpt-6-luna."
    )
    for index, name in enumerate(_fallbacks(values)):
        is_usable = is_bare(name) and not replacement_for(name)
        if not is_usable:
            place = f"fallback_models/{index}"
            yield from errors_at([place], "conflict", message)


def _token_needs(values: JsonObject) -> Iterable[FieldError]:
    if "max_tokens" in values:
        return
    names = [_model(values), *_fallbacks(values)]
    if any(name.startswith(NEEDS_MAX_TOKENS) for name in names):
        message = "Anthropic models need this field. Set it, for example to 1000."
        yield from errors_at(["max_tokens"], "needs", message)


def _model(values: JsonObject) -> str:
    """Return the model, which may be empty."""
    name = values.get("model", "")
    return str(name).strip()


def _fallbacks(values: JsonObject) -> Sequence[str]:
    names = as_list(values.get("fallback_models"))
    return [str(name).strip() for name in names]


def _bare_model_problems(values: JsonObject) -> Iterable[FieldError]:
    if is_bare(_model(values)):
        return
    for name, title in _FOR_BARE_MODELS.items():
        if name in values:
            message = (
                f"{title} need a model written provider/model, such as openai/gpt-6-luna. "
                f"Choose one, or clear {title}."
            )
            yield from errors_at(["model", name], "conflict", message)


def _double_problems(values: JsonObject) -> Iterable[FieldError]:
    message = "The same name is given twice. Remove one of them."
    lists = {
        "fallback_models": _names_to_try(values),
        "tools": as_list(values.get("tools")),
    }
    for name, entries in lists.items():
        if len(set(entries)) < len(entries):
            yield from errors_at([name], "conflict", message)


def _names_to_try(values: JsonObject) -> Sequence[str]:
    """Return the model and its fallbacks; empty without a fallback."""
    fallbacks = _fallbacks(values)
    return [_model(values), *fallbacks] if fallbacks else []


def _order_problems(values: JsonObject) -> Iterable[FieldError]:
    messages = as_objects(values.get("messages"))
    roles = [str(message["role"]) for message in messages]
    previous = "system"
    for index, role in enumerate(roles):
        if problem := _order_problem(previous, role):
            place = f"messages/{index}/role"
            yield from errors_at([place], "order", problem)
        previous = role
    if roles and previous != "user":
        problem = "The last message must be the user's. Add a user message at the end."
        place = f"messages/{len(roles) - 1}/role"
        yield from errors_at([place], "order", problem)


def _order_problem(previous: str, role: str) -> str | None:
    if role == "system" and previous == "system":
        return None
    if role == "system":
        return "System messages must be first. Move this one to the top."
    if role == previous:
        return (
            f"Two {role} messages in a row. Join them into one, "
            "or put the other side's message between them."
        )
    if role == "assistant" and previous == "system":
        return "A conversation begins with a user message. Put one before this."
    return None


def _image_problems(values: JsonObject) -> Iterable[FieldError]:
    messages = as_objects(values.get("messages"))
    entries = {
        index: message for index, message in enumerate(messages) if "images" in message
    }
    if entries:
        yield from _image_roles(entries)
        yield from _image_length(entries)


def _image_roles(entries: Mapping[int, JsonObject]) -> Iterable[FieldError]:
    message = (
        "Only a user's message may have images. Clear the images, or change the role."
    )
    for index, entry in entries.items():
        if entry["role"] != "user":
            place = f"messages/{index}"
            places = [f"{place}/role", f"{place}/images"]
            yield from errors_at(places, "conflict", message)


def _image_length(entries: Mapping[int, JsonObject]) -> Iterable[FieldError]:
    lists = [as_list(entry["images"]) for entry in entries.values()]
    length = sum(len(str(image)) for image in chain(*lists))
    if length > LONGEST_IMAGES:
        message = (
            "All images together have more than 32 MiB of text. "
            "Remove some, or give https addresses in their place."
        )
        places = [f"messages/{index}/images" for index in entries]
        yield from errors_at(places, "conflict", message)


def _never_searched(values: JsonObject) -> Iterable[FieldError]:
    if values.get("search") != "never":
        return
    given = [name for name in _HOW_TO_SEARCH if name in values]
    if given:
        message = (
            "With Web search set to Never, nothing is searched. "
            "Change it, or clear the search filters and options."
        )
        yield from errors_at(["search", *given], "conflict", message)


def _position_needs(values: JsonObject) -> Iterable[FieldError]:
    options = as_object(values.get("web_search_options"))
    location = as_object(options.get("user_location"))
    if not {"latitude", "longitude"} & location.keys():
        return ()
    names = ("latitude", "longitude", "country")
    missing = [name for name in names if name not in location]
    message = (
        "A position needs latitude, longitude and country together. "
        "Fill this in, or clear the others."
    )
    places = [f"web_search_options/user_location/{name}" for name in missing]
    return errors_at(places, "needs", message)


def _format_problems(values: JsonObject) -> Iterable[FieldError]:
    wanted = as_object(values.get("response_format"))
    structure = dict(as_object(wanted.get("json_schema")))
    if structure.get("strict") is False:
        # The usual value. Some pages send it for a switch that an author left alone.
        del structure["strict"]
    schema = structure.get("schema")
    # A schema alone says the type: forms fill the schema in first.
    kind = wanted.get("type") or ("json_schema" if structure else None)
    if kind == "text" and structure:
        message = (
            "A schema goes with the type JSON Schema. "
            "Change the type, or clear the schema."
        )
        yield from errors_at([_TYPE, _JSON_SCHEMA], "conflict", message)
    elif kind == "json_schema" and schema is None:
        message = "The type JSON Schema needs a schema."
        yield from errors_at([_SCHEMA], "needs", message)
    yield from _schema_problems(schema)


def _schema_problems(schema: JsonValue) -> Iterable[FieldError]:
    if not isinstance(schema, Mapping):
        return
    problem = problem_with(schema)
    if problem:
        yield from errors_at([_SCHEMA], "bad_schema", problem)
