"""Entries of the ledger as documents. Money is in USD, times are milliseconds of the epoch."""

from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.host.ledger.entries import ENDED
from perplexity_connector.host.ledger.flow_entries import WHOLE
from perplexity_connector.host.spending.money import usd_or_none

if TYPE_CHECKING:
    from perplexity_connector.contract import JsonObject
    from perplexity_connector.host.ledger.entries import KnownJob, KnownRun
    from perplexity_connector.host.ledger.flow_entries import (
        HistoryEntry,
        KnownFlow,
        KnownStep,
    )
    from perplexity_connector.workbench.uploads import SentTable

_Document: TypeAlias = dict[str, object]


def entry_document(entry: "HistoryEntry") -> _Document:
    """Return an entry of the list."""
    return {
        "kind": entry.kind,
        "id": entry.id,
        "title": entry.title,
        "at": entry.at,
        "ended_at": entry.ended_at,
        "status": entry.status,
        "cost": usd_or_none(entry.cost),
        "sandbox": entry.is_sandbox,
        "summary": entry.summary,
        "inputs": entry.inputs,
        "steps": entry.steps,
        "counts": entry.counts,
    }


def flow_document(flow: "KnownFlow") -> _Document:
    """Return a flow with its steps. `flow` is null if its content was erased."""
    return {
        "kind": "flow",
        "flow_id": flow.flow_id,
        "title": flow.title,
        "source": flow.source,
        "flow": flow.document,
        "inputs": flow.inputs,
        "part": flow.part,
        "status": flow.state,
        "at": flow.created_at,
        "ended_at": flow.ended_at,
        "cost": usd_or_none(flow.cost),
        "sandbox": flow.is_sandbox,
        "steps": [_step_document(step) for step in flow.steps],
    }


def _step_document(step: "KnownStep") -> _Document:
    document: _Document = {
        "id": step.step,
        "state": step.state,
        "run_id": step.run_id,
        "run_state": step.run_state,
        "kept_from": step.kept_from,
        "cost": usd_or_none(step.cost),
        "envelope": step.record,
    }
    if step.item != WHOLE:
        document["item"] = step.item
    return document


def run_document(run: "KnownRun") -> _Document:
    """Return a run outside flows and tables."""
    return {
        "kind": "run",
        "run_id": run.run_id,
        "connector": run.connector,
        "action": run.action,
        "version": run.version,
        "connection": run.connection,
        "input": run.input,
        "status": _run_status(run),
        "at": run.created_at,
        "ended_at": run.ended_at,
        "cost": usd_or_none(run.cost),
        "sandbox": run.is_sandbox,
        "envelope": run.output,
    }


def _run_status(run: "KnownRun") -> str:
    if run.state == "unsure":
        return "unsure"
    ended = run.status or "failed"
    return ended if run.state in ENDED else "running"


def job_document(
    job: "KnownJob", flow: "JsonObject | None", table: "SentTable | None"
) -> _Document:
    """Return a table.

    `flow` is null for a table that runs an action, or once it is erased. `table` is the id of the
    file that a page has sent, null without it.
    """
    return {
        "kind": "table",
        "job_id": job.job_id,
        "table": table.table_id if table else None,
        "title": job.name,
        "flow": flow,
        "at": job.created_at,
        "ended_at": job.ended_at,
        "end_reason": job.end_reason,
        "counts": job.counts,
        "cost": usd_or_none(job.cost),
        "budget": usd_or_none(job.cap),
        "sandbox": job.is_sandbox,
    }
