"""Check a step of a flow before it runs, when the values of its references are not known yet.

A bound field counts as filled, but its value is not known yet. So the input is validated twice,
with the two most different values that the field's schema allows, and only errors found both times
are reported. Errors at a bound field, below it, or at an untyped parent of it are dropped too,
unless the schema has no such field. So are those of a list with several bound items, except for
their number: the items have the same placeholder, but may have different values.

So an enum, a pattern or a limit of a bound field is checked when the step runs, and a rule over
several fields as far as it can be.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from perplexity_connector.contract import (
    Binding,
    FieldError,
    FlowStep,
    Hint,
    JsonObject,
    JsonValue,
    Reference,
    ValueReference,
)
from perplexity_connector.contract.json import list_index, pointer_tokens
from perplexity_connector.host.flows.bindings import (
    apply_values,
    binding_error,
    target_errors,
    values_of,
)
from perplexity_connector.host.flows.checks.sources import Sources
from perplexity_connector.host.flows.references import (
    Values,
    has_value,
    lone_reference,
    references_of,
)
from perplexity_connector.host.flows.schemas.schema_paths import (
    are_disjoint,
    placeholders,
    schemas_at,
    types_of,
)

Validate: TypeAlias = Callable[[JsonObject], Sequence[FieldError]]
GiveHints: TypeAlias = Callable[[JsonObject], Sequence[Hint]]
_TEXT = frozenset({"string"})
# The errors of a list that the values of its items do not change.
_COUNTS = frozenset({"minItems", "maxItems"})


class StepCheck:
    """Finds the errors of one step.

    * `_step`: the step.
    * `_schema`: the schema of its input.
    * `_sources`: the schemas of the values that it may refer to.
    * `_known`: the values that are known already.
    * `_values`: the values of its bindings that are known, by target.
    * `_value_errors`: the errors of those bindings that are known to have none.
    * `_open`: its bindings without a known value, by target.
    """

    def __init__(
        self,
        step: FlowStep,
        schema: JsonObject,
        sources: Sources,
        known: Values,
    ) -> None:
        """Separate the bindings whose values are known from the others."""
        self._step = step
        self._schema = schema
        self._sources = sources
        self._known = known
        settled = {
            target: binding
            for target, binding in step.bindings.items()
            if all(map(known.have, references_of(binding)))
        }
        self._values, self._value_errors = values_of(settled, known, schema)
        self._open = {
            target: binding
            for target, binding in step.bindings.items()
            if target not in self._values
        }

    @property
    def is_open(self) -> bool:
        """Whether a value of the input is not known yet."""
        return bool(self._open)

    def errors(self, validate: Validate) -> list[FieldError]:
        """Return every error that does not depend on a value; `validate` checks an input."""
        # The known bindings have their values since `__init__`. The others get placeholders.
        errors = self._binding_errors()
        inputs, no_places = self.trial_inputs()
        common = _common_errors([validate(trial) for trial in inputs])
        certain = [error for error in common if self._is_certain(error)]
        return [*errors, *no_places, *certain]

    def hints(self, give: GiveHints) -> list[Hint]:
        """Return every hint that does not depend on a value; `give` returns those for an input."""
        inputs, _ = self.trial_inputs()
        first, *others = [give(trial) for trial in inputs]
        common = [hint for hint in first if all(hint in each for each in others)]
        return [hint for hint in common if self._is_certain(hint)]

    def _binding_errors(self) -> list[FieldError]:
        errors = target_errors(self._step)
        for target, binding in self._step.bindings.items():
            found = [
                error
                for reference in references_of(binding)
                for error in self._reference_errors(target, reference)
            ]
            errors += found or self._errors_of_value(target, binding)
        return errors

    def _reference_errors(
        self, target: str, reference: ValueReference
    ) -> list[FieldError]:
        if error := self._sources.source_error(target, reference):
            return [error]
        if isinstance(reference, Reference) and has_value(reference, self._known):
            # An output that is there says more than its schema.
            return []
        return list(self._sources.place_errors(target, reference))

    def _errors_of_value(self, target: str, binding: Binding) -> list[FieldError]:
        if target in self._values:
            return []
        if found := [each for each in self._value_errors if each.pointer == target]:
            return found
        allowed = types_of(self._target_schemas(target))
        wrong = are_disjoint(self._types(binding), allowed)
        return [binding_error(target, "type")] if wrong else []

    def trial_inputs(self) -> tuple[list[JsonObject], list[FieldError]]:
        """Return the input with one, then the other placeholder of each value that is not known.

        Also return the errors of the targets that cannot be set. If all values are known, one input
        is enough.
        """
        pairs = {
            target: placeholders(self._target_schemas(target), self._types(binding))
            for target, binding in self._open.items()
        }
        first, errors = self._with_values({at: pair[0] for at, pair in pairs.items()})
        if not pairs:
            return [first], errors
        second, _ = self._with_values({at: pair[1] for at, pair in pairs.items()})
        return [first, second], errors

    def _with_values(
        self,
        values: Mapping[str, JsonValue],
    ) -> tuple[JsonObject, list[FieldError]]:
        return apply_values(self._step.input, {**self._values, **values})  # type: ignore[arg-type] # a flow is plain JSON

    def _is_certain(self, error: FieldError | Hint) -> bool:
        """Return whether no value of a reference could remove the error or hint."""
        is_open = any(self._could_remove(target, error) for target in self._open)
        return not is_open and not self._is_between_items(error)

    def _is_between_items(self, error: FieldError | Hint) -> bool:
        """Return whether it may be there only because bound items have the same placeholder."""
        if isinstance(error, FieldError) and error.code in _COUNTS:
            return False
        places = [target.rpartition("/") for target in self._open]
        items = [name for place, _, name in places if place == error.pointer]
        return sum(list_index(name) is not None for name in items) > 1

    def _could_remove(self, target: str, error: FieldError | Hint) -> bool:
        schemas = self._target_schemas(target)
        if error.pointer == target or error.pointer.startswith(f"{target}/"):
            return bool(schemas)
        # No placeholder is a fair guess inside raw JSON, and its parent is judged as a whole.
        is_untyped = bool(schemas) and not types_of(schemas)
        return is_untyped and target.startswith(f"{error.pointer}/")

    def _types(self, binding: Binding) -> frozenset[str]:
        """Return the types that the value of a binding may have; empty means unknown."""
        reference = lone_reference(binding)
        if reference is None:
            return _TEXT
        types = self._sources.types(reference)
        # A lone text may be a JSON list, which is read where the target takes a list.
        return types | {"array"} if "string" in types else types

    def _target_schemas(self, target: str) -> Sequence[JsonObject]:
        return schemas_at(self._schema, pointer_tokens(target) or ())


def _common_errors(trials: Sequence[Sequence[FieldError]]) -> list[FieldError]:
    """Return the first trial's errors whose place and code all other trials found too."""
    common = set.intersection(*({_key(each) for each in errors} for errors in trials))
    return [error for error in trials[0] if _key(error) in common]


def _key(error: FieldError) -> tuple[str, str]:
    return error.pointer, error.code
