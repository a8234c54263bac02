"""Go on with a flow that an earlier process began, or that failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    Flow,
    JsonObject,
    JsonValue,
)
from perplexity_connector.host.flows.running.work import Begun, Memory
from perplexity_connector.host.flows.starting.kept import (
    has_output,
    lost_flow,
    usable,
)
from perplexity_connector.host.ledger.entries import FencedError
from perplexity_connector.host.runs.logs.run_end import is_lost

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.ledger.entries import Claim, KnownRun
    from perplexity_connector.host.ledger.flow_entries import KnownFlow, KnownStep
    from perplexity_connector.host.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """The work that an earlier process has done for a flow.

    * `records`: by step id, of the steps that have an output.
    * `memory`: the runs of the others.
    """

    records: Mapping[str, JsonObject] = field(
        default_factory=dict[str, JsonObject], repr=False
    )
    memory: Memory = field(default_factory=dict[tuple[str, int], Begun], repr=False)

    @property
    def outputs(self) -> dict[str, JsonValue]:
        """The outputs by step id."""
        return {step: record["output"] for step, record in self.records.items()}

    def elsewhere(self) -> "Recalled":
        """Return the same work, as that of another flow."""
        memory = {
            place: replace(begun, is_elsewhere=True)
            for place, begun in self.memory.items()
        }
        return replace(self, memory=memory)

    def over(self, other: "Recalled") -> "Recalled":
        """Return the work of both. Of a step or item that both have, this one counts."""
        return Recalled(
            records={**other.records, **self.records},
            memory={**other.memory, **self.memory},
        )


async def take_over(
    ledger: "Ledger", flow_id: str, within: "Claim | None" = None
) -> "KnownFlow":
    """Take a flow over from its process, which has ended.

    Raises `ConnectorError`: `not_found` if there is nothing to go on with, `unavailable` while another
    process works on it.
    """
    try:
        return await usable(ledger.resume_flow(flow_id, within=within))
    except LookupError:
        raise lost_flow() from None
    except FencedError:
        message = "A process is working on this flow. Try again when it has ended."
        raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None


async def recall(ledger: "Ledger", known: "KnownFlow", flow: Flow) -> Recalled:
    """Return the work that was done for the steps of a flow."""
    ids = {step.id for step in flow.steps}
    entries = [entry for entry in known.steps if entry.step in ids]
    records = {entry.step: entry.record or {} for entry in entries if has_output(entry)}
    memory: dict[tuple[str, int], Begun] = {}
    for entry in entries:
        if entry.step not in records and (begun := await _begun(ledger, entry)):
            memory[entry.step, entry.item] = begun
    return Recalled(records=records, memory=memory)


async def _begun(ledger: "Ledger", entry: "KnownStep") -> Begun | None:
    """Return the run of a step that is not over, or of an item; None if it can simply run again."""
    run_id = entry.run_id
    if run_id is None or entry.run_state is None:
        return None
    if entry.run_state == "begun":
        if _is_stopped(entry.record):
            return None
        run = await usable(ledger.run(run_id))
        checkpoint = run.checkpoint if run and _can_be_followed(run) else None
        return Begun(run_id=run_id, checkpoint=checkpoint, is_unsure=not checkpoint)
    if entry.run_state == "done" and entry.record is not None:
        envelope = cast("EnvelopeDocument", entry.record)
        return Begun(run_id=run_id, envelope=envelope)
    is_unsure = entry.run_state in {"done", "unsure"}
    return Begun(run_id=run_id, is_unsure=True) if is_unsure else None


def _can_be_followed(run: "KnownRun") -> bool:
    """Return whether the provider knows a run that it has begun, as far as its last end says."""
    return run.output is None or not is_lost(run.output["error"])


def _is_stopped(record: JsonObject | None) -> bool:
    """Return whether the provider has confirmed that it has stopped a run."""
    if record is None or record["status"] != "cancelled":
        return False
    envelope = cast("EnvelopeDocument", record)
    codes = {warning["code"] for warning in envelope["warnings"]}
    return "stop_unconfirmed" not in codes
