"""From the events of a run's stream to the events that a listener gets."""

from collections.abc import Callable, Sequence

from perplexity_connector.contract import EventType, JsonObject, JsonValue
from perplexity_connector.contract.json import as_int, as_list, as_objects, as_text
from perplexity_connector.perplexity.wire.citation_marks import MarkRewriter
from perplexity_connector.perplexity.wire.sources import page

_READING = frozenset({"response.reasoning.fetch_url_queries"})


class EventTranslator:
    """Tells a listener of a run as it goes, and at its end whatever was still missing of the text.

    `shown` is how many characters of the answer an earlier attempt of the same run has told already.
    """

    __slots__ = ("_emit", "_last", "_rewriter", "_told", "shown")

    def __init__(
        self, emit: Callable[[JsonObject], None], *, structured: bool, shown: int = 0
    ) -> None:
        """Tell `emit`; a structured answer's text goes through untouched."""
        self._emit = emit
        self._rewriter = None if structured else MarkRewriter()
        self._last: int | None = None
        self._told: list[str] = []
        self.shown = shown

    def tell(self, event: JsonObject) -> None:
        """Pass on what an event means to a listener. One that repeats or comes late means nothing."""
        number = as_int(event.get("sequence_number"))
        if number is not None and self._last is not None and number <= self._last:
            return
        self._last = self._last if number is None else number
        kind = as_text(event.get("type"))
        if kind == "response.output_text.delta":
            delta = as_text(event.get("delta"))
            self._show(self._rewriter.feed(delta) if self._rewriter else delta)
        elif kind == "response.reasoning.search_queries":
            queries: Sequence[JsonValue] = [
                as_text(query)
                for query in as_list(event.get("queries"))
                if as_text(query)
            ]
            self._emit({"type": EventType.SEARCH_QUERIES.value, "queries": queries})
        elif kind == "response.reasoning.search_results":
            found = [
                page(row) | {"id": as_int(row.get("id"))}
                for row in as_objects(event.get("results"))
            ]
            self._emit({"type": EventType.SEARCH_RESULTS.value, "results": found})
        elif kind in _READING:
            self._emit({"type": EventType.STATUS.value, "message": "Reading pages."})

    def finish(self, content: str) -> bool:
        """Show what is missing of the final text; False when what was shown is not how that text begins."""
        if self.shown > len(content) or not content.startswith("".join(self._told)):
            return False
        self._show(content[self.shown :])
        return True

    def _show(self, piece: str) -> None:
        if piece:
            self._told.append(piece)
            self.shown += len(piece)
            self._emit({"type": EventType.TEXT_DELTA.value, "text": piece})
