"""Times on the command line: spans such as 30d, and moments of the ledger."""

import re
import time
from datetime import UTC, datetime

from perplexity_connector.cli.exits import UsageError

_SECONDS = {"m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


def begin_of(span: str | None) -> int | None:
    """Return when a span that ends now began, in milliseconds of the epoch; None without a span.

    Raises `UsageError` for a span that is not a number and a unit.
    """
    if span is None:
        return None
    found = re.fullmatch(r"([0-9]{1,6})([mhdw])", span.strip().lower())
    if not found:
        message = "--since must be a span such as 90m, 12h, 30d or 4w."
        raise UsageError(message)
    seconds = int(found[1]) * _SECONDS[found[2]]
    return max(0, int((time.time() - seconds) * 1000))


def moment(milliseconds: int) -> datetime:
    """Return a moment of the ledger, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def iso(milliseconds: int | None) -> str | None:
    """Return a moment of the ledger as documents have it."""
    if milliseconds is None:
        return None
    return moment(milliseconds).isoformat(timespec="milliseconds")


def clock(milliseconds: int) -> str:
    """Return a moment of the ledger for people, in the time of this machine."""
    return moment(milliseconds).astimezone().strftime("%Y-%m-%d %H:%M")
