"""Entries of the ledger as documents. Money is in USD, times are milliseconds of the epoch."""

from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.host.ledger.entries import ENDED
from perplexity_connector.host.ledger.flow_entries import WHOLE
from perplexity_connector.host.spending.money import NANO

if TYPE_CHECKING:
    from perplexity_connector.contract import JsonObject
    from perplexity_connector.host.ledger.entries import KnownJob, KnownRun
    from perplexity_connector.host.ledger.flow_entries import (
        HistoryEntry,
        KnownFlow,
        KnownStep,
    )

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
        "cost": _usd(entry.cost),
        "sandbox": entry.is_sandbox,
        "summary": entry.summary,
        "steps": entry.steps,
        "counts": entry.counts,
    }


def flow_document(flow: "KnownFlow") -> _Document:
    """Return a flow with its steps. `flow` is null if its content was erased."""
    open_status = "running" if flow.is_running else "interrupted"
    return {
        "kind": "flow",
        "flow_id": flow.flow_id,
        "title": flow.title,
        "source": flow.source,
        "flow": flow.document,
        "inputs": flow.inputs,
        "part": flow.part,
        "status": flow.status or open_status,
        "at": flow.created_at,
        "ended_at": flow.ended_at,
        "cost": _usd(flow.cost),
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
        "cost": _usd(step.cost),
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
        "cost": _usd(run.cost),
        "sandbox": run.is_sandbox,
        "envelope": run.output,
    }


def _run_status(run: "KnownRun") -> str:
    if run.state == "unsure":
        return "unsure"
    ended = run.status or "failed"
    return ended if run.state in ENDED else "running"


def job_document(job: "KnownJob", flow: "JsonObject | None") -> _Document:
    """Return a table, and the flow that it runs; that is null for an action, or once it is erased."""
    return {
        "kind": "table",
        "job_id": job.job_id,
        "title": job.name,
        "flow": flow,
        "at": job.created_at,
        "ended_at": job.ended_at,
        "end_reason": job.end_reason,
        "counts": job.counts,
        "cost": _usd(job.cost),
        "budget": _usd(job.cap),
        "sandbox": job.is_sandbox,
    }


def _usd(nano: int | None) -> float | None:
    return None if nano is None else nano / NANO
