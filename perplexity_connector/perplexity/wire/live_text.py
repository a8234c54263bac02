"""The text of a run's answer, piece by piece, while it is streamed."""

from io import StringIO

from perplexity_connector.perplexity.wire.streamed_item import (
    MESSAGE,
    StreamedItem,
    half_at_end,
    with_whole_characters,
)
from perplexity_connector.perplexity.wire.streamed_items import StreamedItems

# Between two messages.
BLANK_LINE = "\n\n"


class LiveText:
    """Finds the new text after each event.

    Messages are shown one after the other. The next one begins when the one before it is over, so
    that the text shown is the beginning of the final text.

    * `_streamed`: the items of the stream.
    * `_message`: the message that is being shown; None before the first.
    * `_shown`: the text of it that was given out.
    * `_half`: the first half of a character whose other half has not arrived.
    * `_needs_break`: whether a message with text was shown before this one.
    """

    def __init__(self, streamed: StreamedItems) -> None:
        """Begin before the first event."""
        self._streamed = streamed
        self._message: StreamedItem | None = None
        self._shown = StringIO()
        self._half = ""
        self._needs_break = False

    def next_piece(self) -> str:
        """Return the text that the last event of the stream added; empty if it added none."""
        changed, delta = self._streamed.changed, self._streamed.delta
        if changed is None:
            return ""
        if changed is self._message and delta is not None and not changed.is_commentary:
            return self._next_delta(delta)
        return self._catch_up()

    def _next_delta(self, delta: str) -> str:
        if delta.isascii() and not self._half:
            return self._give(delta)
        text = self._half + delta
        self._half = half_at_end(text)
        return self._give(with_whole_characters(text.removesuffix(self._half)))

    def _catch_up(self) -> str:
        """Return all text that can be shown now; nothing where the shown text has changed."""
        pieces = []
        message = self._message or self._following(None)
        while message is not None:
            self._begin(message)
            self._half = message.half
            text, shown = message.text(), self._shown.getvalue()
            # The half reads as a replacement character in the whole text.
            text = text[: len(text) - len(self._half)]
            if text.startswith(shown) and not message.is_commentary:
                pieces.append(self._give(text[len(shown) :]))
            message = self._following(message) if message.is_over else None
        return "".join(pieces)

    def _following(self, message: StreamedItem | None) -> StreamedItem | None:
        items = self._streamed.items
        start = items.index(message) + 1 if message else 0
        messages = (item for item in items[start:] if item.kind == MESSAGE)
        return next((item for item in messages if not item.is_commentary), None)

    def _begin(self, message: StreamedItem) -> None:
        if message is self._message:
            return
        self._needs_break = self._needs_break or bool(self._shown.getvalue())
        self._message, self._shown = message, StringIO()

    def _give(self, piece: str) -> str:
        if not piece:
            return ""
        is_first = self._needs_break and not self._shown.tell()
        self._shown.write(piece)
        return BLANK_LINE + piece if is_first else piece
