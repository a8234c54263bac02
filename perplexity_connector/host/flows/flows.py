"""Flows: read a saved one, say what is wrong with it, run its steps in order."""

import functools
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias, cast

from perplexity_connector.contract import (
    FLOW_VERSION,
    ConnectorError,
    FieldError,
    Flow,
    FlowStep,
    JsonObject,
    JsonValue,
    Reference,
    RunStatus,
)
from perplexity_connector.contract.json import Document, new_run_id
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.flows.bindings import apply_bindings, malformed
from perplexity_connector.host.flows.params import FlowOptions, StepRun
from perplexity_connector.host.flows.step_check import StepCheck
from perplexity_connector.host.runs.params import GivenConnection, RunOptions
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.validation.schema_validator import (
    SchemaValidator,
    invalid_input_error,
)
from perplexity_connector.host.validation.to_json import to_json

Problem: TypeAlias = tuple[FlowStep | None, FieldError]
Connections: TypeAlias = Mapping[str, GivenConnection]
_MALFORMED = (
    "Must be a JSON Pointer, such as /messages/0/content, or empty for the whole."
)


class Flows:
    """The flows of one host."""

    def __init__(self, catalogue: Catalogue, runs: Runs) -> None:
        """Describe actions with the catalogue; validate and run them with `runs`."""
        self._catalogue = catalogue
        self._runs = runs

    def errors(
        self, document: JsonObject, connections: Connections | None
    ) -> list[Document]:
        """See `Host.validate_flow`."""
        _, problems = self._read(document, connections or {})
        return [_told(step, error) for step, error in problems]

    async def run(self, document: JsonObject, options: FlowOptions) -> Document:
        """See `Host.run_flow`."""
        status: JsonValue = None
        steps: list[JsonValue] = []
        async with aclosing(self.stream(document, options)) as items:
            async for item in items:
                if item["type"] == "step.finished":
                    steps.append({"id": item["step"], "envelope": item["envelope"]})
                status = item.get("status")
        return {"flow_version": FLOW_VERSION, "status": status, "steps": steps}

    async def stream(
        self, document: JsonObject, options: FlowOptions
    ) -> AsyncGenerator[Document, None]:
        """See `Host.stream_flow`."""
        flow = self._accepted(document, options.get("connections") or {})
        outputs: dict[str, JsonValue] = {}
        status: JsonValue = RunStatus.SUCCEEDED.value
        for step in flow.steps:
            run_id, envelope = new_run_id(), Document()
            yield {
                "type": "step.started",
                "step": step.id,
                "run_id": run_id,
                "action": step.action,
            }
            async with aclosing(self._step(step, run_id, outputs, options)) as items:
                async for item in items:
                    if "type" in item:
                        yield {**item, "step": step.id}
                    else:
                        envelope = item
            yield {"type": "step.finished", "step": step.id, "envelope": envelope}
            status, outputs[step.id] = envelope["status"], envelope["output"]
            if status != RunStatus.SUCCEEDED:
                break
        yield {"type": "flow.finished", "status": status}

    def _step(
        self,
        step: FlowStep,
        run_id: str,
        outputs: Mapping[str, JsonValue],
        options: FlowOptions,
    ) -> AsyncGenerator[Document, None]:
        filled, errors = apply_bindings(step, outputs)
        run = StepRun(
            run_id=run_id,
            connector=step.connector,
            action=step.action,
            version=self._version(step),
            input=filled,
            connection=(options.get("connections") or {}).get(
                step.connector, step.connection
            ),
        )
        if errors:
            return _refused(run, errors)
        return self._runs.stream(
            run.connector, run.action, run.input, _options_of(run, options)
        )

    def _accepted(self, document: JsonObject, connections: Connections) -> Flow:
        flow, problems = self._read(document, connections)
        if problems:
            numbers = {step.id: number for number, step in enumerate(flow.steps)}
            raise invalid_input_error(
                [_in_flow(step, error, numbers) for step, error in problems], "The flow"
            )
        return flow

    def _read(
        self, document: JsonObject, connections: Connections
    ) -> tuple[Flow, list[Problem]]:
        plain = to_json(document)
        if errors := self._form.errors(plain):
            return Flow(flow_version=1, steps=()), [(None, error) for error in errors]
        flow = _flow(cast("JsonObject", plain.value))
        if errors := [*_wrong_ids(flow), *_wrong_pointers(flow)]:
            return flow, [(None, error) for error in errors]
        return flow, self._step_problems(flow, connections)

    @functools.cached_property
    def _form(self) -> SchemaValidator:
        from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and the palette needs none of it

        return SchemaValidator(TypeAdapter(Flow).json_schema())

    def _step_problems(self, flow: Flow, connections: Connections) -> list[Problem]:
        problems: list[Problem] = []
        earlier: dict[str, JsonObject | None] = {}
        for number, step in enumerate(flow.steps):
            later = [other.id for other in flow.steps[number + 1 :]]
            output, errors = None, []
            try:
                schemas = cast("JsonObject", self._description(step)["schemas"])
                output = cast("JsonObject", schemas["output"])
                check = StepCheck(
                    step, cast("JsonObject", schemas["input"]), earlier, later
                )
                errors = check.errors(functools.partial(self._validate, step))
                self._find_connection(step, connections)
            except ConnectorError as error:
                errors = [
                    *errors,
                    FieldError(
                        pointer="", code=error.code.value, message=error.user_message
                    ),
                ]
            earlier[step.id] = output
            problems += [(step, error) for error in errors]
        return problems

    def _validate(self, step: FlowStep, input: JsonObject) -> list[FieldError]:
        return self._runs.validate(step.connector, step.action, input, step.version)

    def _description(self, step: FlowStep) -> Document:
        return self._catalogue.describe(step.connector, step.action, step.version)

    def _version(self, step: FlowStep) -> int:
        return self._catalogue.action_version(step.connector, step.action, step.version)

    def _find_connection(self, step: FlowStep, connections: Connections) -> None:
        if step.connection is not None and step.connector not in connections:
            self._runs.connections.fields(step.connection, step.connector)


def _flow(document: JsonObject) -> Flow:
    return Flow(
        flow_version=1,
        steps=[_flow_step(step) for step in cast("list[Document]", document["steps"])],
    )


def _flow_step(document: Document) -> FlowStep:
    bindings = {
        place: [
            part if isinstance(part, str) else Reference(**cast("dict[str, str]", part))
            for part in parts
        ]
        for place, parts in cast(
            "Mapping[str, list[object]]", document.get("bindings", {})
        ).items()
    }
    return replace(FlowStep(**cast("dict[str, str]", document)), bindings=bindings)  # type: ignore[arg-type] # checked


def _wrong_ids(flow: Flow) -> list[FieldError]:
    errors = []
    seen: set[str] = set()
    for number, step in enumerate(flow.steps):
        pointer = f"/steps/{number}/id"
        if not step.id:
            errors.append(
                FieldError(
                    pointer=pointer, code="minLength", message="Must not be empty."
                )
            )
        elif step.id in seen:
            errors.append(
                FieldError(
                    pointer=pointer,
                    code="uniqueItems",
                    message="Another step has this id.",
                )
            )
        seen.add(step.id)
    return errors


def _wrong_pointers(flow: Flow) -> list[FieldError]:
    places = [
        place
        for number, step in enumerate(flow.steps)
        for place in malformed(step.bindings, f"/steps/{number}/bindings")
    ]
    return [
        FieldError(pointer=place, code="format", message=_MALFORMED) for place in places
    ]


def _told(step: FlowStep | None, error: FieldError) -> Document:
    where = None if step is None else step.id
    return {
        "step": where,
        "pointer": error.pointer,
        "code": error.code,
        "message": error.message,
    }


def _in_flow(
    step: FlowStep | None, error: FieldError, numbers: Mapping[str, int]
) -> FieldError:
    if step is None:
        return error
    inside = f"/input{error.pointer}" if error.pointer else ""
    return replace(error, pointer=f"/steps/{numbers[step.id]}{inside}")


def _options_of(run: StepRun, options: FlowOptions) -> RunOptions:
    keep = options.get("on_checkpoint")
    return RunOptions(
        version=run.version,
        connection=run.connection,
        timeout=options.get("timeout"),
        run_id=run.run_id,
        on_checkpoint=None if keep is None else functools.partial(keep, run),
    )


async def _refused(
    run: StepRun, errors: Sequence[FieldError]
) -> AsyncGenerator[Document, None]:
    record = RunRecord(
        connector=run.connector,
        action=run.action,
        version=run.version,
        run_id=run.run_id,
    )
    yield record.failed(invalid_input_error(errors, "The input"))
