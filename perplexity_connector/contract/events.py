"""What a running action may tell a listener. An event is one flat JSON mapping with a `type`; the host stamps `seq`."""

from enum import StrEnum

__all__ = ["EventType"]


class EventType(StrEnum):
    """The types of event, each with the key it carries. A host ignores types that it does not know.

    `text.delta` carries `text`, `search.queries` carries `queries`, `search.results` carries `results`, `status`
    carries `message`.
    """

    TEXT_DELTA = "text.delta"
    SEARCH_QUERIES = "search.queries"
    SEARCH_RESULTS = "search.results"
    STATUS = "status"
