"""Translate the events of a run's stream into the events that a listener gets."""

from collections.abc import Callable, Sequence

from perplexity_connector.contract import EventType, JsonObject, JsonValue
from perplexity_connector.contract.readers import as_list, as_objects, as_text
from perplexity_connector.perplexity.wire.citation_marks import MarkRewriter
from perplexity_connector.perplexity.wire.live_sources import LiveSources
from perplexity_connector.perplexity.wire.live_text import LiveText
from perplexity_connector.perplexity.wire.sources import page, result_id
from perplexity_connector.perplexity.wire.streamed_items import StreamedItems

_REASONING = "response.reasoning."
# Read once: an enum's `value` costs time for each piece of text.
_SEARCH_QUERIES = EventType.SEARCH_QUERIES.value
_SEARCH_RESULTS = EventType.SEARCH_RESULTS.value
_STATUS = EventType.STATUS.value
_TEXT_DELTA = EventType.TEXT_DELTA.value


class EventTranslator:
    """Emit a listener's events while a run goes on, and the rest of the text at its end.

    * `shown`: how many characters of the answer the listener has, earlier attempts included.
    * `_pieces`: the text that this attempt has emitted.
    * `_live`: finds the new text in the stream.
    * `_rewriter`: rewrites citation marks; None for a structured answer, which stays as it is.
    """

    __slots__ = ("_emit", "_live", "_pieces", "_rewriter", "shown")

    def __init__(
        self,
        emit: Callable[[JsonObject], None],
        streamed: StreamedItems,
        *,
        structured: bool,
        shown: int = 0,
    ) -> None:
        """Emit through `emit`; `shown` is the length of text that earlier attempts emitted.

        `streamed` has every event before it is fed here.
        """
        self._emit = emit
        self._live = LiveText(streamed)
        rewriter = MarkRewriter(LiveSources(streamed).number_of_web_mark)
        self._rewriter = None if structured else rewriter
        self._pieces: list[str] = []
        self.shown = shown

    def feed(self, event: JsonObject) -> None:
        """Emit the listener's events for one event of the provider, which is not a replay."""
        kind = as_text(event.get("type"))
        if piece := self._live.next_piece():
            self._show(self._rewriter.feed(piece) if self._rewriter else piece)
        if not kind.startswith(_REASONING):
            return
        match kind.removeprefix(_REASONING):
            case "search_queries":
                self._emit(_search_queries(event))
            case "search_results":
                self._emit(_search_results(event))
            case "fetch_url_queries":
                self._emit({"type": _STATUS, "message": "Reading pages."})

    def finish(self, content: str) -> bool:
        """Emit the rest of the final text.

        Return False, and emit nothing, if the text shown so far is not how the final one begins.
        """
        if self.shown > len(content) or not content.startswith("".join(self._pieces)):
            return False
        self._show(content[self.shown :])
        return True

    def _show(self, piece: str) -> None:
        if piece:
            self._pieces.append(piece)
            self.shown += len(piece)
            self._emit({"type": _TEXT_DELTA, "text": piece})


def _search_queries(event: JsonObject) -> JsonObject:
    texts = [as_text(query) for query in as_list(event.get("queries"))]
    queries: Sequence[JsonValue] = [text for text in texts if text]
    return {"type": _SEARCH_QUERIES, "queries": queries}


def _search_results(event: JsonObject) -> JsonObject:
    results = [
        page(row) | {"id": result_id(row)} for row in as_objects(event.get("results"))
    ]
    return {"type": _SEARCH_RESULTS, "results": results}
