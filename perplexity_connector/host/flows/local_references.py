"""Put the definitions of a JSON Schema where it refers to them, so that its parts can be looked at."""

from collections.abc import Collection, Mapping

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import MAX_DEPTH, pointer_tokens, value_at
from perplexity_connector.contract.readers import as_object

# The most objects of a schema, each counted as often as it is referred to.
_MOST_PARTS = 20_000
# Keywords beside a reference that leave its values as they are.
_NOTES = frozenset(
    {
        *("title", "description", "default", "examples", "deprecated", "$comment"),
        *("$schema", "$defs", "definitions"),
    }
)


def resolved(schema: JsonObject) -> JsonObject:
    """Return a schema without references to its own parts.

    `{}` takes the place of a reference that is not followed: one into another document, inside its
    own definition, beside other rules, or beyond the bounds of size and depth.
    """
    copied: JsonObject = as_object(_Resolver(schema).copy(schema, (), 0))
    return copied


class _Resolver:
    """Copies one schema.

    * `_root`: the schema.
    * `_left`: how many more objects the copy may have.
    """

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._left = _MOST_PARTS

    def copy(self, part: JsonValue, inside: Collection[str], depth: int) -> JsonValue:
        """Return a part; `inside` has the references that lead to it."""
        if isinstance(part, list):
            return [self.copy(item, inside, depth + 1) for item in part]
        if not isinstance(part, Mapping):
            return part
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            return {}
        if isinstance(part.get("$ref"), str):
            return self._followed(part, inside, depth)
        return {
            name: self.copy(inner, inside, depth + 1) for name, inner in part.items()
        }

    def _followed(
        self, part: JsonObject, inside: Collection[str], depth: int
    ) -> JsonValue:
        reference = str(part["$ref"])
        notes = {name: part[name] for name in part if name in _NOTES}
        if reference in inside or len(notes) < len(part) - 1:
            return {}
        try:
            definition = value_at(self._root, _path(reference))
        except LookupError:
            return {}
        copied = self.copy(definition, (*inside, reference), depth + 1)
        return {**as_object(copied), **notes}


def _path(reference: str) -> tuple[str, ...]:
    """Return the path of a reference inside its document. Raises `LookupError` for any other."""
    path = pointer_tokens(reference.removeprefix("#"))
    if path is None or not reference.startswith("#"):
        raise LookupError
    return path
