"""When a run is repeated, and how long to wait: never too short, never all at the same moment."""

import random
from math import inf, nan
from typing import Any

import pytest

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    repeat_after,
    repeating,
)

pytestmark = pytest.mark.usefixtures("real_waits")


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(1, 1), (2, 2), (3, 4), (9, 20), (99, 20)]
)
def test_the_back_off_doubles_between_its_floor_and_twenty_seconds(
    monkeypatch: pytest.MonkeyPatch, attempt: int, ceiling: float
) -> None:
    """The jitter is full, but for the floor."""
    monkeypatch.setattr(random, "uniform", lambda low, high: (low, high))
    assert repeating.back_off(attempt) == (0.25, ceiling)


@pytest.mark.parametrize("asked", [0.001, 0.25, 1.0, 60.0, 120.0])
def test_a_provider_s_wait_gets_jitter_on_top_and_is_never_cut(asked: float) -> None:
    """A tenth and the floor at most; and no wait is shorter than the floor."""
    seen = {repeating.with_jitter(asked) for _ in range(50)}
    assert len(seen) > 1
    assert min(seen) >= max(asked, 0.25)
    assert max(seen) <= max(asked, 0.25) + 0.25 + asked / 10


@pytest.mark.parametrize("seconds", [None, 0, 0.0, -1.0, nan, -inf])
def test_a_wait_of_nothing_is_not_a_wait(seconds: float | None) -> None:
    """Zero, a time in the past, and a number that is not one."""
    assert repeating.usable(seconds) is None


@pytest.mark.parametrize("seconds", [0.001, 1, 1e9, inf])
def test_every_other_wait_is(seconds: float) -> None:
    """However long it is."""
    assert repeating.usable(seconds) == seconds


def failure(**parts: Any) -> ConnectorError:
    """A failed run whose cause may pass."""
    return ConnectorError(ErrorCode.UNAVAILABLE, "It is down.", **parts)


@pytest.mark.parametrize("as_data", [False, True])
@pytest.mark.parametrize(
    ("parts", "facts", "is_repeated"),
    [
        ({}, {}, True),
        ({"retryable": False}, {"idempotent": True, "resumable": True}, False),
        ({"effect": Effect.UNKNOWN}, {}, False),
        ({"effect": Effect.UNKNOWN}, {"idempotent": True}, True),
        ({"effect": Effect.UNKNOWN}, {"resumable": True}, True),
    ],
)
def test_a_run_is_repeated_if_its_cause_may_pass_and_nothing_is_paid_twice(
    parts: dict[str, Any],
    facts: dict[str, bool],
    is_repeated: bool,
    as_data: bool,
) -> None:
    """The same for the exception and for the error of an envelope."""
    known = {"idempotent": False, "resumable": False, "attempt": 1} | facts
    error = failure(**parts)
    wait = repeat_after(error.to_dict() if as_data else error, **known)  # type: ignore[arg-type]
    assert (wait is not None) is is_repeated


@pytest.mark.parametrize(
    ("told", "least"),
    [
        ({"retry_after": 600}, 600),
        ({"retry_after": None, "resets_at": 4_000_000_000}, 1_000_000_000),
        ({"retry_after": 10**400}, inf),
        ({"retry_after": "soon"}, 0.25),
        ({"retry_after": True}, 0.25),
        ({}, 0.25),
    ],
)
def test_an_engine_is_given_the_wait_that_the_provider_named(
    told: dict[str, Any], least: float
) -> None:
    """A long one too: an engine can wait where a host does not. Odd data counts as unknown."""
    facts = {"idempotent": False, "resumable": False, "attempt": 1}
    error: dict[str, Any] = {"retryable": True, "effect": "none", **told}
    wait = repeat_after(error, **facts)  # type: ignore[arg-type]
    assert wait is not None
    assert wait >= least
    assert repeat_after({}, **facts) is None  # type: ignore[arg-type]
