"""Draw the faults of a request from a seed: a run meets the same faults in every order of events."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """A fault of a POST, or of the stream that answers it."""

    NONE = "none"
    RATE_LIMITED = "429"
    SERVER_ERROR = "500 or 503"
    RESET_BEFORE_HEADERS = "reset before the headers"
    NO_FIRST_BYTE = "no first byte"
    RESET = "reset after k events"
    TRUNCATED = "closed inside the body after k events"
    CLEAN_END = "clean end after k events"
    STALL = "stall after k events"
    MALFORMED = "malformed event after k events"
    GARBAGE = "garbage between chunks after k events"


class Look(StrEnum):
    """A fault of a GET of a run; after its faults, a GET returns the run itself."""

    IN_PROGRESS = "in_progress"
    RATE_LIMITED = "429"
    UNAVAILABLE = "503"
    RESET = "reset"


class Fate(StrEnum):
    """The end of a run that is not cancelled. A forgotten run completed, but every GET of it returns 404."""

    COMPLETED = "completed"
    FAILED = "failed"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan for one POST.

    `begins`: whether a run is begun, and billed, even if the answer does not say so. `pace`: how long its stream takes,
    as a multiple of the usual; runs that began together do not end together.
    """

    fault: Fault
    begins: bool
    status: int
    after: int
    looks: tuple[Look, ...]
    fate: Fate
    pace: float


_FAULTS = {
    Fault.RATE_LIMITED: 6,
    Fault.SERVER_ERROR: 5,
    Fault.RESET_BEFORE_HEADERS: 4,
    Fault.NO_FIRST_BYTE: 2,
    Fault.RESET: 6,
    Fault.TRUNCATED: 4,
    Fault.CLEAN_END: 5,
    Fault.STALL: 4,
    Fault.MALFORMED: 4,
    Fault.GARBAGE: 2,
}
_STATUSES = {Fault.RATE_LIMITED: (429,), Fault.SERVER_ERROR: (500, 503)}
# A caller cannot know whether a run was begun behind a gateway's 503 or a reset.
_MAY_BEGIN = frozenset({Fault.SERVER_ERROR, Fault.RESET_BEFORE_HEADERS})


def draw_plan(seed: int, marker: str, post: int, *, share: float, events: int) -> Plan:
    """The plan for the `post`-th POST of a run; `share` of all POSTs meet a fault, within `events` events."""
    dice = random.Random(f"{seed}/{marker}/{post}")  # noqa: S311 - repeatable, guards nothing
    faulty = dice.random() < share
    fault = (
        dice.choices(list(_FAULTS), weights=list(_FAULTS.values()))[0]
        if faulty
        else Fault.NONE
    )
    fates = (Fate.COMPLETED, Fate.FAILED, Fate.FORGOTTEN)
    return Plan(
        fault=fault,
        begins=dice.random() < 0.5  # noqa: PLR2004 - an even chance
        if fault in _MAY_BEGIN
        else fault is not Fault.RATE_LIMITED,
        status=dice.choice(_STATUSES.get(fault, (200,))),
        after=dice.randrange(events),
        looks=tuple(dice.choices(list(Look), k=dice.randrange(3))),
        fate=dice.choices(fates, weights=(90, 5, 5))[0] if faulty else Fate.COMPLETED,
        pace=dice.uniform(0.5, 1.5),
    )
