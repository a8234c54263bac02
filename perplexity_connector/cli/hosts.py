"""Makes the host and the journal of a command.

Imports are inside the functions, so that `actions` and `describe` start fast (docs/performance.md).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.host import Host

if TYPE_CHECKING:
    from perplexity_connector.cli.journal import Journal
    from perplexity_connector.cli.targets import Settings
    from perplexity_connector.host import HostOptions


def make_host(settings: "Settings") -> Host:
    """Make the host that runs the actions. Tests replace this."""
    return Host(settings=settings)


def make_server_host(options: "HostOptions") -> Host:
    """Make the host behind the workbench or the MCP server. Tests replace this."""
    return Host(**options)


def make_journal() -> "Journal":
    """Make the journal of unfinished runs. Raises as `journal_folder` does."""
    from perplexity_connector.cli.journal import Journal

    return Journal(journal_folder())


def journal_folder() -> Path:
    """Return the folder of the unfinished runs. Tests replace this.

    Raises `UsageError` if the user has no home folder.
    """
    from perplexity_connector.host.environment import state_folder

    try:
        return state_folder("perplexity-connector") / "runs"
    except RuntimeError:
        message = (
            "Unfinished runs are kept in the home folder, but you have none. Set HOME."
        )
        raise UsageError(message) from None
