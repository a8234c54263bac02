"""Flows: parse a saved one, find its errors, run its steps in order."""

import functools
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from perplexity_connector.contract import (
    FLOW_VERSION,
    ConnectorError,
    FieldError,
    Flow,
    FlowStep,
    JsonObject,
    JsonValue,
    Reference,
)
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.flows.bindings import apply_bindings, invalid_pointers
from perplexity_connector.host.flows.params import FlowOptions, StepRun
from perplexity_connector.host.flows.step_check import StepCheck
from perplexity_connector.host.runs.params import GivenConnection, RunOptions
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.validation.arguments import (
    as_seconds,
    require_connection,
    require_function,
    require_mapping,
)
from perplexity_connector.host.validation.schema_validator import (
    SchemaValidator,
    invalid_input_error,
)
from perplexity_connector.host.validation.to_json import to_json

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        FlowDocument,
        FlowErrorDocument,
        FlowHintDocument,
        FlowItem,
        Hint,
        RunStatusName,
        SchemasDocument,
        StreamItem,
    )

# An error, and the step that it is in; without a step, its pointer leads into the flow.
Problem: TypeAlias = tuple[FlowStep | None, FieldError]
Connections: TypeAlias = Mapping[str, GivenConnection]


class Flows:
    """The flows of one host. The catalogue describes actions; the runs validate and run them."""

    def __init__(self, catalogue: Catalogue, runs: Runs) -> None:
        """Use the catalogue and the runs of the host."""
        self._catalogue = catalogue
        self._runs = runs

    def errors(
        self,
        document: JsonObject,
        connections: Connections | None,
    ) -> "list[FlowErrorDocument]":
        """See `Host.validate_flow`."""
        _, problems = self._parse(document, connections or {})
        return [
            {
                "step": step.id if step else None,
                "pointer": error.pointer,
                "code": error.code,
                "message": error.message,
            }
            for step, error in problems
        ]

    def hints(self, document: JsonObject) -> "list[FlowHintDocument]":
        """See `Host.flow_hints`."""
        flow, errors = self._read(document)
        steps = () if errors else flow.steps
        return [
            {"step": step.id, "pointer": hint.pointer, "message": hint.message}
            for step in steps
            for hint in self._step_hints(step)
        ]

    async def run(self, document: JsonObject, options: FlowOptions) -> "FlowDocument":
        """See `Host.run_flow`."""
        flow: FlowDocument = {
            "flow_version": FLOW_VERSION,
            "status": "succeeded",
            "steps": [],
        }
        async with aclosing(self.stream(document, options)) as items:
            async for item in items:
                if item["type"] == "step.finished":
                    step, envelope = item["step"], item["envelope"]
                    flow["steps"].append({"id": step, "envelope": envelope})
                    flow["status"] = envelope["status"]
        return flow

    async def stream(
        self,
        document: JsonObject,
        options: FlowOptions,
    ) -> "AsyncGenerator[FlowItem, None]":
        """See `Host.stream_flow`."""
        _check_options(options)
        flow = self._parse_valid(document, options.get("connections") or {})
        outputs: dict[str, JsonValue] = {}
        status: RunStatusName = "succeeded"
        for step in flow.steps:
            run_id = new_run_id()
            yield {
                "type": "step.started",
                "step": step.id,
                "run_id": run_id,
                "action": step.action,
            }
            items = self._stream_step(step, run_id, outputs, options)
            async with aclosing(items):
                async for item in items:
                    if item["type"] == "run.finished":
                        envelope = item["envelope"]
                        yield {
                            "type": "step.finished",
                            "step": step.id,
                            "envelope": envelope,
                        }
                        status = envelope["status"]
                        outputs[step.id] = envelope["output"]
                    else:
                        item["step"] = step.id
                        yield item
            if status != "succeeded":
                break
        yield {"type": "flow.finished", "status": status}

    def _stream_step(
        self,
        step: FlowStep,
        run_id: str,
        outputs: Mapping[str, JsonValue],
        options: FlowOptions,
    ) -> "AsyncGenerator[StreamItem, None]":
        schema = self._schemas(step)["input"]
        bound, errors = apply_bindings(step, outputs, schema)
        connections = options.get("connections") or {}
        run = StepRun(
            run_id=run_id,
            connector=step.connector,
            action=step.action,
            version=self._catalogue.action_version(
                step.connector,
                step.action,
                step.version,
            ),
            input=bound,
            connection=connections.get(step.connector, step.connection),
        )
        if errors:
            return _stream_failure(run, errors)
        return self._runs.stream(
            run.connector,
            run.action,
            run.input,
            _run_options(run, options),
        )

    def _parse_valid(self, document: JsonObject, connections: Connections) -> Flow:
        flow, problems = self._parse(document, connections)
        if problems:
            indexes = {step.id: index for index, step in enumerate(flow.steps)}
            errors = [_error_in_flow(step, error, indexes) for step, error in problems]
            raise invalid_input_error(errors, "The flow")
        return flow

    def _parse(
        self,
        document: JsonObject,
        connections: Connections,
    ) -> tuple[Flow, list[Problem]]:
        require_mapping("connections", connections)
        for connector, connection in connections.items():
            require_connection(f"connections[{connector!r}]", connection)
        flow, errors = self._read(document)
        if errors:
            return flow, [(None, error) for error in errors]
        return flow, self._step_problems(flow, connections)

    def _read(self, document: JsonObject) -> tuple[Flow, list[FieldError]]:
        """Return a saved flow, and the errors that are in none of its steps."""
        plain = to_json(document)
        flow = Flow(flow_version=1, steps=())
        errors = self._flow_validator.errors(plain)
        if not errors:
            flow = _to_flow(as_object(plain.value))
            errors = [*_id_errors(flow), *_pointer_errors(flow)]
        return flow, errors

    @functools.cached_property
    def _flow_validator(self) -> SchemaValidator:
        from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and the palette needs none of it

        return SchemaValidator(TypeAdapter(Flow).json_schema())

    def _step_problems(self, flow: Flow, connections: Connections) -> list[Problem]:
        problems: list[Problem] = []
        outputs: dict[str, JsonObject | None] = {}
        ids = [step.id for step in flow.steps]
        for number, step in enumerate(flow.steps, start=1):
            output = None
            errors: list[FieldError] = []
            try:
                schemas = self._schemas(step)
                output = schemas["output"]
                check = StepCheck(
                    step,
                    schemas["input"],
                    outputs,
                    ids[number:],
                )
                errors += check.errors(functools.partial(self._validate, step))
                self._require_connection(step, connections)
            except ConnectorError as error:
                code = error.code.value
                errors.append(_field_error("", code, error.user_message))
            outputs[step.id] = output
            problems += [(step, error) for error in errors]
        return problems

    def _step_hints(self, step: FlowStep) -> "Sequence[Hint]":
        try:
            schema = self._schemas(step)["input"]
            # The outputs of earlier steps count as unknown.
            check = StepCheck(step, schema, {}, ())
            return check.hints(functools.partial(self._hints, step))
        except ConnectorError:
            # That is an error of the step, see `_step_problems`.
            return ()

    def _hints(self, step: FlowStep, input: JsonObject) -> "Sequence[Hint]":
        # The hints for an empty input are about all inputs, and not about this one.
        where = (step.connector, step.action)
        return self._runs.hints(*where, input, step.version) if input else ()

    def _schemas(self, step: FlowStep) -> "SchemasDocument":
        found = self._catalogue.describe(step.connector, step.action, step.version)
        return found["schemas"]

    def _validate(self, step: FlowStep, input: JsonObject) -> list[FieldError]:
        return self._runs.validate(step.connector, step.action, input, step.version)

    def _require_connection(self, step: FlowStep, connections: Connections) -> None:
        if step.connection is not None and step.connector not in connections:
            self._runs.connections.fields(step.connection, step.connector)


def _check_options(options: FlowOptions) -> None:
    if unknown := options.keys() - FlowOptions.__annotations__.keys():
        message = f"a flow has no option {', '.join(unknown)}"
        raise TypeError(message)
    if (timeout := options.get("timeout")) is not None:
        as_seconds("timeout", timeout)
    if (keep := options.get("on_checkpoint")) is not None:
        require_function("on_checkpoint", keep)


def _to_flow(document: JsonObject) -> Flow:
    steps: Any = document["steps"]
    return Flow(flow_version=1, steps=[_to_step(step) for step in steps])


def _to_step(document: dict[str, Any]) -> FlowStep:
    bindings = {
        target: [_to_part(part) for part in parts]
        for target, parts in document.get("bindings", {}).items()
    }
    return FlowStep(**{**document, "bindings": bindings})


def _to_part(part: str | dict[str, str]) -> str | Reference:
    return part if isinstance(part, str) else Reference(**part)


def _id_errors(flow: Flow) -> list[FieldError]:
    errors = []
    seen: set[str] = set()
    for index, step in enumerate(flow.steps):
        pointer = f"/steps/{index}/id"
        if not step.id:
            errors.append(_field_error(pointer, "minLength", "Must not be empty."))
        elif step.id in seen:
            message = "Another step has this id."
            errors.append(_field_error(pointer, "uniqueItems", message))
        seen.add(step.id)
    return errors


def _pointer_errors(flow: Flow) -> list[FieldError]:
    message = (
        "Must be a JSON Pointer, such as /messages/0/content, or empty for the whole."
    )
    return [
        _field_error(pointer, "format", message)
        for index, step in enumerate(flow.steps)
        for pointer in invalid_pointers(step.bindings, f"/steps/{index}/bindings")
    ]


def _field_error(pointer: str, code: str, message: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, message=message)


def _error_in_flow(
    step: FlowStep | None,
    error: FieldError,
    indexes: Mapping[str, int],
) -> FieldError:
    """Return the error with a pointer that leads into the flow."""
    if step is None:
        return error
    inside = f"/input{error.pointer}" if error.pointer else ""
    return replace(error, pointer=f"/steps/{indexes[step.id]}{inside}")


def _run_options(run: StepRun, options: FlowOptions) -> RunOptions:
    keep = options.get("on_checkpoint")
    return RunOptions(
        version=run.version,
        connection=run.connection,
        timeout=options.get("timeout"),
        run_id=run.run_id,
        on_checkpoint=None if keep is None else functools.partial(keep, run),
    )


async def _stream_failure(
    run: StepRun,
    errors: Sequence[FieldError],
) -> "AsyncGenerator[StreamItem, None]":
    record = RunRecord(
        connector=run.connector,
        action=run.action,
        version=run.version,
        run_id=run.run_id,
    )
    envelope = record.failure_envelope(invalid_input_error(errors, "The input"))
    yield {"type": "run.finished", "envelope": envelope}
