"""How far a run is, by its `status` (docs/provider.md, "Agent stream").

A status that is in neither set below, such as `cancelling`, counts as under way. Since its meaning
is unknown, such a run is fetched again and never cancelled.
"""

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.readers import as_object, as_text

RUNNING = frozenset({"queued", "in_progress"})
# `requires_action` is an end too: this connector offers the model no tool that it would answer.
ENDED = frozenset({"completed", "incomplete", "failed", "cancelled", "requires_action"})


def end_of(terminal: JsonObject | None, response: JsonObject) -> str:
    """Return how a run ended: one of `ENDED`, or an empty text if it has not.

    `response` is the run's object, `terminal` the event that ended the stream, if any. A failed run
    can end with the event `response.completed`, so the object's status is trusted more.
    """
    status = as_text(response.get("status"))
    if status in ENDED:
        return status
    return as_text((terminal or {}).get("type")).removeprefix("response.")


def is_error(document: JsonObject) -> bool:
    """Return whether a body or an event is an error. A run that failed has an `error` too."""
    status = as_text(document.get("status"))
    is_run = status in ENDED | RUNNING or "output" in document
    return bool(document.get("error")) and not is_run


def is_contradictory(terminal: JsonObject) -> bool:
    """Return whether an event ends a run whose object, in this event, is still under way."""
    status = as_text(as_object(terminal.get("response")).get("status"))
    return bool(status) and status not in ENDED
