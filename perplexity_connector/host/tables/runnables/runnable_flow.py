"""A flow that each row of a table runs. The row is its inputs."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from perplexity_connector.contract import (
    ConnectorError,
    CostEstimate,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import child_pointer, new_flow_id
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.flows.checks.checking import (
    Connections,
    FlowCheck,
    errors_in_flow,
)
from perplexity_connector.host.flows.checks.prices import price_of
from perplexity_connector.host.flows.flows import Flows
from perplexity_connector.host.flows.inputs import InputForm
from perplexity_connector.host.flows.parts import part_of
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.flows.running.flow_row import FlowRow
from perplexity_connector.host.flows.starting.checked_flow import (
    readable_flow,
    require_valid,
)
from perplexity_connector.host.ledger.entries import FLOW
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.logs.ledger_log import refusing
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.spending.money import nano_usd
from perplexity_connector.host.spending.prices import UNKNOWN_PRICE
from perplexity_connector.host.tables.inputs.planning import digest_of
from perplexity_connector.host.tables.rows.flow_logs import FlowRowLog
from perplexity_connector.host.tables.rows.row_log import RowLog
from perplexity_connector.host.tables.runnables.flow_inputs import compile_inputs
from perplexity_connector.host.tables.runnables.row_flow import RowFlow
from perplexity_connector.host.tables.runnables.runnable import (
    MakeInput,
    Named,
    Runnable,
)
from perplexity_connector.host.validation.schema_types import property_schema
from perplexity_connector.host.validation.to_json import to_json

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, FieldError
    from perplexity_connector.host.flows.checks.prices import StepEstimate
    from perplexity_connector.host.ledger.entries import Claim
    from perplexity_connector.host.ledger.flow_entries import KnownFlow
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.tables.rows.brakes import Brakes


class RunnableFlow(Runnable):
    """A flow, with the connections and the timeout of its steps.

    * `_document`, `_flow`: the flow as it was given, and as it is read; `_part`: all of its steps.
    * `_form`: makes the flow's inputs of those of a row.
    * `_check`: finds the errors of a row, and its price.
    * `_group`: the price group of its rows.
    """

    def __init__(  # noqa: PLR0913 - the host's parts, and those of a run that all rows share
        self,
        catalogue: Catalogue,
        runs: Runs,
        flows: Flows,
        document: JsonObject,
        *,
        connections: Connections,
        timeout: float | None,
    ) -> None:
        """Read the flow. Raises `ConnectorError` (`invalid_input`) if it has an error."""
        self._catalogue = catalogue
        self._runs = runs
        self._flows = flows
        self._connections = connections
        self._timeout = timeout
        self._flow = readable_flow(document)
        self._part = part_of(self._flow)
        self._form = InputForm(self._flow)
        self._check = FlowCheck(catalogue, runs)
        require_valid(self._check, self._flow, self._part, Values(), connections)
        self._document = as_object(to_json(document).value)
        names = {
            connector: name
            for connector, name in sorted(connections.items())
            if isinstance(name, str)
        }
        self.named = Named(
            connector=FLOW,
            action=", ".join(dict.fromkeys(step.action for step in self._flow.steps)),
            version=self._flow.flow_version,
            idempotent=False,
            flow=self._document,
            connections=names,
        )
        self._group = digest_of(self._document)
        self.identity = [self._document, {**names}]
        self.release = self._releases()
        self.content = self._content()

    def compile(
        self, template: Mapping[str, str], columns: Collection[str]
    ) -> MakeInput:
        """Return the function that makes a row's inputs. Raises `ConnectorError` for a wrong template."""
        return compile_inputs(template, columns, self._form.schema)

    def appraise(
        self, content: JsonObject
    ) -> "tuple[Sequence[FieldError], CostEstimate]":
        """Return the errors of a row's inputs, and the price of all steps: only that of valid ones counts."""
        inputs, errors = self._form.prepare(content)
        if errors:
            return errors, UNKNOWN_PRICE
        flow, part, known = self._flow, self._part, Values(inputs=inputs)
        if problems := self._check.problems(flow, part, known, self._connections):
            return errors_in_flow(flow, problems), UNKNOWN_PRICE
        return (), self._price(self._check.estimates(flow, part, known))

    def seconds(self, rows: int) -> float | None:
        """Return how long so many rows take at the known rate limits; None if none is known."""
        runs = Counter[tuple[str, str, str | None]]()
        for step in self._flow.steps:
            most = 1 if step.each is None else step.each.max
            runs[step.connector, step.action, step.connection] += rows * most
        known = [
            self._runs.seconds_for(
                connector, action, self._connections.get(connector, own), count
            )
            for (connector, action, own), count in runs.items()
        ]
        return max((each for each in known if each is not None), default=None)

    async def run(
        self, ledger: "Ledger", claim: "Claim", brakes: "Brakes"
    ) -> tuple[RowLog, "EnvelopeDocument"]:
        """Run the flow, or go on with an earlier one. Return the log and the envelope of the row."""
        log = FlowRowLog(ledger, claim, brakes)
        record = RunRecord(
            connector=self.named.connector,
            action=self.named.action,
            version=self.named.version,
            run_id=claim.run_id,
        )
        try:
            envelope = await self._envelope(ledger, claim, log, record)
        except ConnectorError as error:
            envelope = record.failure_envelope(error)
        await log.ended(envelope)
        return log, envelope

    async def _envelope(
        self, ledger: "Ledger", claim: "Claim", log: FlowRowLog, record: RunRecord
    ) -> "EnvelopeDocument":
        before = await _before(ledger, claim)
        row = self._row(claim, log, before)
        if not claim.checkpoint:
            await log.begin_flow({"flow": row.flow_id})
        is_same = before is not None and before.flow_id == row.flow_id
        flow = RowFlow(log, before, is_same=is_same)
        with self._runs.open_here().stopping(
            claim.run_id, lambda: self._stop(log, row)
        ):
            async with aclosing(self._flows.stream_row(self._document, row)) as items:
                async for item in items:
                    flow.take(item)
        return flow.envelope(record)

    def _row(
        self, claim: "Claim", log: FlowRowLog, before: "KnownFlow | None"
    ) -> FlowRow:
        inputs, _ = self._form.prepare(claim.input)
        known = claim.checkpoint or {}
        flow_id = str(known.get("flow") or new_flow_id())
        is_other = before is not None and before.flow_id != flow_id
        after = before if is_other and before and before.inputs == inputs else None
        return FlowRow(
            flow_id=flow_id,
            row_id=claim.row_id,
            claim=claim,
            inputs=inputs,
            make_log=log.step_log,
            may_begin=log.may_begin,
            after=after.flow_id if after else None,
            connections=self._connections,
            timeout=self._timeout,
            # The caller runs an unsure row again, and accepts to pay its step twice.
            retry="unsure" if after else None,
        )

    def _stop(self, log: FlowRowLog, row: FlowRow) -> bool:
        log.stop()
        self._runs.cancel(row.flow_id)
        return True

    def _price(self, estimates: "Sequence[StepEstimate]") -> CostEstimate:
        worst = [nano_usd(each.estimate.worst) for each in estimates]
        return replace(price_of(estimates, worst), group=self._group)

    def _releases(self) -> JsonValue:
        """Return the version of each connector."""
        return {
            step.connector: self._catalogue.describe(
                step.connector, step.action, step.version
            )["connector"]["version"]
            for step in self._flow.steps
        }

    def _content(self) -> str | None:
        """Return the place of the last step's text, if its action has one."""
        if not self._flow.steps:
            return None
        last = self._flow.steps[-1]
        schema = self._check.output_schema(last)
        has_content = property_schema(schema, "content")
        return f"{child_pointer('', last.id)}/content" if has_content else None


async def _before(ledger: "Ledger", claim: "Claim") -> "KnownFlow | None":
    """Return the last flow of a row that has run before. Raises `ConnectorError` (`unavailable`)."""
    if not claim.checkpoint and not claim.round:
        return None
    return await refusing(committed(ledger.row_flow(claim.row_id)))
