"""Find the kept outputs of the steps that come before the part of a flow that runs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    Flow,
    FlowStep,
    JsonObject,
    JsonValue,
)
from perplexity_connector.host.flows.reading import read_flow
from perplexity_connector.host.flows.references import steps_of
from perplexity_connector.host.flows.stale import stale_steps
from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.ledger.flow_entries import WHOLE, KnownFlow, KnownStep
from perplexity_connector.host.ledger.writing.waiting import committed

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.ledger import Ledger

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The kept outputs.

    * `records`: by step id, each with its output: an envelope, or `{"output": …}` alone.
    * `origins`: the flow that each is of, where the ledger has it.
    * `stale`: the ids of the steps that have changed since.
    """

    records: Mapping[str, JsonObject] = field(
        default_factory=dict[str, JsonObject], repr=False
    )
    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    stale: Collection[str] = ()

    @property
    def outputs(self) -> dict[str, JsonValue]:
        """The outputs by step id."""
        return {step: record["output"] for step, record in self.records.items()}

    def groups(self) -> Mapping[str | None, Sequence[tuple[str, JsonObject]]]:
        """Return the steps and records by the flow that they are of."""
        groups: dict[str | None, list[tuple[str, JsonObject]]] = {}
        for step, record in self.records.items():
            groups.setdefault(self.origins.get(step), []).append((step, record))
        return groups


def given_outputs(before: Sequence[FlowStep], given: JsonObject) -> Kept:
    """Return the outputs that the caller gives for these steps."""
    ids = [step.id for step in before if step.id in given]
    return Kept(records={step: {"output": given[step]} for step in ids})


async def outputs_of_flow(
    ledger: "Ledger | None",
    flow_id: str,
    before: Sequence[FlowStep],
    flow: Flow,
    inputs: JsonObject,
) -> Kept:
    """Return the outputs of a flow that the ledger has, and which of them are stale.

    Raises `ConnectorError`: `unsupported` without a ledger, `not_found`.
    """
    known = await find_flow(need_ledger(ledger), flow_id)
    ids = {step.id for step in before}
    steps = [step for step in known.steps if step.step in ids and has_output(step)]
    records = {step.step: step.record or {} for step in steps}
    origins = {step.step: step.kept_from or flow_id for step in steps}
    stale: set[str] = set()
    for origin in dict.fromkeys(origins.values()):
        changed = await _changed(need_ledger(ledger), origin, known, flow, inputs)
        stale |= {
            step
            for step, of in origins.items()
            if of == origin and (changed is None or step in changed)
        }
    return Kept(records=records, origins=origins, stale=_with_users(before, stale))


def need_ledger(ledger: "Ledger | None") -> "Ledger":
    """Return the ledger. Raises `ConnectorError` (`unsupported`) without one."""
    if ledger is None:
        message = "This needs a host with a ledger: Host(ledger=Ledger())."
        raise ConnectorError(ErrorCode.UNSUPPORTED, message)
    return ledger


async def find_flow(ledger: "Ledger", flow_id: str) -> KnownFlow:
    """Return a flow with its content. Raises `ConnectorError` (`not_found`, `unavailable`)."""
    known = await usable(ledger.flow(flow_id))
    if known is None or known.document is None:
        raise lost_flow()
    return known


async def usable(future: "Future[T]") -> T:
    """Wait for an answer of the ledger. Raises `ConnectorError` (`unavailable`) if it cannot be used."""
    try:
        return await committed(future)
    except LedgerError as error:
        message = f"The ledger cannot be used: {error}"
        raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None


def lost_flow() -> ConnectorError:
    """Return the error of a flow that the ledger does not have, or whose content is erased."""
    message = "The ledger has no such flow, or its content was erased."
    return ConnectorError(ErrorCode.NOT_FOUND, message)


def has_output(step: KnownStep) -> bool:
    """Return whether a step has an output: it has succeeded, or it was kept."""
    is_over = step.item == WHOLE and step.state in {"done", "kept"}
    return is_over and step.record is not None


async def _changed(
    ledger: "Ledger", origin: str, known: KnownFlow, flow: Flow, inputs: JsonObject
) -> Collection[str] | None:
    """Return the steps that have changed since a flow ran; None if that cannot be found out."""
    found = known if origin == known.flow_id else await usable(ledger.flow(origin))
    if found is None or found.document is None:
        return None
    old, errors = read_flow(found.document)
    if errors:
        return None
    return stale_steps(flow, inputs, old, found.inputs or {})


def _with_users(before: Sequence[FlowStep], stale: Collection[str]) -> Collection[str]:
    """Add the steps that refer to a stale one: a kept output may be of an older flow than they are."""
    found = set(stale)
    for step in before:
        if any(source in found for source in steps_of(step)):
            found.add(step.id)
    return found
