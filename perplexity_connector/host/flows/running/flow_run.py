"""Run the steps of a flow in order."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.contract import (
    ConnectorError,
    FieldError,
    FlowStep,
    JsonValue,
)
from perplexity_connector.host.flows.each import items_of
from perplexity_connector.host.flows.references import Values, missing_step
from perplexity_connector.host.flows.running.each_run import EachRun, Emit
from perplexity_connector.host.flows.running.flow_log import FlowLog
from perplexity_connector.host.flows.running.step_runs import StepRuns
from perplexity_connector.host.flows.running.work import FlowWork
from perplexity_connector.host.validation.schema_validator import invalid_input_error

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        EnvelopeDocument,
        EventDocument,
        FlowItem,
        RunStatusName,
        StepStartedItem,
    )
    from perplexity_connector.host.runs.runs import Runs

# Carries out a step; None if the flow was left before its end.
_Work: TypeAlias = "Callable[[Emit], Awaitable[EnvelopeDocument | None]]"


class FlowRun:
    """One run of a flow.

    * `_work`: the flow, and the part of it that runs.
    * `_outputs`: by step id, of the steps that have one.
    * `_current`: the id of the step under way; None between two steps.
    * `_status`: how the flow has ended; None while it goes on, and if it was left.
    * `_is_left`: whether a step was not begun, or not all of its items were.
    """

    def __init__(
        self, runs: "Runs", step_runs: StepRuns, work: FlowWork, log: FlowLog
    ) -> None:
        """Run nothing yet."""
        self._runs = runs
        self._step_runs = step_runs
        self._work = work
        self._log = log
        self._outputs: dict[str, JsonValue] = dict(work.outputs)
        self._current: str | None = None
        self._status: RunStatusName | None = None
        self._is_left = False

    def stop(self) -> bool:
        """Stop the step under way, and the flow with it."""
        self._step_runs.is_stopped = True
        if self._current is not None:
            self._runs.cancel(self._current)
        return True

    async def items(self) -> "AsyncGenerator[FlowItem, None]":
        """Yield the items of the flow. A caller that leaves early cancels the step under way.

        Between two steps, it only leaves the flow, which can be resumed.
        """
        with self._runs.open_here().stopping(self._work.flow_id, self.stop):
            try:
                async with aclosing(self._items()) as items:
                    async for item in items:
                        yield item
                if not self._is_left:
                    self._status = self._status or "succeeded"
            finally:
                await self._log.end(self._status)
        if self._status is not None:
            yield {"type": "flow.finished", "status": self._status}

    async def _items(self) -> "AsyncGenerator[FlowItem, None]":
        work = self._work
        if work.is_announced:
            kept = list(work.kept)
            yield {"type": "flow.started", "flow_id": work.flow_id, "kept": kept}
        for step in work.steps:
            if not self._may_begin():
                return
            if missing := missing_step(step, self._outputs):
                await self._log.skip_step(step.id)
                yield {"type": "step.skipped", "step": step.id, "missing": missing}
                continue
            async with aclosing(self._step(step)) as items:
                async for item in items:
                    yield item
            if self._is_left or self._status is not None:
                return

    def _may_begin(self) -> bool:
        if self._step_runs.is_stopped:
            self._status = "cancelled"
        self._is_left = not self._step_runs.may_begin()
        return self._status is None and not self._is_left

    async def _step(self, step: FlowStep) -> "AsyncGenerator[FlowItem, None]":
        started, work = self._prepared(step)
        run_id = started["run_id"]
        # `Runs.cancel` finds a run only once it has begun.
        with self._runs.open_here().stopping(
            run_id, lambda: self._step_runs.stop(step, run_id)
        ):
            yield started
            # Unbounded: a slow reader of the events must never stop the reading of a response.
            emitted: asyncio.Queue[FlowItem | None] = asyncio.Queue()
            self._current = run_id
            task = asyncio.ensure_future(work(emitted.put_nowait))
            task.add_done_callback(lambda _: emitted.put_nowait(None))
            try:
                while (item := await emitted.get()) is not None:
                    yield item
                envelope = await task
            except (asyncio.CancelledError, GeneratorExit):
                self._status = None if task.done() else "cancelled"
                raise
            finally:
                self._current = None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._note_end(step, envelope)
        if envelope is not None:
            yield {"type": "step.finished", "step": step.id, "envelope": envelope}

    def _note_end(self, step: FlowStep, envelope: "EnvelopeDocument | None") -> None:
        """Note how a step has ended, and whether the flow ends with it."""
        if envelope is None:
            self._is_left = True
        elif envelope["status"] == "succeeded":
            self._outputs[step.id] = envelope["output"]
        elif envelope["status"] == "cancelled" or step.on_failure == "stop":
            self._status = envelope["status"]

    def _prepared(self, step: FlowStep) -> "tuple[StepStartedItem, _Work]":
        """Return the first item of a step, and its work."""
        run_id = self._step_runs.run_id(step)
        values = Values(outputs=self._outputs, inputs=self._work.inputs)
        started: StepStartedItem = {
            "type": "step.started",
            "step": step.id,
            "run_id": run_id,
            "action": step.action,
        }
        if step.each is None:
            return started, lambda emit: self._run_once(step, run_id, values, emit)
        items, errors = items_of(step, values)
        started["items"] = 0 if errors else len(items)
        return started, lambda emit: self._run_each(
            EachRun(self._runs, self._step_runs, step, items, emit),
            run_id,
            values,
            errors,
        )

    async def _run_once(
        self, step: FlowStep, run_id: str, values: Values, emit: Emit
    ) -> "EnvelopeDocument":
        def listener(event: "EventDocument") -> None:
            event["step"] = step.id
            emit(event)

        return await self._step_runs.run(step, run_id, values, listener)

    async def _run_each(
        self,
        each: EachRun,
        run_id: str,
        values: Values,
        errors: Sequence[FieldError],
    ) -> "EnvelopeDocument | None":
        step = each.step
        try:
            if errors:
                raise invalid_input_error(errors, "The list of the items")
            await self._log.begin_step(step.id, run_id)
            envelope = await each.run(run_id, values)
        except ConnectorError as error:
            record = self._step_runs.record(step, run_id)
            envelope = record.failure_envelope(error)
        if envelope is not None:
            await self._log.end_step(step.id, envelope)
        return envelope
