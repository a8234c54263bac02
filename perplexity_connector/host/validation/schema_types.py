"""Read from a JSON Schema which types it takes, and the schemas of the parts of a value."""

from collections.abc import Iterator, Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_list, as_object, as_text

_UNIONS = ("anyOf", "oneOf", "allOf")


def list_types(schema: JsonObject) -> Sequence[str]:
    """Return the JSON types that a schema names, each once."""
    types: list[str] = []
    for branch in list_branches(schema):
        named = branch.get("type")
        if isinstance(named, str):
            types.append(named)
        types += map(as_text, as_list(named))
    return list(dict.fromkeys(types))


def list_branches(schema: JsonObject) -> Iterator[JsonObject]:
    """Yield the schema and every branch of its unions, however deep."""
    yield schema
    for keyword in _UNIONS:
        for branch in as_list(schema.get(keyword)):
            yield from list_branches(as_object(branch))


def item_schema(schema: JsonObject) -> JsonObject:
    """Return the schema of a list's items; empty if unknown."""
    return _first(branch.get("items") for branch in list_branches(schema))


def property_schema(schema: JsonObject, name: str) -> JsonObject:
    """Return the schema of an object's member; empty if unknown."""
    return _first(
        as_object(branch.get("properties")).get(name)
        for branch in list_branches(schema)
    )


def _first(schemas: Iterator[JsonValue]) -> JsonObject:
    return next((as_object(schema) for schema in schemas if schema is not None), {})
