"""Walk through an author's JSON Schema along its references, and weigh it.

The weight bounds the time that a check may take, before it begins: a validator runs in one piece,
and nothing can interrupt it. Two references in each of thirty schemas are a billion checks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from perplexity_connector.contract.readers import as_list, as_object

if TYPE_CHECKING:
    from referencing._core import Resolver

# How many schemas may be inside each other, references included.
DEEPEST = 50
# An average rule takes a microsecond; these take more.
_MULTIPLE_OF = 20
_ENUM_VALUES_PER_RULE = 32


# The keywords that contain schemas, by where those schemas apply: to the same value, to everything
# inside it, to one part of it, or nowhere by themselves.
_FOR_SAME_VALUE = {
    "not",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf",
    "dependentSchemas",
}
_FOR_ALL_INSIDE = {
    "items",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "contains",
    "unevaluatedItems",
    "unevaluatedProperties",
}
_FOR_ONE_INSIDE = {"properties", "prefixItems"}
_FOR_NONE = {"$defs", "definitions"}
_CONTAIN_SCHEMAS = _FOR_SAME_VALUE | _FOR_ALL_INSIDE | _FOR_ONE_INSIDE | _FOR_NONE
# Those whose value is an object of schemas.
_NAME_SCHEMAS = {
    "$defs",
    "definitions",
    "dependentSchemas",
    "patternProperties",
    "properties",
}
_REFERENCES = {"$ref", "$dynamicRef"}
_UNEVALUATED = {"unevaluatedItems", "unevaluatedProperties"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """The weight of a schema.

    * `here`: the most rules that are applied to one value.
    * `inside`: the most that are applied to one value inside that value.
    * `height`: how many schemas are inside each other.
    """

    here: int
    inside: int
    height: int

    @property
    def most(self) -> int:
        """The most rules that are applied to one value of a document."""
        return max(self.here, self.inside)


@dataclass(slots=True)
class Survey:
    """A walk through one schema.

    * `schemas`: every schema that was met, once.
    * `_weights`: the weight of each by its identity; None while it is being weighed.
    """

    schemas: list[dict[str, Any]] = field(default_factory=list)
    _weights: dict[int, Weight | None] = field(default_factory=dict)

    def weigh(self, schema: Mapping[str, Any]) -> Weight:
        """Return the weight of a whole schema, which may be invalid.

        Raises `Unresolvable` for a reference that leads out of it, and `RecursionError` for one
        that leads back to itself, or for a schema that is too deep.
        """
        from referencing import Registry  # noqa: PLC0415 - heavy, and only structured answers need it
        from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - likewise

        resource = DRAFT202012.create_resource(schema)
        address = resource.id() or ""
        registry = Registry().with_resource(address, resource).crawl()
        return self._weigh(schema, registry.resolver(address), 0)

    def _weigh(self, schema: Any, resolver: "Resolver[Any]", level: int) -> Weight:
        if not isinstance(schema, dict):
            return Weight(here=1, inside=0, height=0)
        known = self._weights.get(id(schema), Weight(here=0, inside=0, height=0))
        if known is None or level + known.height > DEEPEST:
            raise RecursionError
        if id(schema) not in self._weights:
            self._weights[id(schema)] = None
            self.schemas.append(schema)
            known = self._weigh_new(schema, _inner(resolver, schema), level + 1)
            self._weights[id(schema)] = known
        return known

    def _weigh_new(
        self, schema: dict[str, Any], resolver: "Resolver[Any]", level: int
    ) -> Weight:
        weights: dict[str, list[Weight]] = {}
        for keyword, value in schema.items():
            if keyword in _REFERENCES and isinstance(value, str):
                found = resolver.lookup(value)
                target = self._weigh(found.contents, found.resolver, level)
                weights[keyword] = [target]
            elif keyword in _CONTAIN_SCHEMAS:
                weights[keyword] = [
                    self._weigh(part, resolver, level)
                    for part in _parts(keyword, value)
                ]
        return _sum_of(schema, weights)


def _parts(keyword: str, value: Any) -> Iterable[Any]:
    if keyword in _NAME_SCHEMAS:
        return as_object(value).values()
    return value if isinstance(value, list) else (value,)


def _sum_of(schema: dict[str, Any], weights: Mapping[str, Sequence[Weight]]) -> Weight:
    here, inside, one, height = _own_rules(schema), 0, 0, 0
    for keyword, parts in weights.items():
        height = max([height, *(part.height for part in parts)])
        if keyword in _FOR_SAME_VALUE | _REFERENCES:
            here += sum(part.here for part in parts)
            inside += sum(part.inside for part in parts)
        elif keyword in _FOR_ALL_INSIDE:
            inside += sum(part.most for part in parts)
        elif keyword in _FOR_ONE_INSIDE:
            one = max([one, *(part.most for part in parts)])
    # To find the unevaluated parts, the other rules are applied again.
    times = 1 if _UNEVALUATED.isdisjoint(schema) else 2
    return Weight(here=times * here, inside=times * (inside + one), height=1 + height)


def count_values(value: object, *, with_letters: bool = False) -> int:
    """Return how many values a JSON value consists of; letters count as values if wanted."""
    count, waiting = 0, [value]
    # A loop, since the value may be deep.
    while waiting:
        current = waiting.pop()
        count += 1
        if isinstance(current, dict):
            waiting += current.values()
            waiting += current.keys()
        elif isinstance(current, list):
            waiting += current
        elif with_letters and isinstance(current, str):
            count += len(current)
    return count


def _inner(resolver: "Resolver[Any]", schema: dict[str, Any]) -> "Resolver[Any]":
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - heavy, and only structured answers need it

    if not isinstance(schema.get("$id"), str):
        return resolver
    return resolver.in_subresource(DRAFT202012.create_resource(schema))


def _own_rules(schema: dict[str, Any]) -> int:
    values = [*as_list(schema.get("enum")), schema.get("const")]
    compound = [value for value in values if isinstance(value, dict | list)]
    rules = 1 + len(values) // _ENUM_VALUES_PER_RULE
    rules += sum(map(count_values, compound))
    return rules + (_MULTIPLE_OF if "multipleOf" in schema else 0)
