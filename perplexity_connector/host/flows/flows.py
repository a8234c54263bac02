"""Flows: parse a saved one, find its errors, run its steps in order."""

import functools
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from perplexity_connector.contract import (
    FieldError,
    Flow,
    FlowStep,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.flows.bindings import apply_bindings
from perplexity_connector.host.flows.checking import (
    Connections,
    FlowCheck,
    Problem,
    errors_in_flow,
)
from perplexity_connector.host.flows.params import FlowOptions, StepRun
from perplexity_connector.host.flows.parts import part_of
from perplexity_connector.host.flows.reading import read_flow
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.runs.params import RunOptions
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.validation.arguments import (
    as_seconds,
    require_connection,
    require_function,
    require_mapping,
)
from perplexity_connector.host.validation.schema_validator import invalid_input_error

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        FlowDocument,
        FlowErrorDocument,
        FlowHintDocument,
        FlowItem,
        RunStatusName,
        StreamItem,
    )


class Flows:
    """The flows of one host. The catalogue describes actions; the runs validate and run them."""

    def __init__(self, catalogue: Catalogue, runs: Runs) -> None:
        """Use the catalogue and the runs of the host."""
        self._catalogue = catalogue
        self._runs = runs
        self._check = FlowCheck(catalogue, runs)

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
        flow, errors = read_flow(document)
        return [] if errors else self._check.hints(flow)

    async def run(self, document: JsonObject, options: FlowOptions) -> "FlowDocument":
        """See `Host.run_flow`."""
        flow: FlowDocument = {
            "flow_version": 1,
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
        schema = self._check.schemas(step)["input"]
        bound, errors = apply_bindings(step, Values(outputs=outputs, inputs={}), schema)
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
            raise invalid_input_error(errors_in_flow(flow, problems), "The flow")
        return flow

    def _parse(
        self,
        document: JsonObject,
        connections: Connections,
    ) -> tuple[Flow, list[Problem]]:
        require_mapping("connections", connections)
        for connector, connection in connections.items():
            require_connection(f"connections[{connector!r}]", connection)
        flow, errors = read_flow(document)
        if errors:
            return flow, [(None, error) for error in errors]
        return flow, self._check.problems(flow, part_of(flow), Values(), connections)


def _check_options(options: FlowOptions) -> None:
    if unknown := options.keys() - FlowOptions.__annotations__.keys():
        message = f"a flow has no option {', '.join(unknown)}"
        raise TypeError(message)
    if (timeout := options.get("timeout")) is not None:
        as_seconds("timeout", timeout)
    if (keep := options.get("on_checkpoint")) is not None:
        require_function("on_checkpoint", keep)


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
