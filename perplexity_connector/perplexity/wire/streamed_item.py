"""One output item of a run, put together from the events of its stream.

A text arrives up to four times: as deltas, and whole in `output_text.done`, `content_part.done` and
`output_item.done`. A later one of this list is trusted more (docs/provider.md, "Agent stream").
"""

from collections.abc import Iterator, Sequence
from io import StringIO

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_object, as_objects, as_text

MESSAGE = "message"
# A part's type -> the name of its text.
TEXT_OF_PART = {"output_text": "text", "refusal": "refusal"}


def trusted_text(*texts: str) -> str:
    """Return the best of several forms of one text, the most trusted form first.

    A less trusted form counts only where it begins with the more trusted one, so is longer.
    """
    best = ""
    for text in texts:
        if text.startswith(best):
            best = text
    return best


def with_whole_characters(text: str) -> str:
    """Join the halves of characters (surrogates), then replace a half that stays alone."""
    if text.isascii():
        return text
    joined = text.encode("utf-16-le", "surrogatepass")
    return as_text(joined.decode("utf-16-le", "surrogatepass"))


def half_at_end(text: str) -> str:
    """Return the first half of a character (a high surrogate) at the end of a text, if any."""
    return text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""


class StreamedPart:
    """One content part of a message.

    * `kind`: `output_text` or `refusal`.
    * `part_done`, `text_done`: its text in `content_part.done` and in `output_text.done`.
    * `annotations`: the annotations that `content_part.done` brought.
    * `_counted`: the joined deltas without replays.
    * `_all`: the joined deltas with replays; None while there was no replay.
    """

    __slots__ = ("_all", "_counted", "annotations", "kind", "part_done", "text_done")

    def __init__(self, kind: str) -> None:
        """Begin without text."""
        self.kind = kind
        self.part_done = self.text_done = ""
        self.annotations: Sequence[JsonValue] = ()
        self._counted = StringIO()
        self._all: StringIO | None = None

    def add_delta(self, delta: str, *, is_replay: bool) -> None:
        """Add a piece of text; a replay counts only if the numbers turn out to be wrong."""
        if is_replay and self._all is None:
            self._all = StringIO()
            self._all.write(self._counted.getvalue())
        if self._all is not None:
            self._all.write(delta)
        if not is_replay:
            self._counted.write(delta)

    def count_replays(self) -> None:
        """Count the replays too, from now on."""
        self._counted = self._all or self._counted
        self._all = None

    @property
    def half(self) -> str:
        """The first half of a character at the end of the deltas, if any."""
        return half_at_end(self._counted.getvalue())

    def text(self) -> str:
        """Return the text, by the order of trust."""
        deltas = with_whole_characters(self._counted.getvalue())
        return trusted_text(self.part_done, self.text_done, deltas)


class StreamedItem:
    """One output item.

    * `kind`: its type, such as `message`.
    * `id`: the provider's id of it; empty if unknown.
    * `phase`: the phase of a message, such as `commentary`; empty if unknown.
    * `parts`: the parts of a message that events brought, by their index.
    * `done`: the item from `output_item.done`; of a message only.
    * `sources`: the events that brought sources, as bytes: decoded they would take more memory. It
      is one, unless the item was finished again with other sources.
    * `version`: the version of the stream's sources that the last of these events made.
    * `is_interim`: whether the sources are interim ones, which `output_item.done` repeats.
    * `missing`: the names of the interim sources that no finished item has yet.
    """

    __slots__ = (
        "done",
        "id",
        "is_interim",
        "kind",
        "missing",
        "parts",
        "phase",
        "sources",
        "version",
    )

    def __init__(self, kind: str, id: str = "") -> None:
        """Begin without content."""
        self.kind, self.id, self.phase = kind, id, ""
        self.parts: dict[int, StreamedPart] = {}
        self.done: JsonObject | None = None
        self.sources: tuple[bytes, ...] = ()
        self.version = 0
        self.is_interim = False
        self.missing: Sequence[str] = ()

    @property
    def is_commentary(self) -> bool:
        """Whether this message says that it is not the answer."""
        return self.phase == "commentary"

    @property
    def is_over(self) -> bool:
        """Whether no more text is to be expected."""
        last = next(reversed(self.parts.values()), None)
        is_part_done = last is not None and bool(last.part_done or last.text_done)
        return self.done is not None or is_part_done

    @property
    def half(self) -> str:
        """The first half of a character at the end of the text, if any."""
        last = next(reversed(self.parts.values()), None)
        return last.half if last and not self.is_over else ""

    def is_other(self, kind: str, id: str) -> bool:
        """Return whether an item of this type and id cannot be this one, which has text already.

        Some gateways give several items the same `output_index`.
        """
        is_named_otherwise = bool(self.id and id and self.id != id)
        return bool(self.parts) and (kind != MESSAGE or is_named_otherwise)

    def is_finished_by_another(self, kind: str, content: JsonObject) -> bool:
        """Return whether this item has its final content already, from another item."""
        if self.parts and kind != MESSAGE:
            return True
        if self.id and self.id == content.get("id"):
            return bool(self.sources) and kind != self.kind
        return bool(self.sources) or (self.done is not None and self.done != content)

    def text(self) -> str:
        """Return the text of a message, by the order of trust."""
        parts = "".join(part.text() for part in self.parts.values())
        done = as_objects((self.done or {}).get("content"))
        return trusted_text("".join(map(part_text, done)), parts)

    def message(self) -> dict[str, JsonValue]:
        """Return a message in the form of the provider's final object."""
        done = as_objects((self.done or {}).get("content"))
        content: Sequence[JsonObject] = [*self._parts(done)]
        if "".join(map(part_text, done)) == self.text():
            content = done
        return {
            "type": MESSAGE,
            "id": self.id,
            "phase": self.phase or None,
            "content": content,
        }

    def _parts(self, done: Sequence[JsonObject]) -> Iterator[JsonObject]:
        for number, part in enumerate(self.parts.values()):
            finished = as_object(done[number]) if number < len(done) else {}
            annotations = finished.get("annotations") or part.annotations
            yield {
                "type": part.kind,
                TEXT_OF_PART[part.kind]: part.text(),
                "annotations": annotations,
            }


def part_text(part: JsonObject) -> str:
    """Return the text of a content part, which may be a refusal; empty for other parts."""
    return as_text(part.get(TEXT_OF_PART.get(as_text(part.get("type")), "")))
