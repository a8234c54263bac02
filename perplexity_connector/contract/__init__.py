"""The contract between hosts and connectors. No HTTP, no pydantic, no Perplexity.

The names are those in the `__all__` of each part. A part is imported when one of its names is
first used: reading a palette needs three of two dozen dataclasses, and each takes half a
millisecond to make (docs/performance.md).
"""

from typing import TYPE_CHECKING

from perplexity_connector.contract.lazy import lazy_names

if TYPE_CHECKING:
    from perplexity_connector.contract.connector import *
    from perplexity_connector.contract.context import *
    from perplexity_connector.contract.descriptions import *
    from perplexity_connector.contract.documents import *
    from perplexity_connector.contract.envelope import *
    from perplexity_connector.contract.errors import *
    from perplexity_connector.contract.estimating import *
    from perplexity_connector.contract.events import *
    from perplexity_connector.contract.flow import *
    from perplexity_connector.contract.hints import *
    from perplexity_connector.contract.hookspecs import *
    from perplexity_connector.contract.json import *
    from perplexity_connector.contract.limiter import *
    from perplexity_connector.contract.manifest import *
    from perplexity_connector.contract.observing import *
    from perplexity_connector.contract.options import *
    from perplexity_connector.contract.repeating import *
    from perplexity_connector.contract.result import *
    from perplexity_connector.contract.secret import *
    from perplexity_connector.contract.status import *
    from perplexity_connector.contract.tables import *
    from perplexity_connector.contract.versions import *
else:
    # Hidden from type checkers, so that they still reject unknown names.
    # A look-up imports every part before the one that has the name: the lightest first, and those
    # that most runs do not need last.
    __getattr__ = lazy_names(
        __name__,
        (
            "json",
            "versions",
            "secret",
            "errors",
            "limiter",
            "repeating",
            "events",
            "result",
            "status",
            "manifest",
            "envelope",
            "context",
            "connector",
            "hookspecs",
            "options",
            "flow",
            "observing",
            "hints",
            "estimating",
            "documents",
            "tables",
            "descriptions",
        ),
    )
