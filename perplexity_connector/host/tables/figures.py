"""The plan and the end of a table as documents."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from perplexity_connector.host.ledger.entries import Claim, KnownJob, KnownLine
from perplexity_connector.host.spending.money import NANO, in_usd
from perplexity_connector.host.tables.inputs.planning import Plan
from perplexity_connector.host.tables.jobs import TableJob
from perplexity_connector.host.tables.outputs.output import free_path
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.tables.rows.brakes import Reason

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        TableFinishedItem,
        TablePlannedItem,
        TablePriceDocument,
        UnsureRowDocument,
    )

EndReason: TypeAlias = Reason | Literal["done"]


def planned_item(
    job: TableJob, plan: Plan, percentiles: Mapping[str, int], seconds: float | None
) -> "TablePlannedItem":
    """Return the plan of a job."""
    item: TablePlannedItem = {
        "type": "table.planned",
        "job_id": job.job_id,
        "rows": plan.rows,
        "doubles": plan.doubles,
        "done": plan.done,
        "runs": plan.runs,
        "going_on": plan.going_on,
        "changed": plan.changed,
        "invalid": plan.invalid,
        "price": _price(plan, percentiles),
        "seconds": seconds,
        "output": str(job.request.out),
    }
    if job.is_fresh and job.request.out.exists():
        item["kept_as"] = str(free_path(job.request.out))
    return item


def require_enough(plan: Plan, percentiles: Mapping[str, int], cap: int | None) -> None:
    """Refuse a budget that is smaller than the reservation of one row."""
    largest = max(
        (max(worst, _own(percentiles, group)) for group, worst in plan.largest.items()),
        default=0,
    )
    if cap is not None and cap < largest:
        message = (
            f"The budget of {in_usd(cap)} is smaller than what one row reserves, {in_usd(largest)}. "
            "Raise it, or make the rows cheaper."
        )
        raise refusal(message)


def _price(plan: Plan, percentiles: Mapping[str, int]) -> "TablePriceDocument":
    # Where own runs have cost more than the shipped figure, each row reserves that.
    more = sum(
        plan.priced[group] * max(0, _own(percentiles, group) - worst)
        for group, worst in plan.largest.items()
    )
    return {
        "likely": plan.likely / NANO,
        "worst": (plan.worst + more) / NANO,
        "currency": "USD",
        "basis": "estimate" if plan.groups else "list_price",
    }


def _own(percentiles: Mapping[str, int], group: str | None) -> int:
    """Return the cost that own runs of a group hardly ever exceed; 0 with a listed price, or if it is not known."""
    return 0 if group is None else percentiles.get(group, 0)


def finished_item(  # noqa: PLR0913 - the parts of the end, each from another place
    job_id: str,
    job: KnownJob | None,
    reason: EndReason,
    *,
    cause: str | None = None,
    message: str | None,
    failures: Sequence[KnownLine],
    begun: Sequence[Claim] = (),
    has_keys: bool,
    output: str,
    unsaved: str | None = None,
    unsaved_lines: Sequence[str] = (),
) -> "TableFinishedItem":
    """Return the end of the work for a job; `job` is None if the ledger cannot be read."""
    return {
        "type": "table.finished",
        "job_id": job_id,
        "reason": reason,
        "cause": cause,
        "message": message,
        "rows": dict(job.counts) if job else {},
        "failed": _failed(failures),
        "unsure": _unsure(failures, has_keys=has_keys),
        "begun": [claim.run_id for claim in begun],
        "cost": job.cost / NANO if job else 0.0,
        "output": output,
        "unsaved": unsaved,
        "unsaved_lines": list(unsaved_lines),
    }


def _failed(failures: Sequence[KnownLine]) -> dict[str, list[int]]:
    """Return the lines of the failed rows by error code."""
    failed: dict[str, list[int]] = {}
    for line in failures:
        if line.state == "failed":
            failed.setdefault(line.error_code or "", []).append(line.number)
    return failed


def _unsure(
    failures: Sequence[KnownLine], *, has_keys: bool
) -> "list[UnsureRowDocument]":
    return [
        {
            "line": line.number,
            "key": line.key if has_keys else "",
            "run_id": line.run_id or "",
        }
        for line in failures
        if line.state == "unsure"
    ]
