"""How long a host waits: never too short, never all at the same moment."""

import random
from math import inf, nan

import pytest

from perplexity_connector.contract import repeating

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
