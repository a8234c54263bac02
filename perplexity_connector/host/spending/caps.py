"""The budgets that an operator sets, in billionths of USD."""

from collections.abc import Mapping

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.environment import DAILY_BUDGET_VARIABLE, daily_budget


def find_cap(budget: object) -> int | None:
    """Return the budget of a host; None without one. Raises `ConnectorError` (`invalid_input`)."""
    return None if budget is None else _cap("budget", budget)


def find_daily_cap(environ: Mapping[str, str], *, has_ledger: bool) -> int | None:
    """Return the environment's budget of a day; None without one.

    Raises `ConnectorError` (`invalid_input`), also without a ledger, which would count it.
    """
    if not (written := daily_budget(environ)):
        return None
    if not has_ledger:
        message = f"{DAILY_BUDGET_VARIABLE} is set, and only a ledger can count it: use Host(ledger=Ledger())."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    return _cap(DAILY_BUDGET_VARIABLE, written)


def _cap(name: str, amount: object) -> int:
    from perplexity_connector.host.spending.money import budget_cap  # noqa: PLC0415 - most hosts have no budget

    return budget_cap(name, amount)
