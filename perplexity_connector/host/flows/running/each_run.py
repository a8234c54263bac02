"""Run a step for each item of a list, a few at once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias, cast

from perplexity_connector.contract import FlowStep, JsonValue
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.flows.running.envelopes import each_envelope
from perplexity_connector.host.flows.running.step_runs import StepRuns

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        EnvelopeDocument,
        EventDocument,
        FlowItem,
    )
    from perplexity_connector.contract.flow import Each
    from perplexity_connector.host.runs.runs import Runs

# So many items of a step run at once.
AT_ONCE = 4
Emit: TypeAlias = "Callable[[FlowItem], None]"


class EachRun:
    """The runs of one step with `each`.

    * `step`: the step.
    * `_emit`: gets each item of the stream.
    * `_ends`: the envelope of each run, by the item's place; None before.
    * `_left`: the places that have not begun.
    * `_ended_by`: the envelope of the run that ends the step; None without one.
    * `_active`: the ids of the runs under way.
    """

    def __init__(
        self,
        runs: "Runs",
        step_runs: StepRuns,
        step: FlowStep,
        items: Sequence[JsonValue],
        emit: Emit,
    ) -> None:
        """Begin nothing yet."""
        self._runs = runs
        self._step_runs = step_runs
        self.step = step
        self._items = items
        self._emit = emit
        self._ends: list[EnvelopeDocument | None] = [None] * len(items)
        self._left = iter(range(len(items)))
        self._ended_by: EnvelopeDocument | None = None
        self._active: set[str] = set()

    def stop(self) -> bool:
        """Stop the runs of all items. No further one begins then, see `StepRuns.stop`."""
        for run_id in list(self._active):
            self._runs.cancel(run_id)
        return True

    async def run(self, run_id: str, values: Values) -> "EnvelopeDocument | None":
        """Run the items; None if the flow was left before all of them have run."""
        record = self._step_runs.record(self.step, run_id)
        with self._runs.open_here().stopping(run_id, self.stop):
            try:
                async with asyncio.TaskGroup() as places:
                    for _ in range(min(AT_ONCE, len(self._items))):
                        places.create_task(self._place(values))
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None
        if self._ended_by is None and None in self._ends:
            return None
        return each_envelope(record, self._ends, self._ended_by)

    async def _place(self, values: Values) -> None:
        while self._ended_by is None:
            index = next(self._left, None)
            if index is None:
                return
            if not self._step_runs.may_begin():
                return
            await self._run_item(index, replace(values, item=self._items[index]))

    async def _run_item(self, index: int, values: Values) -> None:
        step = self.step.id
        run_id = self._step_runs.run_id(self.step, index)
        self._emit(
            {"type": "item.started", "step": step, "index": index, "run_id": run_id}
        )
        envelope = await self._envelope(index, run_id, values)
        self._ends[index] = envelope
        self._emit(
            {
                "type": "item.finished",
                "step": step,
                "index": index,
                "envelope": envelope,
            }
        )
        self._note_end(envelope)

    async def _envelope(
        self, index: int, run_id: str, values: Values
    ) -> "EnvelopeDocument":
        """Run an item, which a stop reaches meanwhile, and return its envelope."""
        step = self.step

        def listener(event: "EventDocument") -> None:
            event["step"], event["item"] = step.id, index
            self._emit(event)

        self._active.add(run_id)
        try:
            return await self._step_runs.run(step, run_id, values, listener, index)
        finally:
            self._active.discard(run_id)

    def _note_end(self, envelope: "EnvelopeDocument") -> None:
        """End the step after a run that has failed, unless the others go on."""
        goes_on = cast("Each", self.step.each).on_failure == "continue"
        is_first_failure = envelope["status"] == "failed" and self._ended_by is None
        if envelope["status"] == "cancelled" or (is_first_failure and not goes_on):
            self._ended_by = envelope
