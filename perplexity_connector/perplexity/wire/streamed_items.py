"""Put together the output items of a run from the events of its stream.

The order of arrival is the order of the items and of the text. Sequence numbers only show replays:
gateways change them (docs/provider.md, "Agent stream").
"""

from array import array
from collections.abc import Iterable, Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import (
    as_int,
    as_list,
    as_object,
    as_objects,
    as_text,
)
from perplexity_connector.perplexity.wire.provider_json import read_json
from perplexity_connector.perplexity.wire.streamed_item import (
    MESSAGE,
    TEXT_OF_PART,
    StreamedItem,
    StreamedPart,
    part_text,
)

# The items that bring sources -> the name of their list.
SOURCE_LISTS = {
    "search_results": "results",
    "fetch_url_results": "contents",
    "finance_results": "results",
}
# The events that bring sources early -> the item that repeats them.
INTERIM = {f"response.reasoning.{kind}": kind for kind in SOURCE_LISTS}
_DELTAS = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
}
# What names the place of a delta.
_PLACE = ("output_index", "item_id", "content_index")
_DONE_TEXTS = {
    "response.output_text.done": "output_text",
    "response.refusal.done": "refusal",
}


class StreamedItems:
    """The output items that the stream of one run has brought.

    * `items`: in the order in which they arrived.
    * `changed`: the message that the last event changed; None if it changed none.
    * `delta`: the piece of text that the last event added at the end of `changed`; None if the text
      changed in another way.
    * `size`: about how many bytes are kept here.
    * `sources_version`: grows with each event that brought sources.
    * `_by_index`, `_by_id`: the items by `output_index` and by id.
    * `_highest`: the highest sequence number so far.
    * `_recent`, `_older`: a hash of each numbered frame, to recognize replays. All are recent until
      a number does not rise: few streams have replays, and a set takes ten times the memory.
    * `_numbers_rise`: false once a number did not rise although its frame is a new one. Then a
      gateway has changed the numbers, and no frame of this stream is a replay.
    * `_is_recounted`: whether the last event made `_numbers_rise` false.
    * `_place`, `_current`: the place that the last delta named, and its message and part. They save
      the search for the next delta, which nearly always goes to the same part.
    """

    def __init__(self) -> None:
        """Begin before the first event."""
        self.items: list[StreamedItem] = []
        self.changed: StreamedItem | None = None
        self.delta: str | None = None
        self.size = 0
        self.sources_version = 0
        self._by_index: dict[int, StreamedItem] = {}
        self._by_id: dict[str, StreamedItem] = {}
        self._highest = -1
        self._recent = array("q")
        self._older: set[int] = set()
        self._numbers_rise = True
        self._place: tuple[JsonValue, ...] = ()
        self._current: tuple[StreamedItem, StreamedPart] | None = None
        self._is_recounted = False

    def add(self, event: JsonObject, data: bytes) -> bool:
        """Add an event, whose frame had these bytes. Return whether it is not a replay."""
        self.changed = self.delta = None
        self._is_recounted = False
        is_replay = self._is_replay(event, data)
        kind = as_text(event.get("type"))
        if kind in _DELTAS:
            self._add_delta(event, _DELTAS[kind], is_replay=is_replay)
        elif not is_replay:
            self._current = None
            self._add_whole(event, kind, data)
        return not is_replay

    def output_items(self) -> Sequence[JsonObject]:
        """Return the items in the form of the provider's final object.

        Interim sources count only where no finished item has them.
        """
        found = [(item, _output_item(item)) for item in self.items]
        finished = [content for item, content in found if not item.is_interim]
        return [
            without_known_sources(content, finished) if item.is_interim else content
            for item, content in found
            if item.kind == MESSAGE or item.sources
        ]

    def source_items(self) -> Sequence[JsonObject]:
        """Return the items that have sources, the finished ones first, for the marks of a live text.

        Interim sources count until an item that is finished later has their address, even under
        another number: the final object has finished items only.
        """
        found = [(item, _output_item(item)) for item in self.items if item.sources]
        finished = [pair for pair in found if not pair[0].is_interim]
        interim = [
            _without_addresses(
                content,
                [other for later, other in finished if later.version > item.version],
            )
            for item, content in found
            if item.is_interim
        ]
        return [*(content for _, content in finished), *interim]

    def _is_replay(self, event: JsonObject, data: bytes) -> bool:
        number = as_int(event.get("sequence_number"))
        if number is None or not self._numbers_rise:
            return False
        frame = hash(data)
        if number <= self._highest:
            self._older.update(self._recent)
            del self._recent[:]
            if frame in self._older:
                return True
            self._count_replays()
            return False
        self._highest = number
        self._recent.append(frame)
        return False

    def _count_replays(self) -> None:
        self._numbers_rise, self._is_recounted = False, True
        self._older.clear()
        for item in self.items:
            for part in item.parts.values():
                part.count_replays()

    def _add_delta(self, event: JsonObject, kind: str, *, is_replay: bool) -> None:
        given = event.get("delta")
        # Not `as_text`: it would replace the half of a character whose other half is still to come.
        delta = given if isinstance(given, str) else ""
        place = (kind, *map(event.get, _PLACE))
        if place != self._place or self._current is None:
            message = self._message(event)
            part = self._part(message, event, kind)
            self._place, self._current = place, (message, part)
        message, part = self._current
        part.add_delta(delta, is_replay=is_replay)
        self.size += len(delta)
        if not is_replay:
            self.changed = message
            self.delta = None if self._is_recounted else delta

    def _add_whole(self, event: JsonObject, kind: str, data: bytes) -> None:
        if kind in _DONE_TEXTS:
            part_kind = _DONE_TEXTS[kind]
            text = as_text(event.get(TEXT_OF_PART[part_kind]))
            self.changed = self._message(event)
            self._part(self.changed, event, part_kind).text_done = text
        elif kind == "response.content_part.done":
            self._finish_part(event)
        elif kind == "response.output_item.added":
            self._begin_item(event, as_object(event.get("item")))
        elif kind == "response.output_item.done":
            self._finish_item(event, as_object(event.get("item")), data)
        elif kind in INTERIM:
            item = self._new_item(event, INTERIM[kind], is_interim=True)
            item.missing = _names(item.kind, event)
            self._keep_sources(item, event, data)
        else:
            return
        self.size += len(data)

    def _finish_part(self, event: JsonObject) -> None:
        content = as_object(event.get("part"))
        kind = as_text(content.get("type"))
        if kind not in TEXT_OF_PART:
            return
        self.changed = self._message(event)
        part = self._part(self.changed, event, kind)
        part.part_done = part_text(content)
        part.annotations = as_objects(content.get("annotations"))

    def _begin_item(self, event: JsonObject, content: JsonObject) -> None:
        kind, name = as_text(content.get("type")), as_text(content.get("id"))
        item = self._known(event, name)
        if item is None or item.done or item.sources or item.is_other(kind, name):
            item = self._new_item(event, kind, name)
        item.kind = kind
        item.phase = as_text(content.get("phase")) or item.phase
        self.changed = item if kind == MESSAGE else None

    def _finish_item(self, event: JsonObject, content: JsonObject, data: bytes) -> None:
        kind, name = as_text(content.get("type")), as_text(content.get("id"))
        item = self._known(event, name)
        if item is None and kind == MESSAGE:
            item = self._open_message()
        if item is None or item.is_finished_by_another(kind, content):
            item = self._new_item(event, kind, name)
        item.kind = kind
        if kind == MESSAGE:
            item.id = name or item.id
            item.phase = as_text(content.get("phase")) or item.phase
            item.done, self.changed = content, item
        elif kind in SOURCE_LISTS:
            self._keep_sources(item, content, data)
            self._drop_listed(kind, content)

    def _keep_sources(
        self, item: StreamedItem, content: JsonObject, data: bytes
    ) -> None:
        """Keep the bytes of an event with sources. None is lost or doubled if the item had some."""
        known = set(_names(item.kind, _output_item(item)))
        names = set(_names(item.kind, content))
        if names >= known:
            item.sources = (data,)
        elif names - known:
            item.sources += (data,)
        self.sources_version += 1
        item.version = self.sources_version

    def _drop_listed(self, kind: str, content: JsonObject) -> None:
        """Drop the interim items whose sources are all in finished ones: each source is kept once."""
        listed = frozenset(_names(kind, content))
        for item in self.items:
            if item.is_interim and item.kind == kind:
                item.missing = [name for name in item.missing if name not in listed]
        self.items = [
            item for item in self.items if item.missing or not item.is_interim
        ]

    def _message(self, event: JsonObject) -> StreamedItem:
        """Return the message that a text belongs to."""
        name = as_text(event.get("item_id"))
        item = self._known(event, name)
        if item is None and not name and as_int(event.get("output_index")) is None:
            item = self._open_message()
        if item is None or item.kind != MESSAGE:
            return self._new_item(event, MESSAGE, name)
        return item

    def _part(
        self, message: StreamedItem, event: JsonObject, kind: str
    ) -> StreamedPart:
        index = as_int(event.get("content_index")) or 0
        part = message.parts.get(index)
        if part is None:
            part = message.parts[index] = StreamedPart(kind)
        part.kind = kind
        return part

    def _known(self, event: JsonObject, id: str) -> StreamedItem | None:
        index = as_int(event.get("output_index"))
        by_index = None if index is None else self._by_index.get(index)
        return self._by_id.get(id) or by_index

    def _open_message(self) -> StreamedItem | None:
        messages = [item for item in self.items if item.kind == MESSAGE]
        return messages[-1] if messages and messages[-1].done is None else None

    def _new_item(
        self, event: JsonObject, kind: str, id: str = "", *, is_interim: bool = False
    ) -> StreamedItem:
        item = StreamedItem(kind, id)
        item.is_interim = is_interim
        self.items.append(item)
        index = as_int(event.get("output_index"))
        if index is not None and not is_interim:
            self._by_index[index] = item
        if id:
            self._by_id[id] = item
        return item


def _output_item(item: StreamedItem) -> JsonObject:
    if item.kind == MESSAGE:
        return item.message()
    if not item.sources:
        return {}
    name = SOURCE_LISTS[item.kind]
    first, *others = (as_object(read_json(data)) for data in item.sources)
    if item.is_interim:
        return {"type": item.kind, name: as_list(first.get(name))}
    content = as_object(first.get("item"))
    for event in others:
        more = without_known_sources(as_object(event.get("item")), [content])
        rows = [*as_list(content.get(name)), *as_list(more.get(name))]
        content = {**content, name: rows}
    return content


def without_known_sources(item: JsonObject, known: Iterable[JsonObject]) -> JsonObject:
    """Return a source item without the sources that a known item of its type has."""
    kind = as_text(item.get("type"))
    name = SOURCE_LISTS[kind]
    same = [other for other in known if other.get("type") == kind]
    names = {name for other in same for name in _names(kind, other)}
    rows = as_objects(item.get(name))
    return {**item, name: [row for row in rows if _name(row) not in names]}


def _without_addresses(item: JsonObject, known: Iterable[JsonObject]) -> JsonObject:
    """Return a source item without the sources whose address a known item of its type has."""
    kind = as_text(item.get("type"))
    name = SOURCE_LISTS[kind]
    same = [other for other in known if other.get("type") == kind]
    urls = {_url(row) for other in same for row in as_list(other.get(name))}
    rows = as_list(item.get(name))
    return {**item, name: [row for row in rows if _url(row) not in urls]}


def _url(row: JsonValue) -> str:
    return as_text(as_object(row).get("url"))


def _names(kind: str, item: JsonObject) -> Sequence[str]:
    """Return a name for each source of an item of that kind."""
    return [_name(row) for row in as_objects(item.get(SOURCE_LISTS[kind]))]


def _name(source: JsonObject) -> str:
    """Return a name for a source: its id, else its address, else all of it."""
    number = as_int(source.get("id"))
    if number is not None:
        return str(number)
    return as_text(source.get("url")) or repr(source)
