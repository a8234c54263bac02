"""The plan of a table before its rows run: shown, and asked about."""

import sys
from typing import TYPE_CHECKING

import typer

from perplexity_connector.cli.exits import UsageError

if TYPE_CHECKING:
    from perplexity_connector.contract import TablePlannedItem

# Without a terminal to ask on, a plan that is likely to cost more needs --yes or --budget.
_UNASKED_USD = 1.0


def may_begin(plan: "TablePlannedItem", *, is_sure: bool, has_budget: bool) -> bool:
    """Ask on a terminal. Elsewhere raise `UsageError` for a high price without a budget."""
    if is_sure or not plan["runs"]:
        return True
    if sys.stdin.isatty():
        return typer.confirm("Begin?", err=True)
    if plan["price"]["likely"] > _UNASKED_USD and not has_budget:
        message = (
            "The likely price is above 1 USD. Add --budget or --yes. Nothing was sent."
        )
        raise UsageError(message)
    return True
