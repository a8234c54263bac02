"""Keep the events of a run's stream as bytes, and read from them on demand.

Each event has a `type`, and most have an `event:` line with the same name (docs/provider.md, "Agent
stream"). A frame without data is not an event. A frame whose data is not a JSON object is skipped:
gateways send such frames, and the answer may follow.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.readers import as_object, as_text
from perplexity_connector.perplexity.wire.provider_json import read_json
from perplexity_connector.perplexity.wire.run_status import (
    ENDED,
    RUNNING,
    is_error,
)
from perplexity_connector.perplexity.wire.sse import (
    Received,
    ServerEvent,
    usual_events,
    usual_form,
)
from perplexity_connector.perplexity.wire.streamed_items import StreamedItems

TERMINAL = frozenset(f"response.{status}" for status in ENDED)
# The most bytes of undecoded events that are kept. Beyond it events are decoded, and it limits
# text and sources.
MOST_BYTES = 16 * 1024 * 1024
# The names of the events about a part of the run.
_ABOUT_PART = r"response\.[^.\n]*\.[^\n]*"
# The form of a stream without a listener: these events stay unread.
UNHEARD = usual_form(_ABOUT_PART.encode())


class Transcript:
    """The events that the stream of one run has sent so far.

    * `run_id`: the provider's id of the run, from the first event that has one; None before it.
    * `status`: the run's status in the latest event that has one; empty before it.
    * `terminal`: the event that ended the run; None before it.
    * `error`: the first `error` event; None without one. It does not end a run whose id is known.
    * `is_error_first`: whether nothing but that error has arrived, so that no run was begun.
    * `streamed`: the output items of the events that were decoded.
    * `_frames`: how many frames with data `add` has decoded, skipped ones too.
    * `_kept`: the events that were not needed yet, undecoded: decoding them costs time.
    * `_kept_size`: their size in bytes.
    * `_is_decoding`: true once `_kept` was too large. From then on only text and sources are kept.
    """

    __slots__ = (
        "_frames",
        "_is_decoding",
        "_kept",
        "_kept_size",
        "error",
        "is_error_first",
        "run_id",
        "status",
        "streamed",
        "terminal",
    )

    def __init__(self, run_id: str | None = None) -> None:
        """Begin before the first event; pass `run_id` to continue a known run."""
        self.run_id = run_id
        self.status = ""
        self.terminal: JsonObject | None = None
        self.error: JsonObject | None = None
        self.is_error_first = False
        self.streamed = StreamedItems()
        self._frames = 0
        self._kept: list[Received] = []
        self._kept_size = 0
        self._is_decoding = False

    def add(self, event: Received, *, decode: bool) -> JsonObject | None:
        """Add an event. Return its content if it was decoded and is not a replay.

        An event about a part of the run is only kept, as bytes, unless `decode` is set; so are events
        that stayed together. Raises `OverflowError` when the text and the sources are too large.
        """
        if isinstance(event, bytes):
            self._add_unread(event)
            return None
        if not event.data or event.data.isspace():
            return None
        if not decode and is_about_part(event) and self._may_keep:
            self._keep(event)
            return None
        self._frames += 1
        try:
            content = _decode(event.data)
        except ValueError:
            return None
        if "response" in content:
            response = as_object(content["response"])
            self.run_id = self.run_id or _run_id(response.get("id"))
            self.status = as_text(response.get("status")) or self.status
        return self._take(content, event, decode=decode)

    @property
    def response(self) -> JsonObject:
        """The run's object from the terminal event; empty without one."""
        return as_object((self.terminal or {}).get("response"))

    def output_items(self) -> Sequence[JsonObject]:
        """Return the output items that were streamed so far, in their order of arrival.

        They have the form of the provider's final object. A message's text is assembled from its
        events by the order of trust.
        """
        self._decode_kept()
        return self.streamed.output_items()

    def may_have_commentary(self) -> bool:
        """Return whether a message of the stream may be commentary. This decodes nothing."""
        word = b'"commentary"'
        is_kept = any(word in _bytes_of(event) for event in self._kept)
        return is_kept or any(item.is_commentary for item in self.streamed.items)

    @property
    def _may_keep(self) -> bool:
        # Until the id is known, each event may name it.
        return self.run_id is not None and not self._is_decoding

    def _add_unread(self, events: bytes) -> None:
        if self._may_keep:
            self._keep(events)
            return
        for event in usual_events(events):
            self.add(event, decode=False)
            if self.terminal or self.error:
                break

    def _take(
        self, content: JsonObject, event: ServerEvent, *, decode: bool
    ) -> JsonObject | None:
        kind = as_text(content.get("type"))
        is_new = True
        if decode or self._is_decoding:
            is_new = self.streamed.add(content, event.data)
            if self.streamed.size > MOST_BYTES:
                message = "the stream has too much text"
                raise OverflowError(message)
        else:
            self._keep(event)
        if kind in TERMINAL:
            self.terminal = self.terminal or content
        elif kind == "error" and self.error is None:
            self.error = content
            self.is_error_first = self._frames == 1 and self.run_id is None
        return content if is_new else None

    def _keep(self, event: Received) -> None:
        self._kept.append(event)
        self._kept_size += len(_bytes_of(event))
        if self._kept_size > MOST_BYTES:
            self._is_decoding = True
            self._decode_kept()

    def _decode_kept(self) -> None:
        kept, self._kept, self._kept_size = self._kept, [], 0
        for _, data in _one_by_one(kept):
            try:
                self.streamed.add(_decode(data), data)
            except ValueError:
                continue  # not a JSON object


def _one_by_one(events: Iterable[Received]) -> Iterator[ServerEvent]:
    for event in events:
        if isinstance(event, bytes):
            yield from usual_events(event)
        else:
            yield event


def _bytes_of(event: Received) -> bytes:
    return event if isinstance(event, bytes) else event.data


def is_about_part(event: ServerEvent) -> bool:
    """Return whether an event is about a part of the run, as `response.output_text.delta` is.

    `response.completed` is about the whole run.
    """
    return re.fullmatch(_ABOUT_PART, event.name) is not None


def _run_id(value: object) -> str | None:
    # It becomes part of an address and of logs, so it must look like an id, and must not be an
    # echo of a key.
    form = r"(?!.*pplx-)[A-Za-z0-9_-]{1,128}"
    return value if isinstance(value, str) and re.fullmatch(form, value) else None


def _decode(data: bytes) -> JsonObject:
    """Decode an event. Raises `ValueError` for data that is not a JSON object."""
    content = read_json(data)
    if not isinstance(content, dict):
        message = "an event is an object"
        raise ValueError(message)  # noqa: TRY004 - to the caller this is one more malformed event
    if as_text(content.get("type")).startswith("response."):
        return content
    if is_error(content):
        # It may still be the event that names the run, so `response` stays where it is.
        return content | {"type": "error"}
    status = as_text(content.get("status"))
    if "type" in content or not status:
        return content
    # A gateway that buffers streams answers with the plain body. That is the object which a
    # terminal event carries.
    kind = "response.created" if status in RUNNING else f"response.{status}"
    return {"type": kind, "response": content}
