"""The events of a plugin: which of them a host passes on."""

from typing import TYPE_CHECKING, TypeGuard

from perplexity_connector.contract import EventType
from perplexity_connector.contract.json import Document

if TYPE_CHECKING:
    from perplexity_connector.contract import EventDocument


def is_event(document: Document) -> "TypeGuard[EventDocument]":
    """Return whether a document with a `seq` is an event of a known type, with the part it needs."""
    match document:
        case {"type": EventType.TEXT_DELTA, "text": str()}:
            return True
        case {"type": EventType.STATUS, "message": str()}:
            return True
        case {"type": EventType.SEARCH_QUERIES, "queries": list(queries)}:
            return all(isinstance(query, str) for query in queries)
        case {"type": EventType.SEARCH_RESULTS, "results": list(results)}:
            return all(isinstance(result, dict) for result in results)
    return False
