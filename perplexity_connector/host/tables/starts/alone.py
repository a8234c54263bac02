"""Conditions of work on a job: this process does not work on it already, and its ledger can be used.

Other processes are refused by the ledger.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.tables.refusals import refusal

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.ledger import Ledger

Part: TypeAlias = Literal["rows", "output"]

# The parts of jobs that this process works on, by ledger, job and part.
_ACTIVE: set[tuple[str, str, Part]] = set()


@contextmanager
def alone(ledger: "Ledger", job: str, *parts: Part) -> Iterator[None]:
    """Work on parts of a job. Raises `ConnectorError` (`invalid_input`) if this process does so already."""
    mine: set[tuple[str, str, Part]] = {(ledger.place, job, part) for part in parts}
    if mine & _ACTIVE:
        message = f"Process {os.getpid()} works on this job already."
        raise refusal(message)
    _ACTIVE.update(mine)
    try:
        yield
    finally:
        _ACTIVE.difference_update(mine)


@contextmanager
def usable_ledger() -> Iterator[None]:
    """Raise `ConnectorError` (`unavailable`) if the ledger cannot be used: nothing was sent yet."""
    try:
        yield
    except LedgerError as error:
        message = f"The ledger cannot be used, so nothing was sent: {error}"
        raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None
