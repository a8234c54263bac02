"""Make the plan of an unchanged table from the ledger, without reading its lines.

The ledger keeps, of the last table that was entered completely, a digest of all that its plan was made of, and
the part of the plan that no row has. The rest is counted.
"""

from typing import TYPE_CHECKING, cast

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.version import own_version
from perplexity_connector.host.ledger.entries import ENDED, KeptPlan, Retry
from perplexity_connector.host.tables.inputs.planning import Plan, digest_of

if TYPE_CHECKING:
    from perplexity_connector.contract import InvalidLineDocument

# A plan with more invalid lines is not kept.
_MOST_INVALID = 1000


def digest_of_plan(*made_of: JsonValue) -> str:
    """Return the digest of all that a plan is made of, this release too."""
    return digest_of([*made_of, own_version()])


def document_of(plan: Plan, columns: tuple[str, ...]) -> JsonObject | None:
    """Return the part of a plan that no row has; None if it is too large."""
    if len(plan.invalid) > _MOST_INVALID:
        return None
    return {
        "columns": list(columns),
        "last_line": plan.last_line,
        "invalid": cast("list[JsonObject]", plan.invalid),
    }


def kept_columns(kept: KeptPlan) -> tuple[str, ...]:
    """Return the columns of the table."""
    return tuple(cast("list[str]", kept.document["columns"]))


def kept_plan(kept: KeptPlan, table_digest: str, retry: Retry | None) -> Plan:
    """Return the plan that the planner would make of the same table. All its lines are in the ledger."""
    last_line = cast("int", kept.document["last_line"])
    plan = Plan(last_line=last_line, table_digest=table_digest)
    plan.invalid = cast("list[InvalidLineDocument]", kept.document["invalid"])
    for state, rows in kept.rows.items():
        lines = kept.lines[state]
        plan.rows += lines
        plan.doubles += lines - rows
        if state in ENDED and state != retry:
            plan.done += lines
        else:
            plan.runs += rows
    plan.going_on = kept.rows.get("begun", 0)
    _add_prices(plan, kept)
    return plan


def _add_prices(plan: Plan, kept: KeptPlan) -> None:
    for group, rows in kept.open.items():
        if group is not None:
            plan.groups.add(group)
        plan.likely += rows.likely
        plan.worst += rows.worst
        plan.largest[group] = rows.largest
        plan.priced[group] = rows.count
