"""The sources that marks can cite, while a run goes on."""

from dataclasses import replace

from perplexity_connector.perplexity.wire.sources import Sources, collect_sources
from perplexity_connector.perplexity.wire.streamed_items import StreamedItems


class LiveSources:
    """The numbers of the sources so far.

    * `_streamed`: the items of the stream, which keep the sources as bytes.
    * `_known`: the numbers, without pages, as of `_version`; None before the first mark.
    * `_version`: the sources' version of `_streamed` then.
    """

    __slots__ = ("_known", "_streamed", "_version")

    def __init__(self, streamed: StreamedItems) -> None:
        """Follow the items of a stream."""
        self._streamed = streamed
        self._known: Sources | None = None
        self._version = 0

    def number_of_web_mark(self, mark: int) -> int | None:
        """Return the number of the source that `[web:mark]` cites, as far as it is known."""
        version = self._streamed.sources_version
        if self._known is None or self._version != version:
            self._version = version
            found = collect_sources(self._streamed.source_items())
            # A web mark needs no page, and pages take memory while the stream waits.
            self._known = replace(found, pages=())
        return self._known.number_of_web_mark(mark)
