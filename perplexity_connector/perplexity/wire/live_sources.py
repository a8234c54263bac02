"""Collect the sources that marks can cite, while a run goes on."""

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_list, as_object, as_text
from perplexity_connector.perplexity.wire.sources import Sources, collect_sources
from perplexity_connector.perplexity.wire.streamed_items import INTERIM, SOURCE_LISTS


class LiveSources:
    """The sources so far, from the events of a run.

    * `_items`: the finished output items that have sources.
    * `_interim`: by kind of item, the sources of interim events that no finished item has yet.
    * `_collected`: the sources of both; None once something was added.
    """

    __slots__ = ("_collected", "_interim", "_items")

    def __init__(self) -> None:
        """Begin without sources."""
        self._items: list[JsonObject] = []
        self._interim: dict[str, list[JsonValue]] = {kind: [] for kind in SOURCE_LISTS}
        self._collected: Sources | None = None

    def add(self, kind: str, event: JsonObject) -> None:
        """Add the sources of an event of this type, if it has any."""
        if kind in INTERIM:
            self._add_interim(INTERIM[kind], event)
        elif kind == "response.output_item.done":
            self._add_item(as_object(event.get("item")))

    def number_of_web_mark(self, mark: int) -> int | None:
        """Return the number of the source that `[web:mark]` cites, as far as it is known."""
        if self._collected is None:
            interim = [
                {"type": kind, SOURCE_LISTS[kind]: rows}
                for kind, rows in self._interim.items()
            ]
            self._collected = collect_sources([*self._items, *interim])
        return self._collected.number_of_web_mark(mark)

    def _add_interim(self, kind: str, event: JsonObject) -> None:
        self._interim[kind] += as_list(event.get(SOURCE_LISTS[kind]))
        self._collected = None

    def _add_item(self, item: JsonObject) -> None:
        kind = as_text(item.get("type"))
        if kind not in SOURCE_LISTS:
            return
        self._items.append(item)
        listed = {_url(row) for row in as_list(item.get(SOURCE_LISTS[kind]))}
        self._interim[kind] = [
            row for row in self._interim[kind] if _url(row) not in listed
        ]
        self._collected = None


def _url(row: JsonValue) -> str:
    return as_text(as_object(row).get("url"))
