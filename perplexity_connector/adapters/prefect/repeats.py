"""Run an action once for a flow run, however often Prefect begins that flow run.

Prefect begins a flow run again after a crash, and perhaps while its first process goes on. The ledger
has the run under the flow run's id, so it says what became of it.
"""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.host import Ledger, SyncHost

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.ledger.entries import KnownRun
    from perplexity_connector.host.runs.params import GivenConnection

# Between two looks at a run of another process.
_PAUSE_S = 2.0


class UnsureRunError(Exception):
    """The run may have been paid, and its answer is lost."""

    def __init__(self, run_id: str) -> None:
        """Name the run."""
        super().__init__(
            f"Run {run_id} may have been paid, and its answer is lost. A new flow run pays again."
        )


class LostAnswerError(Exception):
    """The run has ended, and the ledger has not kept its answer."""

    def __init__(self, run_id: str) -> None:
        """Name the run."""
        super().__init__(
            f"Run {run_id} has ended, and its answer was not kept. A new flow run pays again."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A run that a flow run wants.

    * `run_id`: the flow run's id.
    * `is_idempotent`: whether the action may be repeated freely.
    """

    run_id: str
    connector: str
    action: str
    version: int
    is_idempotent: bool
    input: JsonObject = field(repr=False)
    connection: "GivenConnection" = field(default=None, repr=False)


def run_once(host: SyncHost, ledger: Ledger, wanted: Wanted) -> "EnvelopeDocument":
    """Run an action, or go on with what an earlier process of this flow run has begun.

    A finished run is given back, and a begun one is followed. A failed one that may be repeated is,
    under a further id. Waits while a living process works on it. Raises `UnsureRunError`,
    `LostAnswerError`.
    """
    while True:
        run_id, known = _last(ledger, wanted)
        if known and not (known.state == "begun" and known.checkpoint):
            return _outcome(known)
        checkpoint = known.checkpoint if known else None
        envelope = _run(host, wanted, run_id, checkpoint)
        if envelope["status"] == "succeeded" or not _has_another(ledger, run_id):
            return envelope


def _has_another(ledger: Ledger, run_id: str) -> bool:
    """Return whether another process has the run: both began in the same moment, and this one was refused."""
    if ledger.settle_run(run_id).result():
        return True
    known = ledger.run(run_id).result()
    return known is not None and known.state == "done"


def _last(ledger: Ledger, wanted: Wanted) -> "tuple[str, KnownRun | None]":
    """Return the id of the run that counts, and what the ledger has of it: nothing if it has not begun."""
    run_id, number = wanted.run_id, 1
    while True:
        while ledger.settle_run(run_id).result():
            time.sleep(_PAUSE_S)
        known = ledger.run(run_id).result()
        if known is None or not _may_repeat(known, wanted):
            return run_id, known
        number += 1
        run_id = f"{wanted.run_id}-{number}"


def _run(
    host: SyncHost, wanted: Wanted, run_id: str, checkpoint: JsonObject | None
) -> "EnvelopeDocument":
    return host.run(
        wanted.connector,
        wanted.action,
        wanted.input,
        version=wanted.version,
        connection=wanted.connection,
        run_id=run_id,
        resume_from=checkpoint,
        durable=True,
    )


def _may_repeat(known: "KnownRun", wanted: Wanted) -> bool:
    """Return whether a run failed, and had no effect or may be repeated freely."""
    return known.state == "failed" and (known.effect == "none" or wanted.is_idempotent)


def _outcome(known: "KnownRun") -> "EnvelopeDocument":
    if known.state not in {"done", "failed"}:
        raise UnsureRunError(known.run_id)
    if known.output is None:
        raise LostAnswerError(known.run_id)
    return known.output
