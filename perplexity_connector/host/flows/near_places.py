"""Errors about places that references lead to, with the names that are nearest."""

from collections.abc import Sequence

from perplexity_connector.contract import (
    FieldError,
    JsonObject,
    JsonValue,
    ValueReference,
)
from perplexity_connector.contract.flow import Each
from perplexity_connector.contract.json import Tokens, value_at
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.flows.references import (
    pointer_of_reference,
    source_name,
)
from perplexity_connector.host.flows.schema_paths import names_of, places_at


def no_value_error(
    target: str, source: ValueReference | Each, near: str = ""
) -> FieldError:
    """Return the error of a reference that leads to no value; `near` is a sentence about near names."""
    where = f"{source_name(source)} has no value at {pointer_of_reference(source)!r}"
    return FieldError(pointer=target, code="no_value", message=f"{where}.{near}")


def no_pluck_error(target: str, reference: ValueReference, near: str) -> FieldError:
    """Return the error of a `pluck` that leads to no value in any item."""
    where = f"{pointer_of_reference(reference)!r} has a list whose items have no value at {reference.pluck!r}"
    message = f"{source_name(reference)}: {where}.{near}"
    return FieldError(pointer=target, code="no_value", message=message)


def no_list_error(target: str, source: ValueReference | Each) -> FieldError:
    """Return the error of a value that should be a list."""
    where = f"{source_name(source)} has no list at {pointer_of_reference(source)!r}"
    message = f"{where}: `each`, `pluck` and `join` take a list."
    return FieldError(pointer=target, code="no_list", message=message)


def near_in_value(value: JsonValue, path: Tokens) -> str:
    """Return a sentence about the first name of a path that a value lacks; empty if none is near."""
    for token in path:
        try:
            value = value_at(value, (token,))
        except LookupError:
            return did_you_mean(token, as_object(value))
    return ""


def near_in_schemas(schemas: Sequence[JsonObject], path: Tokens) -> str:
    """Return a sentence about the first name of a path that schemas lack; empty if none is near."""
    for token in path:
        inner = places_at(schemas, (token,))
        if not inner:
            return did_you_mean(token, names_of(schemas))
        schemas = inner
    return ""
