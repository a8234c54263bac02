"""A small reference host: discover, describe, validate, run, stream, keep connections.

It meets connectors through pluggy alone. Importing it and reading the palette load none of the
heavy libraries; these come with the first run or validation.
"""

from typing import TYPE_CHECKING

from perplexity_connector.contract.lazy import lazy_names

if TYPE_CHECKING:
    from perplexity_connector.host.config import *
    from perplexity_connector.host.credentials.backend import *
    from perplexity_connector.host.credentials.private_files import *
    from perplexity_connector.host.credentials.store import *
    from perplexity_connector.host.flows.params import *
    from perplexity_connector.host.host import *
    from perplexity_connector.host.ledger.entries import *
    from perplexity_connector.host.ledger.ledger import *
    from perplexity_connector.host.limits.rate_limiter import *
    from perplexity_connector.host.runs.params import *
    from perplexity_connector.host.shared import *
    from perplexity_connector.host.sync import *
    from perplexity_connector.host.tables.params import *
else:
    # Lightest first: a look-up imports every part before the one that has the name.
    __getattr__ = lazy_names(
        __name__,
        (
            "host",
            "shared",
            "credentials.private_files",
            "runs.params",
            "flows.params",
            "tables.params",
            "ledger.entries",
            "ledger.ledger",
            "credentials.backend",
            "credentials.store",
            "config",
            "limits.rate_limiter",
            "sync",
        ),
    )
