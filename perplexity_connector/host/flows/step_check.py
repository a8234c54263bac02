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
)
from perplexity_connector.contract.json import list_index, pointer_tokens
from perplexity_connector.host.flows.bindings import (
    apply_values,
    binding_error,
    binding_errors,
    binding_value,
    lone_reference,
    read_lone_text,
)
from perplexity_connector.host.flows.schema_paths import (
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
    * `_outputs`: the output schemas of the steps before it by id; None for an unknown one.
    * `_later`: the ids of the steps after it.
    * `_texts`: its bindings of text only, by target: their values are known.
    * `_references`: its other bindings, by target.
    """

    def __init__(
        self,
        step: FlowStep,
        schema: JsonObject,
        outputs: Mapping[str, JsonObject | None],
        later: Sequence[str],
    ) -> None:
        """Separate the bindings of text only from the others."""
        self._step = step
        self._schema = schema
        self._outputs = outputs
        self._later = later
        self._references = {
            target: binding
            for target, binding in step.bindings.items()
            if any(isinstance(part, Reference) for part in binding)
        }
        self._texts = {
            target: read_lone_text(
                binding, binding_value(binding, {}), self._target_schemas(target)
            )
            for target, binding in step.bindings.items()
            if target not in self._references
        }

    def errors(self, validate: Validate) -> list[FieldError]:
        """Return every error that does not depend on a value; `validate` checks an input."""
        # The bindings of text only have their values since `__init__`. The others get placeholders.
        errors = self._binding_errors()
        inputs, target_errors = self._trial_inputs()
        common = _common_errors([validate(trial) for trial in inputs])
        certain = [error for error in common if self._is_certain(error)]
        return [*errors, *target_errors, *certain]

    def hints(self, give: GiveHints) -> list[Hint]:
        """Return every hint that does not depend on a value; `give` returns those for an input."""
        inputs, _ = self._trial_inputs()
        first, *others = [give(trial) for trial in inputs]
        common = [hint for hint in first if all(hint in each for each in others)]
        return [hint for hint in common if self._is_certain(hint)]

    def _binding_errors(self) -> list[FieldError]:
        errors = binding_errors(self._step, self._outputs, self._later)
        for target, binding in self._references.items():
            allowed = types_of(self._target_schemas(target))
            if not self._has_value(binding):
                errors.append(binding_error(target, "no_value"))
            elif are_disjoint(self._types(binding), allowed):
                errors.append(binding_error(target, "type"))
        return errors

    def _trial_inputs(self) -> tuple[list[JsonObject], list[FieldError]]:
        """Return the input with one, then the other placeholder of each reference.

        Also return the errors of the targets that cannot be set. Without references, one input is
        enough.
        """
        pairs = {
            target: placeholders(self._target_schemas(target), self._types(binding))
            for target, binding in self._references.items()
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
        return apply_values(self._step.input, {**self._texts, **values})  # type: ignore[arg-type] # a flow is plain JSON

    def _is_certain(self, error: FieldError | Hint) -> bool:
        """Return whether no value of a reference could remove the error or hint."""
        targets = self._references
        is_open = any(self._could_remove(target, error) for target in targets)
        return not is_open and not self._is_between_items(error)

    def _is_between_items(self, error: FieldError | Hint) -> bool:
        """Return whether it may be there only because bound items have the same placeholder."""
        if isinstance(error, FieldError) and error.code in _COUNTS:
            return False
        places = [target.rpartition("/") for target in self._references]
        items = [name for place, _, name in places if place == error.pointer]
        return sum(list_index(name) is not None for name in items) > 1

    def _could_remove(self, target: str, error: FieldError | Hint) -> bool:
        schemas = self._target_schemas(target)
        if error.pointer == target or error.pointer.startswith(f"{target}/"):
            return bool(schemas)
        # No placeholder is a fair guess inside raw JSON, and its parent is judged as a whole.
        is_untyped = bool(schemas) and not types_of(schemas)
        return is_untyped and target.startswith(f"{error.pointer}/")

    def _has_value(self, binding: Binding) -> bool:
        """Return whether the earlier outputs may have every value that is referenced."""
        references = [part for part in binding if isinstance(part, Reference)]
        return all(self._output_schemas(reference) for reference in references)

    def _types(self, binding: Binding) -> frozenset[str]:
        """Return the types that the value of a binding may have; empty means unknown."""
        reference = lone_reference(binding)
        if reference is None:
            return _TEXT
        types = types_of(self._output_schemas(reference))
        # A lone text may be a JSON list, which is read where the target takes a list.
        return types | {"array"} if "string" in types else types

    def _output_schemas(self, reference: Reference) -> Sequence[JsonObject]:
        schema = self._outputs.get(reference.step)
        # An unknown step or action has an error of its own. Its output may be anything.
        if schema is None:
            return [{}]
        return schemas_at(schema, pointer_tokens(reference.pointer) or ())

    def _target_schemas(self, target: str) -> Sequence[JsonObject]:
        return schemas_at(self._schema, pointer_tokens(target) or ())


def _common_errors(trials: Sequence[Sequence[FieldError]]) -> list[FieldError]:
    """Return the first trial's errors whose place and code all other trials found too."""
    common = set.intersection(*({_key(each) for each in errors} for errors in trials))
    return [error for error in trials[0] if _key(error) in common]


def _key(error: FieldError) -> tuple[str, str]:
    return error.pointer, error.code
