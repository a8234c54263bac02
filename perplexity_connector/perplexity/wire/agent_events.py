"""What the stream of a run has said so far, kept as bytes until somebody needs it.

Events are those of perplexity_api 8.1: each has a `type`, most an `event:` line that repeats it. Sequence numbers rise
with holes; an event whose number was already passed is a repetition or came late, and is not counted twice.
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
    """A run as its stream tells it: its id from the first event, its end from the terminal one, the rest on demand."""

    __slots__ = ("_kept", "run_id", "terminal")

    def __init__(self, run_id: str | None = None) -> None:
        """Begin before the first event; `run_id` is known when a run is re-attached to."""
        self.run_id = run_id
        self.terminal: JsonObject | None = None
        self._kept: list[bytes] = []

    def add(self, event: ServerEvent, *, decode: bool) -> JsonObject | None:
        """Take an event in; its content, when it had to be decoded or `decode` asks for it.

        Raises `ValueError` for an event that is not a JSON object.
        """
        if (
            not decode
            and self.run_id
            and event.name.startswith("response.")
            and event.name not in TERMINAL
        ):
            self._kept.append(event.data)
            return None
        content = _event(event.data)
        self.run_id = self.run_id or _run_id(
            as_object(content.get("response")).get("id")
        )
        if as_text(content.get("type")) in TERMINAL:
            self.terminal = self.terminal or content
        else:
            # As bytes, decoded or not: an event in Python's objects takes three times the memory.
            self._kept.append(event.data)
        return content

    @property
    def response(self) -> JsonObject:
        """The run as its terminal event gives it; empty when that was missing or carried none."""
        return as_object((self.terminal or {}).get("response"))

    def text(self) -> str:
        """The answer as far as it was streamed, as the provider wrote it."""
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
        """The search results that were streamed."""
        events = self._events()
        found = [
            event
            for event in events
            if event.get("type") == "response.reasoning.search_results"
        ]
        done = [as_object(event.get("item")) for event in events]
        items = [item for item in done if item.get("type") == "search_results"]
        return [
            result
            for holder in items or found
            for result in as_objects(holder.get("results"))
        ]

    def _events(self) -> Sequence[JsonObject]:
        return _in_order(_decoded(self._kept))


def _run_id(value: object) -> str | None:
    # It becomes part of an address and of logs, so only what looks like an id is one, and nothing that echoes a key.
    return (
        value
        if isinstance(value, str)
        and re.fullmatch(r"(?!.*pplx-)[A-Za-z0-9_-]{1,128}", value)
        else None
    )


def _event(data: bytes) -> JsonObject:
    content = load_json(data)
    if not isinstance(content, dict):
        message = "an event is an object"
        raise ValueError(message)  # noqa: TRY004 - to the caller this is one more malformed event
    if "type" in content:
        return content
    status = as_text(content.get("status"))
    if not status:
        # Without a type, still perhaps the event that names the run: `response` stays where it is.
        return content | {"type": "error"} if content.get("error") else content
    # A gateway that buffers streams answers with the plain body: the object that a terminal event carries.
    return {
        "type": "response.created" if status in _RUNNING else f"response.{status}",
        "response": content,
    }


def _decoded(kept: Sequence[bytes]) -> Iterator[JsonObject]:
    for entry in kept:
        try:
            yield _event(entry)
        except ValueError:
            continue  # one unreadable event does not take the others with it


def _in_order(events: Iterator[JsonObject]) -> Sequence[JsonObject]:
    come = list(events)
    numbers = [as_int(event.get("sequence_number")) for event in come]
    if None in numbers:
        return come
    first = {
        number: event
        for number, event in zip(reversed(numbers), reversed(come), strict=True)
        if number is not None
    }
    return [first[number] for number in sorted(first)]
