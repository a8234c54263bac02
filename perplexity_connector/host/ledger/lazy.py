"""The modules that need SQLAlchemy. Each is imported with its first use, by the thread that writes."""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "budgets",
    "claims",
    "erasing",
    "flow_reading",
    "flows",
    "history",
    "journal_files",
    "keeping",
    "kept_plans",
    "planning",
    "reading",
    "row_planning",
    "run_ends",
    "run_units",
    "table_lines",
    "takeovers",
    "turns",
    "usage",
]

if TYPE_CHECKING:
    from perplexity_connector.host.ledger import journal_files
    from perplexity_connector.host.ledger.records import (
        erasing,
        flow_reading,
        history,
        keeping,
        reading,
        usage,
    )
    from perplexity_connector.host.ledger.transactions import (
        budgets,
        claims,
        flows,
        kept_plans,
        planning,
        row_planning,
        run_ends,
        run_units,
        table_lines,
        takeovers,
        turns,
    )
else:
    _PACKAGES = {"journal_files": ""} | dict.fromkeys(
        ("erasing", "flow_reading", "history", "keeping", "reading", "usage"),
        ".records",
    )

    def __getattr__(name: str) -> object:
        """Import a module with its first use."""
        if name not in __all__:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        package = _PACKAGES.get(name, ".transactions")
        module = import_module(f"perplexity_connector.host.ledger{package}.{name}")
        globals()[name] = module  # for the next use
        return module
