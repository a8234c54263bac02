"""Translate the events of a run's stream into the events that a listener gets."""

from collections.abc import Callable, Sequence

from perplexity_connector.contract import EventType, JsonObject, JsonValue
from perplexity_connector.contract.json import as_int, as_list, as_objects, as_text
from perplexity_connector.perplexity.wire.citation_marks import MarkRewriter
from perplexity_connector.perplexity.wire.live_sources import LiveSources
from perplexity_connector.perplexity.wire.sources import page, result_id


class EventTranslator:
    """Emit a listener's events while a run goes on, and the rest of the text at its end.

    * `shown`: how many characters of the answer the listener has, earlier attempts included.
    * `_pieces`: the text that this attempt has emitted.
    * `_last_number`: the highest sequence number so far. An event that is not above it is a
      repetition, or is late, and is ignored.
    * `_sources`: the sources so far, for the numbers of citation marks.
    * `_rewriter`: rewrites citation marks; None for a structured answer, which stays as it is.
    """

    __slots__ = (
        "_emit",
        "_last_number",
        "_pieces",
        "_rewriter",
        "_sources",
        "shown",
    )

    def __init__(
        self, emit: Callable[[JsonObject], None], *, structured: bool, shown: int = 0
    ) -> None:
        """Emit through `emit`; `shown` is the length of text that earlier attempts emitted."""
        self._emit = emit
        self._sources = LiveSources()
        rewriter = MarkRewriter(self._sources.number_of_web_mark)
        self._rewriter = None if structured else rewriter
        self._last_number: int | None = None
        self._pieces: list[str] = []
        self.shown = shown

    def feed(self, event: JsonObject) -> None:
        """Emit the listener's event for one event of the provider, if it has one."""
        if self._is_repeated(event):
            return
        match as_text(event.get("type")):
            case "response.output_text.delta":
                delta = as_text(event.get("delta"))
                self._show(self._rewriter.feed(delta) if self._rewriter else delta)
            case "response.reasoning.search_queries":
                self._emit(_search_queries(event))
            case "response.reasoning.search_results":
                self._sources.add(event)
                self._emit(_search_results(event))
            case "response.reasoning.fetch_url_results" | "response.output_item.done":
                self._sources.add(event)
            case "response.reasoning.fetch_url_queries":
                self._emit(
                    {"type": EventType.STATUS.value, "message": "Reading pages."}
                )

    def finish(self, content: str) -> bool:
        """Emit the rest of the final text.

        Return False, and emit nothing, if the text shown so far is not how the final one begins.
        """
        if self.shown > len(content) or not content.startswith("".join(self._pieces)):
            return False
        self._show(content[self.shown :])
        return True

    def _is_repeated(self, event: JsonObject) -> bool:
        number = as_int(event.get("sequence_number"))
        if number is None:
            return False
        if self._last_number is not None and number <= self._last_number:
            return True
        self._last_number = number
        return False

    def _show(self, piece: str) -> None:
        if piece:
            self._pieces.append(piece)
            self.shown += len(piece)
            self._emit({"type": EventType.TEXT_DELTA.value, "text": piece})


def _search_queries(event: JsonObject) -> JsonObject:
    texts = [as_text(query) for query in as_list(event.get("queries"))]
    queries: Sequence[JsonValue] = [text for text in texts if text]
    return {"type": EventType.SEARCH_QUERIES.value, "queries": queries}


def _search_results(event: JsonObject) -> JsonObject:
    results = [
        page(row) | {"id": result_id(row)} for row in as_objects(event.get("results"))
    ]
    return {"type": EventType.SEARCH_RESULTS.value, "results": results}
