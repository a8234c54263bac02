"""The schemas of all that a step may refer to, and the errors that they show before a run."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import (
    FieldError,
    InputReference,
    ItemReference,
    JsonObject,
    Reference,
    ValueReference,
)
from perplexity_connector.contract.flow import (
    ABSENT,
    Each,
    EachOfInput,
    EachOfStep,
)
from perplexity_connector.contract.json import pointer_tokens
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.host.flows.near_places import (
    near_in_schemas,
    no_list_error,
    no_pluck_error,
    no_value_error,
)
from perplexity_connector.host.flows.references import path_of
from perplexity_connector.host.flows.schema_paths import (
    item_schemas,
    places_at,
    types_of,
)

_MESSAGES = {
    "later_step": "Takes a value from a step that has not run yet. Move that step up.",
    "no_item": "Takes a value of an item, but the step has no `each`. Add one, or take another value.",
    "no_value": "Takes a value of the flow's inputs, but the flow has none. Add `inputs` to the flow.",
    "unknown_step": "Takes a value from a step that is not in this flow.",
}
# JSON names a type by the class of its values in Python. A boolean is not a number.
_TYPE_NAMES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What one step may refer to.

    * `outputs`: the output schemas of the steps before it by id; None for one that is not known.
    * `later`: the ids of the step itself and of those after it.
    * `inputs`: the schema of the flow's inputs; None for a flow without inputs.
    * `items`: the schemas of the item that it runs for; None without `each`.
    """

    outputs: Mapping[str, JsonObject | None]
    later: Collection[str] = ()
    inputs: JsonObject | None = None
    items: Sequence[JsonObject] | None = None

    def source_error(
        self, target: str, source: ValueReference | Each
    ) -> FieldError | None:
        """Return the error of a reference into a step, inputs or an item that is not there."""
        match source:
            case Reference() | EachOfStep() if source.step not in self.outputs:
                if source.step in self.later:
                    return _error(target, "later_step")
                near = did_you_mean(source.step, self.outputs)
                return _error(target, "unknown_step", near)
            case InputReference() | EachOfInput() if self.inputs is None:
                return _error(target, "no_value")
            case ItemReference() if self.items is None:
                return _error(target, "no_item")
        return None

    def place_errors(
        self, target: str, source: ValueReference | Each
    ) -> Iterator[FieldError]:
        """Yield the errors of a reference whose source is there."""
        places = self.places(source)
        if not places:
            near = near_in_schemas(self._roots(source), path_of(source))
            yield no_value_error(target, source, near)
        elif takes_list(source) and not _may_be_list(places):
            yield no_list_error(target, source)
        elif not isinstance(source, EachOfStep | EachOfInput) and source.pluck:
            items, path = item_schemas(places), pointer_tokens(source.pluck) or ()
            if not places_at(items, path):
                near = near_in_schemas(items, path)
                yield no_pluck_error(target, source, near)

    def places(self, source: ValueReference | Each) -> Sequence[JsonObject]:
        """Return the schemas of the place that a reference leads to; none if there cannot be a value."""
        return places_at(self._roots(source), path_of(source))

    def types(self, reference: ValueReference) -> frozenset[str]:
        """Return the types that the value of a reference may have; empty means unknown."""
        types = types_of(self.places(reference))
        if reference.join is not None:
            types = frozenset({"string"})
        elif reference.pluck is not None:
            types = frozenset({"array"})
        if not types or reference.default is ABSENT:
            return types
        default = _TYPE_NAMES.get(type(reference.default))
        return types | {default} if default else types

    def _roots(self, source: ValueReference | Each) -> Sequence[JsonObject]:
        match source:
            case Reference() | EachOfStep():
                # A step with an error of its own may have any output.
                found = self.outputs.get(source.step)
            case ItemReference():
                return self.items or ()
            case _:
                found = self.inputs
        return [{} if found is None else found]


def takes_list(source: ValueReference | Each) -> bool:
    """Return whether a reference is to a list, by its `pluck` or `join`, or as that of an `each`."""
    if isinstance(source, EachOfStep | EachOfInput):
        return True
    return source.pluck is not None or source.join is not None


def _may_be_list(places: Sequence[JsonObject]) -> bool:
    types = types_of(places)
    return not types or "array" in types


def _error(target: str, code: str, near: str = "") -> FieldError:
    return FieldError(pointer=target, code=code, message=f"{_MESSAGES[code]}{near}")
