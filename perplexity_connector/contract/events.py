"""The events of a running action.

An event is one flat JSON mapping with a `type`; the host adds `seq`.
"""

from enum import StrEnum

__all__ = ["EventType"]


class EventType(StrEnum):
    """The types of events. A host ignores types that it does not know.

    `text.delta` has the key `text`, `search.queries` has `queries`, `search.results` has `results`,
    `status` has `message`.
    """

    TEXT_DELTA = "text.delta"
    SEARCH_QUERIES = "search.queries"
    SEARCH_RESULTS = "search.results"
    STATUS = "status"
