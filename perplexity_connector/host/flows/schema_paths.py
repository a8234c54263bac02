"""Find what a JSON Schema allows at one place of its documents, as far as it can be known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import Tokens, list_index
from perplexity_connector.contract.readers import as_list, as_object

_ANYTHING: JsonObject = {}
_UNIONS = ("anyOf", "oneOf", "allOf")
_EXAMPLES_BY_TYPE: Mapping[str, Sequence[JsonValue]] = {
    "integer": (1,),
    "number": (1,),
    "boolean": (False, True),
    "array": ([],),
    "object": ({},),
}
# A schema with one of these keywords is not looked into: anything may be below it.
_OPAQUE = ("$ref", "$dynamicRef", "patternProperties", "prefixItems", "if", "not")


def schemas_at(schema: JsonValue, path: Tokens) -> Sequence[JsonObject]:
    """Return the schemas at a path, one for each branch of a union that leads there.

    `{}` allows anything. An empty list means that the schema does not allow the path.
    """
    schemas = _distinct(_branches(schema))
    for token in path:
        children = [child for parent in schemas for child in _children(parent, token)]
        schemas = _distinct(branch for child in children for branch in _branches(child))
    return schemas


def types_of(schemas: Sequence[JsonObject]) -> frozenset[str]:
    """Return the JSON types that the schemas allow, without null; empty means unknown."""
    types = [_type_names(schema) for schema in schemas]
    if not all(types):
        return frozenset()
    return frozenset[str]().union(*types) - {"null"}


def are_disjoint(types: frozenset[str], others: frozenset[str]) -> bool:
    """Return whether no value can be of both; False if either is unknown."""
    if not types or not others:
        return False
    return _with_integer(types).isdisjoint(_with_integer(others))


def placeholders(
    schemas: Sequence[JsonObject],
    types: frozenset[str],
) -> tuple[JsonValue, JsonValue]:
    """Return the two most different values of these types that the first fitting schema allows."""
    schema = _first_fitting(schemas, types)
    if schema.get("format") == "date":
        return "1900-01-01", "2999-12-31"
    limits = [schema[limit] for limit in ("minimum", "maximum") if limit in schema]
    type_name = next(iter(_type_names(schema)), "string")
    values = (
        as_list(schema.get("enum"))
        or limits
        or as_list(schema.get("examples"))
        or _EXAMPLES_BY_TYPE.get(type_name, ("x",))
    )
    return values[0], values[-1]


def _first_fitting(
    schemas: Sequence[JsonObject],
    types: frozenset[str],
) -> JsonObject:
    for schema in schemas:
        if not are_disjoint(types, types_of([schema])):
            return schema
    return {}


def _with_integer(types: frozenset[str]) -> frozenset[str]:
    # A number may be whole.
    return types | {"integer"} if "number" in types else types


def _distinct(schemas: Iterable[JsonObject]) -> Sequence[JsonObject]:
    """Return each schema once: without that, a long path doubles their number with each token."""
    return list({id(schema): schema for schema in schemas}.values())


def _branches(schema: JsonValue) -> Iterator[JsonObject]:
    if not isinstance(schema, Mapping):
        yield from () if schema is False else (_ANYTHING,)
        return
    inner = [branch for union in _UNIONS for branch in as_list(schema.get(union))]
    if not inner or "type" in schema:
        yield schema
    for branch in inner:
        yield from _branches(branch)


def _children(schema: JsonObject, token: str) -> Iterator[JsonValue]:
    if any(keyword in schema for keyword in _OPAQUE):
        yield _ANYTHING
        return
    types = _type_names(schema)
    if not types or "object" in types:
        properties = as_object(schema.get("properties"))
        others = schema.get("additionalProperties", _ANYTHING)
        yield properties.get(token, others)
    if (not types or "array" in types) and list_index(token) is not None:
        yield schema.get("items", _ANYTHING)


def _type_names(schema: JsonObject) -> list[str]:
    names = schema.get("type")
    if isinstance(names, str):
        return [names]
    return list(map(str, as_list(names)))
