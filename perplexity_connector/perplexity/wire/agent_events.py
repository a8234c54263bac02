"""Keep the events of a run's stream as bytes, and read from them on demand.

Each event has a `type`, and most have an `event:` line with the same name (docs/provider.md, "Agent
stream"). Sequence numbers rise, with gaps. An event whose number was passed already is a repetition
or is late, and is not counted twice.
"""

import re
from collections.abc import Iterator, Sequence

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import (
    as_int,
    as_object,
    as_objects,
    as_text,
    load_json,
)
from perplexity_connector.perplexity.wire.sse import ServerEvent

TERMINAL = frozenset(
    {
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
        "error",
    },
)
_RUNNING = frozenset({"queued", "in_progress"})


class Transcript:
    """The events that the stream of one run has sent so far.

    * `run_id`: the provider's id of the run, from the first event; None before it.
    * `terminal`: the event that ended the run; None before it.
    * `_kept`: the data of all other events, as bytes: decoded they take three times the memory.
    """

    __slots__ = ("_kept", "run_id", "terminal")

    def __init__(self, run_id: str | None = None) -> None:
        """Begin before the first event; pass `run_id` to continue a known run."""
        self.run_id = run_id
        self.terminal: JsonObject | None = None
        self._kept: list[bytes] = []

    def add(self, event: ServerEvent, *, decode: bool) -> JsonObject | None:
        """Add an event. Return its content if `decode` is set, or if it had to be decoded.

        Raises `ValueError` for an event that is not a JSON object.
        """
        if not decode and self._can_stay_bytes(event):
            self._kept.append(event.data)
            return None
        content = _decode(event.data)
        self.run_id = self.run_id or _run_id(
            as_object(content.get("response")).get("id")
        )
        if as_text(content.get("type")) in TERMINAL:
            self.terminal = self.terminal or content
        else:
            self._kept.append(event.data)
        return content

    @property
    def response(self) -> JsonObject:
        """The run's object from the terminal event; empty without one."""
        return as_object((self.terminal or {}).get("response"))

    def text(self) -> str:
        """Return the streamed part of the answer, as the provider wrote it."""
        parts: dict[tuple[int | None, int | None], str] = {}
        for event in self._events():
            place = (
                as_int(event.get("output_index")),
                as_int(event.get("content_index")),
            )
            if event.get("type") == "response.output_text.delta":
                parts[place] = parts.get(place, "") + as_text(event.get("delta"))
            elif event.get("type") == "response.output_text.done":
                parts[place] = as_text(event.get("text")) or parts.get(place, "")
        return "".join(parts.values())

    def results(self) -> Sequence[JsonObject]:
        """Return the streamed search results: of finished searches, else the interim ones."""
        events = self._events()
        items = [as_object(event.get("item")) for event in events]
        finished = [item for item in items if item.get("type") == "search_results"]
        interim = [
            event
            for event in events
            if event.get("type") == "response.reasoning.search_results"
        ]
        return [
            result
            for search in finished or interim
            for result in as_objects(search.get("results"))
        ]

    def output_items(self) -> Sequence[JsonObject]:
        """Return the streamed output items: the finished ones, else those of interim events."""
        events = self._events()
        finished = [
            as_object(event.get("item"))
            for event in events
            if event.get("type") == "response.output_item.done"
        ]
        types = {as_text(item.get("type")) for item in finished}
        interim = [
            {**event, "type": kind}
            for event in events
            for kind in ("search_results", "fetch_url_results")
            if event.get("type") == f"response.reasoning.{kind}" and kind not in types
        ]
        return [*finished, *interim]

    def _can_stay_bytes(self, event: ServerEvent) -> bool:
        is_known = event.name.startswith("response.") and event.name not in TERMINAL
        return bool(self.run_id) and is_known

    def _events(self) -> Sequence[JsonObject]:
        return _in_order(list(_decode_all(self._kept)))


def _run_id(value: object) -> str | None:
    # It becomes part of an address and of logs, so it must look like an id, and must not be an
    # echo of a key.
    form = r"(?!.*pplx-)[A-Za-z0-9_-]{1,128}"
    return value if isinstance(value, str) and re.fullmatch(form, value) else None


def _decode(data: bytes) -> JsonObject:
    content = load_json(data)
    if not isinstance(content, dict):
        message = "an event is an object"
        raise ValueError(message)  # noqa: TRY004 - to the caller this is one more malformed event
    if "type" in content:
        return content
    status = as_text(content.get("status"))
    if not status:
        # It may still be the event that names the run, so `response` stays where it is.
        return content | {"type": "error"} if content.get("error") else content
    # A gateway that buffers streams answers with the plain body. That is the object which a
    # terminal event carries.
    kind = "response.created" if status in _RUNNING else f"response.{status}"
    return {"type": kind, "response": content}


def _decode_all(kept: Sequence[bytes]) -> Iterator[JsonObject]:
    for data in kept:
        try:
            yield _decode(data)
        except ValueError:
            continue  # the other events can still be read


def _in_order(events: Sequence[JsonObject]) -> Sequence[JsonObject]:
    """Sort events by sequence number, the first of each; as they are if one has no number."""
    by_number: dict[int, JsonObject] = {}
    for event in events:
        number = as_int(event.get("sequence_number"))
        if number is None:
            return events
        by_number.setdefault(number, event)
    return [by_number[number] for number in sorted(by_number)]
