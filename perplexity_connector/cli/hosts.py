"""Makes the host and the ledger of a command.

Imports are inside the functions, so that `actions` and `describe` start fast (docs/performance.md).
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.host import Host
from perplexity_connector.host.environment import DAILY_BUDGET_VARIABLE

if TYPE_CHECKING:
    from perplexity_connector.cli.records import Records
    from perplexity_connector.host import HostOptions, Ledger


def make_host(options: "HostOptions") -> Host:
    """Make the host of a command. Tests replace this.

    A host without a ledger refuses a daily budget. In a command it only describes actions, and gets none.
    """
    if "ledger" in options or DAILY_BUDGET_VARIABLE not in os.environ:
        return Host(**options)
    without: HostOptions = {
        "environ": {**os.environ, DAILY_BUDGET_VARIABLE: ""},
        **options,
    }
    return Host(**without)


def make_ledger() -> "Ledger":
    """Make the ledger of this user, which nothing opens yet. Tests replace this."""
    # By its full name: a look-up in `host` would import more.
    from perplexity_connector.host.ledger.ledger import Ledger

    return Ledger(journal=_journal_folder())


def _journal_folder() -> Path | None:
    """Return where earlier releases kept unfinished runs; None without a home folder."""
    from perplexity_connector.host.environment import state_folder

    try:
        return state_folder("perplexity-connector") / "runs"
    except RuntimeError:
        return None


def make_records() -> "Records":
    """Return the ledger for one command, a context manager."""
    from perplexity_connector.cli.records import Records

    return Records(make_ledger())
