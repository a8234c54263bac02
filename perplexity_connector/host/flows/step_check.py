"""What is wrong with a step of a flow before it runs, when the values that it takes from others are not known yet.

A bound place counts as filled. Two placeholders, as far apart as the field's schema tells, stand in for its value in
turn, and what is wrong with only one of them is not said: it hangs on the value. Neither is what is wrong at the bound
place or below it, unless the input's schema has no such place, nor around it where it stands in raw JSON. So an enum, a
pattern or a limit at a bound field is checked when the step runs, and a rule over several fields as far as it can be.
"""

from collections.abc import Callable, Mapping, Sequence

from perplexity_connector.contract import (
    Binding,
    FieldError,
    FlowStep,
    JsonObject,
    Reference,
)
from perplexity_connector.contract.json import pointer_tokens
from perplexity_connector.host.flows.bindings import (
    apply_values,
    binding_errors,
    is_reference,
    value_of,
)
from perplexity_connector.host.flows.schema_paths import (
    are_apart,
    kinds,
    placeholders,
    schemas_at,
)

_TEXT = frozenset({"string"})


class StepCheck:
    """One step, the output schemas of the steps before it by id (None where it is not known), and the ids after it."""

    def __init__(
        self,
        step: FlowStep,
        schema: JsonObject,
        earlier: Mapping[str, JsonObject | None],
        later: Sequence[str],
    ) -> None:
        """Check that step; `schema` is that of its input."""
        self._step = step
        self._schema = schema
        self._earlier = earlier
        self._later = later

    def errors(
        self, validate: Callable[[JsonObject], Sequence[FieldError]]
    ) -> list[FieldError]:
        """Everything that is sure to be wrong: the bindings, and what `validate` says of the input with them filled."""
        wrong = binding_errors(self._step, list(self._earlier), self._later)
        known = {
            place: parts
            for place, parts in self._step.bindings.items()
            if all(_is_text(part) for part in parts)
        }
        awaited = {
            place: parts
            for place, parts in self._step.bindings.items()
            if place not in known
        }
        sources = {place: self._given(parts) for place, parts in awaited.items()}
        wrong += [
            error
            for place, parts in awaited.items()
            for error in self._untaken(place, parts, sources[place])
        ]
        texts = {place: value_of(parts, {}) for place, parts in known.items()}
        guesses = {
            place: placeholders(self._taken(place), given)
            for place, given in sources.items()
        }
        rounds = [
            {place: pair[turn] for place, pair in guesses.items()}
            for turn in ((0, 1) if guesses else (0,))
        ]
        inputs = [apply_values(self._step.input, texts | values) for values in rounds]  # type: ignore[arg-type] # plain JSON
        wrong += inputs[0][1]
        found = [validate(whole) for whole, _ in inputs]
        everywhere = set.intersection(
            *({_key(error) for error in errors} for errors in found)
        )
        sure = [error for error in found[0] if _key(error) in everywhere]
        return [
            *wrong,
            *(
                error
                for error in sure
                if not any(self._hangs_on(error, place) for place in awaited)
            ),
        ]

    def _hangs_on(self, error: FieldError, place: str) -> bool:
        """Whether what is wrong may be right with the value that this place will have."""
        taken = self._taken(place)
        if error.pointer == place or error.pointer.startswith(f"{place}/"):
            return bool(taken)
        # Of a place in raw JSON no placeholder is a fair guess, and its owner judges the whole of it.
        return (
            bool(taken) and not kinds(taken) and place.startswith(f"{error.pointer}/")
        )

    def _untaken(
        self, place: str, binding: Binding, given: frozenset[str]
    ) -> list[FieldError]:
        references = [part for part in binding if isinstance(part, Reference)]
        if not all(self._sources(part) for part in references):
            message = "The earlier step's output has no such place."
            return [FieldError(pointer=place, code="no_value", message=message)]
        if are_apart(given, kinds(self._taken(place))):
            message = "What is bound here is of another type than this field takes."
            return [FieldError(pointer=place, code="type", message=message)]
        return []

    def _given(self, binding: Binding) -> frozenset[str]:
        part = binding[0]
        return (
            kinds(self._sources(part))
            if is_reference(binding) and isinstance(part, Reference)
            else _TEXT
        )

    def _sources(self, part: Reference) -> Sequence[JsonObject]:
        schema = self._earlier.get(part.step)
        # Of a step that is not there, or cannot be described, something else is said already.
        return (
            [{}]
            if schema is None
            else schemas_at(schema, pointer_tokens(part.pointer) or ())
        )

    def _taken(self, place: str) -> Sequence[JsonObject]:
        return schemas_at(self._schema, pointer_tokens(place) or ())


def _is_text(part: str | Reference) -> bool:
    return isinstance(part, str)


def _key(error: FieldError) -> tuple[str, str]:
    return error.pointer, error.code
