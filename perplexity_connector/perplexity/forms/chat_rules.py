"""The rules between the fields of Create Chat Completion."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from perplexity_connector.contract import FieldError, JsonObject
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
        _model_problems(values),
        _bare_model_problems(values),
        _double_problems(values),
        _order_problems(values),
        _image_problems(values),
        _never_searched(values),
        search_conflicts(values),
        _position_needs(values),
        _format_problems(values),
    )


def _model_problems(values: JsonObject) -> Iterable[FieldError]:
    model, *fallbacks = _models(values)
    if replacement := replacement_for(model):
        message = f"Perplexity has removed this model. Use {replacement} instead."
        yield from errors_at(["model"], "removed_model", message)
    for index, name in enumerate(fallbacks):
        if replacement_for(name) or not is_bare(name):
            message = "This name cannot be a fallback. Use another one, such as openai/gpt-6-luna."
            yield from errors_at([f"fallback_models/{index}"], "conflict", message)
    names = [model, *fallbacks]
    is_anthropic = any(name.startswith(NEEDS_MAX_TOKENS) for name in names)
    if is_anthropic and "max_tokens" not in values:
        message = "Anthropic models need this field. Set it, for example to 1000."
        yield from errors_at(["max_tokens"], "needs", message)


def _models(values: JsonObject) -> Sequence[str]:
    """Return the model, which may be empty, and then its fallbacks."""
    names = [values.get("model", ""), *as_list(values.get("fallback_models"))]
    return [str(name).strip() for name in names]


def _bare_model_problems(values: JsonObject) -> Iterable[FieldError]:
    if is_bare(_models(values)[0]):
        return
    for name in ("fallback_models", "tools"):
        if name in values:
            message = f"{name} goes only with a model named provider/model. Name one, or clear {name}."
            yield from errors_at(["model", name], "conflict", message)


def _double_problems(values: JsonObject) -> Iterable[FieldError]:
    fallbacks = _models(values) if "fallback_models" in values else ()
    lists = {"fallback_models": fallbacks, "tools": as_list(values.get("tools"))}
    for name, entries in lists.items():
        if len(set(entries)) < len(entries):
            message = "The same name is given twice. Remove one of them."
            yield from errors_at([name], "conflict", message)


def _order_problems(values: JsonObject) -> Iterable[FieldError]:
    messages = as_objects(values.get("messages"))
    roles = [str(message["role"]) for message in messages]
    previous = "system"
    for index, role in enumerate(roles):
        if problem := _order_problem(previous, role):
            yield from errors_at([f"messages/{index}/role"], "order", problem)
        previous = role
    if roles and previous != "user":
        problem = "The last message must be the user's. Add a user message at the end."
        yield from errors_at([f"messages/{len(roles) - 1}/role"], "order", problem)


def _order_problem(previous: str, role: str) -> str | None:
    if role == "system" and previous == "system":
        return None
    if role == "system":
        return "System messages must be first. Move this one to the top."
    if role == previous:
        return f"Two {role} messages in a row. Join them into one, or put the other side's message between them."
    if role == "assistant" and previous == "system":
        return "A conversation begins with a user message. Put one before this."
    return None


def _image_problems(values: JsonObject) -> Iterable[FieldError]:
    messages = as_objects(values.get("messages"))
    images = {
        index: as_list(message["images"])
        for index, message in enumerate(messages)
        if "images" in message
    }
    for index in images:
        if messages[index]["role"] != "user":
            message = "Only a user's message may have images. Clear the images, or change the role."
            places = [f"messages/{index}/role", f"messages/{index}/images"]
            yield from errors_at(places, "conflict", message)
    if sum(len(str(image)) for image in chain(*images.values())) > LONGEST_IMAGES:
        message = "All images together have more than 32 MiB of text. Remove some, or give their addresses."
        places = [f"messages/{index}/images" for index in images]
        yield from errors_at(places, "conflict", message)


def _never_searched(values: JsonObject) -> Iterable[FieldError]:
    given = [name for name in _HOW_TO_SEARCH if name in values]
    if given and values.get("search") == "never":
        message = "Nothing is searched with `search: never`. Change it, or clear the search filters and options."
        yield from errors_at(["search", *given], "conflict", message)


def _position_needs(values: JsonObject) -> Iterable[FieldError]:
    options = as_object(values.get("web_search_options"))
    location = as_object(options.get("user_location"))
    if not {"latitude", "longitude"} & location.keys():
        return ()
    names = ("latitude", "longitude", "country")
    missing = [name for name in names if name not in location]
    message = "A position needs latitude, longitude and country together. Fill this in, or clear the others."
    places = [f"web_search_options/user_location/{name}" for name in missing]
    return errors_at(places, "needs", message)


def _format_problems(values: JsonObject) -> Iterable[FieldError]:
    wanted = as_object(values.get("response_format"))
    structure = as_object(wanted.get("json_schema"))
    schema = structure.get("schema")
    kind = wanted.get("type")
    if kind == "text" and structure:
        message = "A schema goes with the type json_schema. Change the type, or clear the schema."
        yield from errors_at([_TYPE, _JSON_SCHEMA], "conflict", message)
    elif structure and not kind:
        message = "Set it to json_schema, because a schema is given."
        yield from errors_at([_TYPE], "needs", message)
    elif kind == "json_schema" and schema is None:
        message = "The type json_schema needs a schema."
        yield from errors_at([_SCHEMA], "needs", message)
    if isinstance(schema, Mapping) and (problem := problem_with(schema)):
        yield from errors_at([_SCHEMA], "bad_schema", problem)
