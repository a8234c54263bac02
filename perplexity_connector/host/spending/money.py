"""Amounts of money: whole billionths of a US dollar, so that a sum of them is exact."""

from collections.abc import Mapping
from decimal import (
    MAX_EMAX,
    MAX_PREC,
    MIN_EMIN,
    ROUND_CEILING,
    Context,
    Decimal,
    InvalidOperation,
)
from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, ErrorCode

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.entries import CostBasis

NANO = 10**9
# More than any budget, and small enough for the integers of every database.
_MOST = 10**9
_BILLIONTHS = 9  # decimals
# Rounds nothing by itself.
_EXACTLY = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


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
    if not (usd.is_finite() and 0 <= usd <= _MOST):
        raise ValueError
    return int(usd.scaleb(_BILLIONTHS, _EXACTLY).to_integral_value(ROUND_CEILING))


def usd_or_none(nano: int | None) -> float | None:
    """Return billionths in USD; None if they are not known."""
    return None if nano is None else nano / NANO


def budget_cap(name: str, amount: object) -> int:
    """Return a budget in billionths. Raises `ConnectorError` (`invalid_input`) with its name."""
    try:
        return nano_usd(amount)
    except ValueError:
        message = f"{name} must be an amount in US dollars, such as 5 or 2.50, and not above a billion."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message) from None


def in_usd(nano: int) -> str:
    """Return an amount in words, with two decimals or as many as it has."""
    whole, rest = divmod(nano, NANO)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals} USD"


def cost_of(usage: Mapping[str, object]) -> "tuple[int | None, CostBasis]":
    """Return the cost in a run's usage and its basis; None if it has none that can be read.

    `in_doubt_cost` is of requests that may have been billed, too.
    """
    cost = usage.get("cost")
    if not isinstance(cost, Mapping) or cost.get("currency", "USD") != "USD":
        return None, "unknown"
    try:
        total = nano_usd(cost.get("total_cost"))
        if "in_doubt_cost" in cost:
            total += nano_usd(cost["in_doubt_cost"])
    except ValueError:
        return None, "unknown"
    return total, "list_price" if cost.get("basis") == "list_price" else "provider"
