"""What a JSON Schema says about one place of its documents, as far as it says anything."""

from collections.abc import Iterator, Mapping, Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import Tokens, list_index

_UNIONS = ("anyOf", "oneOf", "allOf")
_OF_KIND: Mapping[str, Sequence[JsonValue]] = {
    "integer": (1,),
    "number": (1,),
    "boolean": (False, True),
    "array": ([],),
    "object": ({},),
}
# What such a schema holds is not looked into: anything may be there.
_OPAQUE = ("$ref", "$dynamicRef", "patternProperties", "prefixItems", "if", "not")


def schemas_at(schema: JsonValue, path: Tokens) -> Sequence[JsonObject]:
    """The schemas of that place, one for each branch that leads there; `{}` is anything, none at all is nothing."""
    there = list(_branches(schema))
    for token in path:
        there = [
            inner
            for outer in there
            for below in _below(outer, token)
            for inner in _branches(below)
        ]
    return there


def kinds(schemas: Sequence[JsonObject]) -> frozenset[str]:
    """The JSON types that these schemas take, null aside; empty when they do not say."""
    named = [_named(schema.get("type")) for schema in schemas]
    return (
        frozenset(name for names in named for name in names) - {"null"}
        if all(named)
        else frozenset()
    )


def are_apart(given: frozenset[str], taken: frozenset[str]) -> bool:
    """Whether no value of the first types can be of the second; types that are not known never are."""
    return bool(given) and bool(taken) and not _numbers(given) & _numbers(taken)


def placeholders(
    schemas: Sequence[JsonObject], given: frozenset[str]
) -> tuple[JsonValue, JsonValue]:
    """Two values to stand for one that is not known yet but for its types, as far apart as these schemas tell."""
    schema = next((one for one in schemas if not are_apart(given, kinds([one]))), {})
    if schema.get("format") == "date":
        return "1900-01-01", "2999-12-31"
    limits = [schema[limit] for limit in ("minimum", "maximum") if limit in schema]
    kind = next(iter(_named(schema.get("type"))), "string")
    choices = (
        _listed(schema.get("enum"))
        or limits
        or _listed(schema.get("examples"))
        or _OF_KIND.get(kind, ("x",))
    )
    return choices[0], choices[-1]


def _numbers(names: frozenset[str]) -> frozenset[str]:
    # A whole number is a number, and a number may be whole.
    return names | {"integer"} if "number" in names else names


def _branches(schema: JsonValue) -> Iterator[JsonObject]:
    if not isinstance(schema, Mapping):
        yield from () if schema is False else ({},)
        return
    inner = [branch for union in _UNIONS for branch in _listed(schema.get(union))]
    if not inner or "type" in schema:
        yield schema
    for branch in inner:
        yield from _branches(branch)


def _below(schema: JsonObject, token: str) -> Iterator[JsonValue]:
    if any(keyword in schema for keyword in _OPAQUE):
        yield {}
        return
    names, listed = _named(schema.get("type")), schema.get("properties")
    if not names or "object" in names:
        properties = listed if isinstance(listed, Mapping) else {}
        yield properties.get(token, schema.get("additionalProperties", {}))
    if (not names or "array" in names) and list_index(token) is not None:
        yield schema.get("items", {})


def _named(kind: JsonValue) -> list[str]:
    return [kind] if isinstance(kind, str) else [str(name) for name in _listed(kind)]


def _listed(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list) else ()
