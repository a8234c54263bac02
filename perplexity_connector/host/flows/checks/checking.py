"""Find the errors of a flow before anything is sent, its hints, and the prices of its steps."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.contract import (
    ConnectorError,
    CostEstimate,
    FieldError,
    Flow,
    FlowStep,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.flow import EachOfStep
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.flows.checks.prices import StepEstimate
from perplexity_connector.host.flows.checks.sources import Sources
from perplexity_connector.host.flows.checks.step_check import StepCheck
from perplexity_connector.host.flows.each import items_of
from perplexity_connector.host.flows.parts import Part
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.flows.schemas.local_references import resolved
from perplexity_connector.host.flows.schemas.outputs import output_schema_of
from perplexity_connector.host.flows.schemas.schema_paths import item_schemas
from perplexity_connector.host.runs.params import GivenConnection
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.spending.prices import UNKNOWN_PRICE

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        FlowHintDocument,
        Hint,
        SchemasDocument,
    )

# An error, and the step that it is in; without a step, its pointer leads into the flow.
Problem: TypeAlias = tuple[FlowStep | None, FieldError]
Connections: TypeAlias = Mapping[str, GivenConnection]
_Describe: TypeAlias = Callable[[str, str, int | None], "ActionDescription"]
# References that may lead anywhere.
_ANYWHERE = Sources(outputs={}, inputs={}, items=[{}])


class FlowCheck:
    """Checks flows: the catalogue describes their actions, and the runs validate inputs."""

    def __init__(self, catalogue: Catalogue, runs: Runs) -> None:
        """Use the catalogue and the runs of the host."""
        self._catalogue = catalogue
        self._runs = runs

    def problems(
        self, flow: Flow, part: Part, known: Values, connections: Connections
    ) -> list[Problem]:
        """Return everything that is surely wrong with the steps of a part.

        `known` has the kept outputs and the inputs, as far as they are known: a binding whose
        values are known is checked with them.
        """
        problems: list[Problem] = []
        describe = functools.cache(self._catalogue.describe)
        known = _before(part, known)
        for step, sources in _with_sources(flow, part, describe):
            place = f"/steps/{flow.steps.index(step)}/each"
            of_list = _each_errors(step, sources, known, place)
            problems += [(None, error) for error in of_list]
            errors = self._step_errors(step, sources, known, connections, describe)
            problems += [(step, error) for error in errors]
        return problems

    def hints(self, flow: Flow) -> "list[FlowHintDocument]":
        """See `Host.flow_hints`."""
        return [
            {"step": step.id, "pointer": hint.pointer, "message": hint.message}
            for step in flow.steps
            for hint in self._step_hints(step)
        ]

    def estimates(self, flow: Flow, part: Part, known: Values) -> list[StepEstimate]:
        """Return the prices of the runs of a part without errors, as far as its values are known."""
        describe = functools.cache(self._catalogue.describe)
        known = _before(part, known)
        return [
            estimate
            for step, sources in _with_sources(flow, part, describe)
            for estimate in self._step_estimates(step, sources, known, describe)
        ]

    def schemas(self, step: FlowStep) -> "SchemasDocument":
        """Return the schemas of a step's action. Raises `ConnectorError` (`not_found`, `internal`)."""
        return _describe_step(step, self._catalogue.describe)["schemas"]

    def output_schema(self, step: FlowStep) -> JsonObject:
        """Return the schema of a step's output: with `each`, that of its items. Raises as `schemas` does."""
        return _output_schema(step, self._catalogue.describe)

    def _step_errors(
        self,
        step: FlowStep,
        sources: Sources,
        known: Values,
        connections: Connections,
        describe: _Describe,
    ) -> list[FieldError]:
        errors: list[FieldError] = []
        try:
            schema = _describe_step(step, describe)["schemas"]["input"]
            errors += self._input_errors(step, schema, sources, known)
            if step.connection is not None and step.connector not in connections:
                self._runs.connections.fields(step.connection, step.connector)
        except ConnectorError as error:
            code, message = error.code.value, error.user_message
            errors.append(FieldError(pointer="", code=code, message=message))
        return errors

    def _input_errors(
        self, step: FlowStep, schema: JsonObject, sources: Sources, known: Values
    ) -> Sequence[FieldError]:
        def errors_with(values: Values) -> Sequence[FieldError]:
            check = StepCheck(step, schema, sources, values)
            return check.errors(functools.partial(self._validate, step))

        if errors := errors_with(known):
            return errors
        items = _known_items(step, known)
        return _errors_of_items(
            step, [errors_with(replace(known, item=item)) for item in items]
        )

    def _step_hints(self, step: FlowStep) -> "Sequence[Hint]":
        try:
            schema = self.schemas(step)["input"]
            check = StepCheck(step, schema, _ANYWHERE, Values())
            return check.hints(functools.partial(self._hints, step))
        except ConnectorError:
            # That is an error of the step, see `problems`.
            return ()

    def _step_estimates(
        self, step: FlowStep, sources: Sources, known: Values, describe: _Describe
    ) -> Iterator[StepEstimate]:
        schema = _describe_step(step, describe)["schemas"]["input"]
        for values, runs in _runs_of(step, known):
            check = StepCheck(step, schema, sources, values)
            estimate = self._estimate(step, check)
            yield StepEstimate(step=step, estimate=estimate, runs=runs)

    def _estimate(self, step: FlowStep, check: StepCheck) -> CostEstimate:
        """Return the highest price of the trial inputs."""
        trials, _ = check.trial_inputs()
        prices = [self._price(step, trial) for trial in trials]
        valid = [price for price in prices if price is not None]
        dearest = max(valid, key=lambda each: each.worst, default=UNKNOWN_PRICE)
        # The value may be longer than the one that was tried.
        return replace(dearest, basis="estimate") if check.is_open else dearest

    def _price(self, step: FlowStep, input: JsonObject) -> CostEstimate | None:
        where = (step.connector, step.action)
        errors, estimate = self._runs.appraise(*where, input, step.version)
        return None if errors else estimate

    def _hints(self, step: FlowStep, input: JsonObject) -> "Sequence[Hint]":
        # The hints for an empty input are about all inputs, and not about this one.
        where = (step.connector, step.action)
        return self._runs.hints(*where, input, step.version) if input else ()

    def _validate(self, step: FlowStep, input: JsonObject) -> list[FieldError]:
        return self._runs.validate(step.connector, step.action, input, step.version)


def errors_in_flow(flow: Flow, problems: Sequence[Problem]) -> list[FieldError]:
    """Return the errors with pointers that lead into the flow."""
    indexes = {step.id: index for index, step in enumerate(flow.steps)}

    def in_flow(step: FlowStep | None, error: FieldError) -> FieldError:
        if step is None:
            return error
        inside = f"/input{error.pointer}" if error.pointer else ""
        return replace(error, pointer=f"/steps/{indexes[step.id]}{inside}")

    return [in_flow(step, error) for step, error in problems]


def _before(part: Part, known: Values) -> Values:
    """Return the known values without outputs of steps that are not before the part."""
    before = {step.id for step in part.before}
    outputs = {step: at for step, at in known.outputs.items() if step in before}
    return replace(known, outputs=outputs)


def _with_sources(
    flow: Flow, part: Part, describe: _Describe
) -> Iterator[tuple[FlowStep, Sources]]:
    """Yield each step of a part, and its sources."""
    inputs = None if flow.inputs is None else resolved(flow.inputs)  # type: ignore[arg-type] # a flow is plain JSON
    outputs = {step.id: _output_or_none(step, describe) for step in part.before}
    ids = [step.id for step in flow.steps]
    for step in part.steps:
        sources = Sources(outputs=outputs, later=ids[len(outputs) :], inputs=inputs)
        yield step, _with_items(step, sources)
        outputs = {**outputs, step.id: _output_or_none(step, describe)}


def _with_items(step: FlowStep, sources: Sources) -> Sources:
    if step.each is None:
        return sources
    # The items of a wrong list may be anything.
    return replace(sources, items=item_schemas(sources.places(step.each)) or [{}])


def _each_errors(
    step: FlowStep, sources: Sources, known: Values, place: str
) -> Sequence[FieldError]:
    if step.each is None:
        return ()
    is_of_step = isinstance(step.each, EachOfStep)
    source = f"{place}/{'step' if is_of_step else 'input'}"
    if error := sources.source_error(source, step.each):
        return [error]
    pointer = f"{place}/{'pointer' if is_of_step else 'input'}"
    if errors := list(sources.place_errors(pointer, step.each)):
        return errors
    # The author lets the flow go on without a list that cannot be used.
    if not known.have(step.each) or step.on_failure == "continue":
        return ()
    _, errors = items_of(step, known)
    return [replace(error, pointer=pointer) for error in errors]


def _known_items(step: FlowStep, known: Values) -> Sequence[JsonValue]:
    if step.each is None or not known.have(step.each):
        return ()
    items, _ = items_of(step, known)
    return items


def _errors_of_items(
    step: FlowStep, found: Sequence[Sequence[FieldError]]
) -> Sequence[FieldError]:
    """Return the errors of the first item that has some; `found` has those of each item.

    If the flow may go on without an item, they count only if all items have some.
    """
    wrong = [(index, errors) for index, errors in enumerate(found) if errors]
    continues = step.on_failure == "continue" or (
        step.each is not None and step.each.on_failure == "continue"
    )
    if not wrong or (continues and len(wrong) < len(found)):
        return ()
    index, errors = wrong[0]
    return [
        replace(error, message=f"Item {index}: {error.message}") for error in errors
    ]


def _output_or_none(step: FlowStep, describe: _Describe) -> JsonObject | None:
    try:
        return _output_schema(step, describe)
    except ConnectorError:
        # That is an error of the step, see `problems`.
        return None


def _output_schema(step: FlowStep, describe: _Describe) -> JsonObject:
    found = _describe_step(step, describe)
    own = found["action"]["author_schemas"]
    return output_schema_of(step, found["schemas"]["output"], own)


def _describe_step(step: FlowStep, describe: _Describe) -> "ActionDescription":
    return describe(step.connector, step.action, step.version)


def _runs_of(step: FlowStep, known: Values) -> Sequence[tuple[Values, int]]:
    """Return the values of each run of a step, and how often it runs with them at most."""
    if step.each is None:
        return [(known, 1)]
    if not known.have(step.each):
        return [(known, step.each.max)]
    # A list that cannot be used sends nothing.
    return [(replace(known, item=item), 1) for item in _known_items(step, known)]
