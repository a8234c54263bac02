"""The flows of one host: check a saved one, price it, run it, go on with it."""

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import new_flow_id
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.flows.checks.checking import Connections, FlowCheck
from perplexity_connector.host.flows.checks.prices import StepEstimate, price_of
from perplexity_connector.host.flows.params import FlowOptions, ResumeOptions
from perplexity_connector.host.flows.parts import part_of
from perplexity_connector.host.flows.reading import read_flow
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.flows.running.flow_log import (
    FlowLog,
    LedgerFlowLog,
    begin_flow,
)
from perplexity_connector.host.flows.running.flow_row import FlowRow
from perplexity_connector.host.flows.running.flow_run import FlowRun
from perplexity_connector.host.flows.running.results import add_item
from perplexity_connector.host.flows.running.step_runs import StepRuns
from perplexity_connector.host.flows.running.work import FlowWork, StepSettings
from perplexity_connector.host.flows.starting.checked_flow import (
    CheckedFlow,
    check_flow,
    readable_flow,
)
from perplexity_connector.host.flows.starting.kept import need_ledger
from perplexity_connector.host.flows.starting.options import (
    check_options,
    check_resume_options,
    settings_of,
)
from perplexity_connector.host.flows.starting.resumer import Resumer
from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.ledger.flow_entries import NewFlow
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.spending.prices import Kind, reserve_of
from perplexity_connector.host.validation.arguments import require_connections

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from perplexity_connector.contract import (
        FlowDocument,
        FlowErrorDocument,
        FlowHintDocument,
        FlowItem,
        FlowPriceDocument,
        KeptStepDocument,
    )
    from perplexity_connector.host.ledger.ledger import Ledger


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
        require_connections(connections)
        flow, errors = read_flow(document)
        problems = [(None, error) for error in errors] or self._check.problems(
            flow, part_of(flow), Values(), connections or {}
        )
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

    async def price(
        self, document: JsonObject, options: FlowOptions
    ) -> "FlowPriceDocument":
        """See `Host.flow_price`."""
        checked = await self._checked(document, options)
        estimates = self._check.estimates(checked.flow, checked.part, checked.known)
        reserves = [await self._reserve(each) for each in estimates]
        price = price_of(estimates, reserves)
        return {
            "likely": price.likely,
            "worst": price.worst,
            "currency": price.currency,
            "basis": price.basis,
        }

    async def kept(
        self, document: JsonObject, options: FlowOptions
    ) -> "list[KeptStepDocument]":
        """See `Host.kept_steps`."""
        checked = await self._checked(document, options)
        return checked.kept_steps()

    async def run(self, document: JsonObject, options: FlowOptions) -> "FlowDocument":
        """See `Host.run_flow`."""
        flow: FlowDocument = {"flow_version": 1, "status": "succeeded", "steps": []}
        async with aclosing(self.stream(document, options)) as items:
            async for item in items:
                add_item(flow, item)
        flow["flow_version"] = readable_flow(document).flow_version
        return flow

    async def stream(
        self,
        document: JsonObject,
        options: FlowOptions,
    ) -> "AsyncGenerator[FlowItem, None]":
        """See `Host.stream_flow`."""
        checked = await self._checked(document, options)
        self._runs.open_here()
        work = FlowWork(
            flow_id=options.get("flow_id") or new_flow_id(),
            inputs=checked.inputs,
            steps=checked.part.steps,
            outputs=checked.kept.outputs,
            kept=checked.kept_steps(),
            is_announced=checked.is_new,
        )
        log = await self._begin(work.flow_id, checked, options)
        async with aclosing(self._items(work, settings_of(options), log)) as items:
            async for item in items:
                yield item

    async def resume(
        self, flow_id: str, options: ResumeOptions
    ) -> "AsyncGenerator[FlowItem, None]":
        """See `Host.resume_flow`."""
        check_resume_options(options)
        self._runs.open_here()
        ledger = need_ledger(self._ledger)
        resumer = Resumer(ledger, self._check)
        connections = options.get("connections") or {}
        work = await resumer.resumed(flow_id, connections, is_sandbox=self._is_sandbox)
        log = self._log(ledger, flow_id)
        async with aclosing(self._items(work, settings_of(options), log)) as items:
            async for item in items:
                yield item

    async def stream_row(
        self, document: JsonObject, row: FlowRow
    ) -> "AsyncGenerator[FlowItem, None]":
        """Run a flow for a row of a table, or go on with it. It has been checked."""
        ledger = need_ledger(self._ledger)
        resumer = Resumer(ledger, self._check)
        work = await resumer.of_row(
            readable_flow(document), row, is_sandbox=self._is_sandbox
        )
        settings = StepSettings(
            connections=row.connections,
            timeout=row.timeout,
            retry=row.retry,
            make_log=row.make_log,
            may_begin=row.may_begin,
        )
        # Its content is kept as long as that of the job.
        log = LedgerFlowLog(ledger, row.flow_id, keeps_content=True, is_strict=True)
        async with aclosing(self._items(work, settings, log)) as items:
            async for item in items:
                yield item

    def cancel(self, flow_id: str) -> bool:
        """Stop a flow and the runs of its current step. Return whether it is under way here."""
        return self._runs.cancel(flow_id)

    def _items(
        self, work: FlowWork, settings: StepSettings, log: FlowLog
    ) -> "AsyncGenerator[FlowItem, None]":
        step_runs = StepRuns(
            self._catalogue,
            self._check,
            self._runs,
            settings,
            memory=work.memory,
            log=log,
        )
        return FlowRun(self._runs, step_runs, work, log).items()

    async def _checked(self, document: JsonObject, options: FlowOptions) -> CheckedFlow:
        check_options(options)
        return await check_flow(self._check, self._ledger, document, options)

    async def _begin(
        self, flow_id: str, checked: CheckedFlow, options: FlowOptions
    ) -> FlowLog:
        """Record the flow. If the ledger cannot be written, each run says so by itself."""
        if self._ledger is None:
            return FlowLog()
        source = options.get("source")
        names = {"only": options.get("only"), "from_step": options.get("from_step")}
        part: JsonObject = {name: step for name, step in names.items() if step}
        new = NewFlow(
            flow_id=flow_id,
            document=checked.document,
            inputs=checked.inputs,
            source=source,
            title=Path(source).stem if source else None,
            part=part or None,
            is_sandbox=self._is_sandbox,
        )
        try:
            await begin_flow(self._ledger, new, checked.kept.groups())
        except LedgerError:
            return FlowLog()
        return self._log(self._ledger, flow_id)

    def _log(self, ledger: "Ledger", flow_id: str) -> FlowLog:
        logs = self._runs.logs
        keeps_content = logs is None or logs.keeps_content
        return LedgerFlowLog(ledger, flow_id, keeps_content=keeps_content)

    async def _reserve(self, each: StepEstimate) -> int:
        """Return how much one run of a step reserves."""
        if self._runs.logs is None:
            return reserve_of(each.estimate, None)
        step = each.step
        kind = Kind(
            connector=step.connector, action=step.action, group=each.estimate.group
        )
        return await self._runs.logs.spending.price(kind, each.estimate)

    @property
    def _ledger(self) -> "Ledger | None":
        return self._runs.logs.ledger if self._runs.logs else None

    @property
    def _is_sandbox(self) -> bool:
        return self._runs.logs is not None and self._runs.logs.is_sandbox
