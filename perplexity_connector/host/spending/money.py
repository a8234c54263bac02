"""Amounts of money: whole billionths of a US dollar, so that a sum of them is exact."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

from perplexity_connector.contract import ConnectorError, ErrorCode

# From whom a cost is known.
CostBasis: TypeAlias = Literal["provider", "list_price", "unknown"]

NANO = 10**9
# More than any budget, and small enough for the integers of every database.
_MOST = 10**9


def nano_usd(amount: object) -> int:
    """Return an amount of USD in billionths, rounded up. Raises `ValueError` for another value.

    A float counts as the decimal number that it is written as.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float | str | Decimal):
        raise ValueError  # noqa: TRY004 - to the caller this is one more unusable amount
    try:
        usd = Decimal(str(amount).strip())
    except InvalidOperation:
        raise ValueError from None
    # NaN is not below anything.
    if not (usd.is_finite() and 0 <= usd <= _MOST):
        raise ValueError
    return -int(-usd * NANO // 1)


def budget_cap(name: str, amount: object) -> int:
    """Return a budget in billionths. Raises `ConnectorError` (`invalid_input`) with its name."""
    try:
        return nano_usd(amount)
    except ValueError:
        message = f"{name} must be an amount of US dollars from 0 to 1,000,000,000, such as 5 or 2.50."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message) from None


def in_usd(nano: int) -> str:
    """Return an amount in words: at least two decimals, and all that are not zero."""
    usd = (Decimal(nano) / NANO).normalize()
    return f"{usd:f} USD" if usd.as_tuple().exponent < -2 else f"{usd:.2f} USD"  # type: ignore[operator]


def cost_of(usage: Mapping[str, object]) -> tuple[int | None, CostBasis]:
    """Return the cost in a run's usage, and its basis; None if it has none that can be read."""
    cost = usage.get("cost")
    if not isinstance(cost, Mapping) or cost.get("currency", "USD") != "USD":
        return None, "unknown"
    try:
        total = nano_usd(cost.get("total_cost"))
    except ValueError:
        return None, "unknown"
    return total, "list_price" if cost.get("basis") == "list_price" else "provider"
