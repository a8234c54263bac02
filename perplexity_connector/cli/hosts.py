"""Makes the host and the ledger of a command.

Imports are inside the functions, so that `actions` and `describe` start fast (docs/performance.md).
"""

from typing import TYPE_CHECKING

from perplexity_connector.host import Host

if TYPE_CHECKING:
    from perplexity_connector.cli.records import Records
    from perplexity_connector.host import HostOptions
    from perplexity_connector.host.ledger.ledger import Ledger


def make_host(options: "HostOptions") -> Host:
    """Make the host of a command. Tests replace this."""
    return Host(**options)


def make_ledger() -> "Ledger":
    """Make the ledger of this user, which nothing opens yet. Tests replace this."""
    from perplexity_connector.host.ledger.ledger import Ledger

    return Ledger()


def make_records() -> "Records":
    """Return the ledger for one command, a context manager."""
    from perplexity_connector.cli.records import Records

    return Records(make_ledger())
