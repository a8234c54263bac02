"""Collect the sources that marks can cite, while a run goes on."""

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.perplexity.wire.sources import Sources, collect_sources

# The key of each kind of item that holds its sources, and the event that sends them early.
_KEYS = {"search_results": "results", "fetch_url_results": "contents"}
_EARLY = {f"response.reasoning.{kind}": kind for kind in _KEYS}


class LiveSources:
    """The sources so far, from the events of a run.

    * `_items`: the finished output items that have sources.
    * `_early`: by kind of item, the sources of reasoning events that no finished item has yet.
    * `_collected`: the sources of both; None once something was added.
    """

    __slots__ = ("_collected", "_early", "_items")

    def __init__(self) -> None:
        """Begin without sources."""
        self._items: list[JsonObject] = []
        self._early: dict[str, list[JsonValue]] = {kind: [] for kind in _KEYS}
        self._collected: Sources | None = None

    def add(self, event: JsonObject) -> None:
        """Add the sources of an event of the provider, if it has any."""
        name = as_text(event.get("type"))
        item = as_object(event.get("item"))
        kind = as_text(item.get("type"))
        if name in _EARLY:
            self._add_early(_EARLY[name], event)
        elif name == "response.output_item.done" and kind in _KEYS:
            self._add_item(kind, item)

    def number_of_web_mark(self, mark: int) -> int | None:
        """Return the number of the source that `[web:mark]` cites, as far as it is known."""
        if self._collected is None:
            early = [
                {"type": kind, _KEYS[kind]: rows} for kind, rows in self._early.items()
            ]
            self._collected = collect_sources([*self._items, *early])
        return self._collected.number_of_web_mark(mark)

    def _add_early(self, kind: str, event: JsonObject) -> None:
        self._early[kind] += as_list(event.get(_KEYS[kind]))
        self._collected = None

    def _add_item(self, kind: str, item: JsonObject) -> None:
        self._items.append(item)
        listed = {_url(row) for row in as_list(item.get(_KEYS[kind]))}
        self._early[kind] = [
            row for row in self._early[kind] if _url(row) not in listed
        ]
        self._collected = None


def _url(row: JsonValue) -> str:
    return as_text(as_object(row).get("url"))
