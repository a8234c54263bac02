"""Carry out one run of a step, or of one of its items."""

import functools
from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, FlowStep
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.flows.bindings import apply_bindings
from perplexity_connector.host.flows.checking import FlowCheck
from perplexity_connector.host.flows.params import StepRun
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.flows.running.envelopes import (
    stopped_error,
    unsure_error,
)
from perplexity_connector.host.flows.running.flow_log import FlowLog
from perplexity_connector.host.flows.running.work import Begun, Memory, StepSettings
from perplexity_connector.host.ledger.flow_entries import WHOLE
from perplexity_connector.host.runs.events import Listener
from perplexity_connector.host.runs.params import RunOptions
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.validation.schema_validator import invalid_input_error

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument


class StepRuns:
    """The runs of one flow's steps.

    * `is_stopped`: whether the flow was stopped: then nothing begins.
    * `_memory`: the runs that an earlier process began.
    """

    def __init__(  # noqa: PLR0913 - the host's parts, and those of the flow's run
        self,
        catalogue: Catalogue,
        check: FlowCheck,
        runs: Runs,
        settings: StepSettings,
        *,
        memory: Memory,
        log: FlowLog,
    ) -> None:
        """Run nothing yet."""
        self._catalogue = catalogue
        self._check = check
        self._runs = runs
        self._settings = settings
        self._memory = memory
        self._log = log
        self.is_stopped = False

    def may_begin(self) -> bool:
        """Return whether a further step or item may begin."""
        return self._settings.may_begin()

    def begun(self, step: FlowStep, item: int = WHOLE) -> Begun | None:
        """Return the run that an earlier process began, if there is one."""
        return self._memory.get((step.id, item))

    def run_id(self, step: FlowStep, item: int = WHOLE) -> str:
        """Return the id of the next run: that of a run to follow or that is over, else a new one."""
        begun = self.begun(step, item)
        is_same = begun is not None and (begun.checkpoint or begun.envelope)
        return begun.run_id if begun and is_same else new_run_id()

    def record(self, step: FlowStep, run_id: str) -> RunRecord:
        """Return the record of a run that begins now, for an envelope that no run makes."""
        return RunRecord(
            connector=step.connector,
            action=step.action,
            version=self._version(step),
            run_id=run_id,
        )

    async def run(
        self,
        step: FlowStep,
        run_id: str,
        values: Values,
        listener: Listener,
        item: int = WHOLE,
    ) -> "EnvelopeDocument":
        """Run a step once and return its envelope, which the flow's record has then."""
        begun = self.begun(step, item)
        if begun and begun.envelope:
            envelope = begun.envelope
            if begun.is_elsewhere:
                return envelope
        else:
            envelope = await self._run(step, run_id, values, listener, item)
        await self._log.end_step(step.id, envelope, item)
        return envelope

    async def _run(
        self,
        step: FlowStep,
        run_id: str,
        values: Values,
        listener: Listener,
        item: int,
    ) -> "EnvelopeDocument":
        record = self.record(step, run_id)
        begun = self.begun(step, item)
        try:
            run = self._bound(step, run_id, values)
            if begun and begun.is_unsure and self._settings.retry != "unsure":
                raise unsure_error()
            if begun is None or begun.is_elsewhere or not begun.checkpoint:
                await self._log.begin_step(step.id, run_id, item)
            self._require_going_on()
        except ConnectorError as error:
            return record.failure_envelope(error)
        # From here to its place among the active runs, nothing else runs: no stop gets lost.
        return await self._runs.run(
            run.connector,
            run.action,
            run.input,
            self._options(run, begun),
            listener=listener,
            log=self._settings.make_log(),
        )

    def _bound(self, step: FlowStep, run_id: str, values: Values) -> StepRun:
        """Return a run with the values of its bindings. Raises `ConnectorError` (`invalid_input`)."""
        schema = self._check.schemas(step)["input"]
        bound, errors = apply_bindings(step, values, schema)
        if errors:
            raise invalid_input_error(errors, "The input")
        connections = self._settings.connections
        return StepRun(
            run_id=run_id,
            connector=step.connector,
            action=step.action,
            version=self._version(step),
            input=bound,
            connection=connections.get(step.connector, step.connection),
        )

    def _require_going_on(self) -> None:
        if self.is_stopped:
            raise stopped_error()

    def _version(self, step: FlowStep) -> int:
        return self._catalogue.action_version(step.connector, step.action, step.version)

    def _options(self, run: StepRun, begun: Begun | None) -> RunOptions:
        keep = self._settings.on_checkpoint
        options = RunOptions(
            version=run.version,
            connection=run.connection,
            timeout=self._settings.timeout,
            run_id=run.run_id,
            on_checkpoint=None if keep is None else functools.partial(keep, run),
            durable=self._log.is_durable,
        )
        if begun and begun.checkpoint:
            options["resume_from"] = begun.checkpoint
        return options
