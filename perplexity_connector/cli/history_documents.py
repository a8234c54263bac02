"""Entries of the ledger as documents, for `--json`. Money is in USD, times are ISO 8601 in UTC."""

from typing import TYPE_CHECKING

from perplexity_connector.cli.spans import iso
from perplexity_connector.host.spending.money import usd_or_none

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.entries import KnownJob, KnownRun


def run_document(run: "KnownRun", *, whole: bool) -> dict[str, object]:
    """Return a run as a document; with its input and envelope if it is `whole`."""
    document: dict[str, object] = {
        "kind": "run",
        "id": run.run_id,
        "job": run.job_id,
        "flow": run.flow_id,
        "connector": run.connector,
        "action": run.action,
        "version": run.version,
        "connection": run.connection,
        "sandbox": run.is_sandbox,
        "state": run.state,
        "error_code": run.error_code,
        "effect": run.effect,
        "created_at": iso(run.created_at),
        "ended_at": iso(run.ended_at),
        "attempts": run.attempts,
        "model": run.model,
        "cost": usd_or_none(run.cost),
        "cost_basis": run.cost_basis,
        "kept": usd_or_none(run.kept),
        "perhaps_twice": run.perhaps_twice,
        "summary": run.summary,
    }
    if whole:
        document |= {"input": run.input, "envelope": run.output}
    return document


def job_document(job: "KnownJob") -> dict[str, object]:
    """Return a table's job as a document. One that has ended has no `unfinished_since`."""
    return {
        "kind": "job",
        "id": job.job_id,
        "name": job.name,
        "connector": job.connector,
        "action": job.action,
        "version": job.version,
        "connection": job.connection,
        "sandbox": job.is_sandbox,
        "created_at": iso(job.created_at),
        "ended_at": iso(job.ended_at),
        "unfinished_since": iso(job.created_at) if job.ended_at is None else None,
        "starts": job.starts,
        "rows": dict(job.counts),
        "cost": usd_or_none(job.cost),
        "committed": usd_or_none(job.committed),
        "budget": usd_or_none(job.cap),
        "perhaps_twice": job.perhaps_twice,
        "output": job.output,
        "content_erased": job.content_erased,
    }
