"""The modules of the ledger's transactions. Each is imported with its first use: it needs SQLAlchemy."""

from typing import TYPE_CHECKING

from perplexity_connector.contract.lazy import lazy_names

__all__ = [
    "budgets",
    "claims",
    "journal_files",
    "keeping",
    "planning",
    "reading",
    "row_planning",
    "run_ends",
    "run_units",
    "table_lines",
    "usage",
]

if TYPE_CHECKING:
    from perplexity_connector.host.ledger import (
        budgets,
        claims,
        journal_files,
        keeping,
        planning,
        reading,
        row_planning,
        run_ends,
        run_units,
        table_lines,
        usage,
    )
else:
    __getattr__ = lazy_names("perplexity_connector.host.ledger", __all__)
