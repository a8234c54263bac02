"""Find what a JSON Schema allows at one place of its documents, as far as it can be known."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

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
_OPAQUE = ("$ref", "$dynamicRef", "prefixItems", "if", "not")
# Returns the schemas of a schema's part with this name or index.
_Children: TypeAlias = Callable[[JsonObject, str], Iterator[JsonValue]]


def schemas_at(schema: JsonValue, path: Tokens) -> Sequence[JsonObject]:
    """Return the schemas at a path, one for each branch of a union that leads there.

    `{}` allows anything. An empty list means that the schema does not allow the path.
    """
    return _at(_distinct(_branches(schema)), path, _allowed_children)


def places_at(schemas: Iterable[JsonValue], path: Tokens) -> Sequence[JsonObject]:
    """Return the schemas of the values that a reader may count on at a path, as `schemas_at` does.

    An object that lists properties has no others, even if it is open: so a misspelt name is found.
    Only a schema in `additionalProperties` or `patternProperties` makes more.
    """
    found = _distinct(branch for schema in schemas for branch in _branches(schema))
    return _at(found, path, _listed_children)


def item_schemas(schemas: Iterable[JsonObject]) -> Sequence[JsonObject]:
    """Return the schemas of the items of the lists that the schemas allow."""
    items = [part for schema in schemas for part in _items(schema)]
    return _distinct(branch for part in items for branch in _branches(part))


def names_of(schemas: Iterable[JsonObject]) -> Sequence[str]:
    """Return the names of the properties that the schemas list."""
    listed = [as_object(schema.get("properties")) for schema in schemas]
    return [name for names in listed for name in names]


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


def _at(
    schemas: Sequence[JsonObject], path: Tokens, children: _Children
) -> Sequence[JsonObject]:
    for token in path:
        inner = [child for parent in schemas for child in children(parent, token)]
        schemas = _distinct(branch for child in inner for branch in _branches(child))
    return schemas


def _allowed_children(schema: JsonObject, token: str) -> Iterator[JsonValue]:
    if _is_opaque(schema) or "patternProperties" in schema:
        yield _ANYTHING
        return
    if _may_be(schema, "object"):
        properties = as_object(schema.get("properties"))
        others = schema.get("additionalProperties", _ANYTHING)
        yield properties.get(token, others)
    if list_index(token) is not None:
        yield from _items(schema)


def _listed_children(schema: JsonObject, token: str) -> Iterator[JsonValue]:
    if _is_opaque(schema):
        yield _ANYTHING
        return
    if _may_be(schema, "object"):
        yield from _listed_members(schema, token)
    if list_index(token) is not None:
        yield from _items(schema)


def _listed_members(schema: JsonObject, name: str) -> Iterator[JsonValue]:
    properties = as_object(schema.get("properties"))
    patterns = as_object(schema.get("patternProperties"))
    found = [part for each, part in patterns.items() if _matches(each, name)]
    others = schema.get("additionalProperties", _ANYTHING)
    if name in properties:
        yield properties[name]
    elif found:
        yield from found
    elif not properties or isinstance(schema.get("additionalProperties"), Mapping):
        yield others


def _matches(pattern: str, name: str) -> bool:
    """Return whether a name matches a pattern; also if that cannot be found out in linear time."""
    import jsonschema_rs  # noqa: PLC0415 - heavy, and few schemas have patterns of names

    schema: Any = {"patternProperties": {pattern: False}}
    linear = jsonschema_rs.RegexOptions()
    try:
        rule = jsonschema_rs.Draft202012Validator(schema, pattern_options=linear)
    except ValueError:
        return True
    return not rule.is_valid({name: None})


def _items(schema: JsonObject) -> Iterator[JsonValue]:
    if _is_opaque(schema):
        yield _ANYTHING
    elif _may_be(schema, "array"):
        yield schema.get("items", _ANYTHING)


def _is_opaque(schema: JsonObject) -> bool:
    return any(keyword in schema for keyword in _OPAQUE)


def _may_be(schema: JsonObject, type_name: str) -> bool:
    types = _type_names(schema)
    return not types or type_name in types


def _type_names(schema: JsonObject) -> list[str]:
    names = schema.get("type")
    if isinstance(names, str):
        return [names]
    return list(map(str, as_list(names)))
