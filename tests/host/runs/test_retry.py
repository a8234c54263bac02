import random
import time

import pytest

from perplexity_connector.contract import ConnectorError, Effect, ErrorCode
from perplexity_connector.host import Host
from perplexity_connector.host.runs.retry import RetryPolicy


def wait(
    error: BaseException,
    *,
    attempt: int = 1,
    repeatable: bool = False,
    left: float = 60,
    **policy: bool,
) -> float | None:
    """What the policy says `left` seconds before the deadline."""
    deadline = time.monotonic() + left
    return RetryPolicy(**policy).wait(
        error, attempt=attempt, repeatable=repeatable, deadline=deadline
    )


def failure(code: ErrorCode = ErrorCode.UNAVAILABLE, **parts: object) -> ConnectorError:
    """A failed attempt."""
    return ConnectorError(code, "It failed.", **parts)


def test_only_a_cause_that_may_pass_is_waited_for() -> None:
    """Rate limits, outages and time-outs; no other error, and no other exception."""
    codes = {
        code for code in ErrorCode if wait(failure(code, retry_after=0)) is not None
    }
    assert codes == {ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}
    assert wait(KeyboardInterrupt()) is None


def test_what_may_have_cost_money_is_repeated_only_where_that_is_harmless() -> None:
    """An idempotent action, a checkpoint held, or an operator who says so."""
    unsure = failure(effect=Effect.UNKNOWN, retry_after=0)
    assert wait(unsure) is None
    assert wait(unsure, repeatable=True) == 0
    assert wait(unsure, repeat_unknown=True) == 0


def test_the_told_wait_is_kept() -> None:
    """Seconds, else a time on the clock; never a wait into the past."""
    assert wait(failure(retry_after=7)) == 7
    assert wait(failure(retry_after=-7)) == 0
    assert wait(failure(retry_after=float("nan"))) == 0
    assert wait(failure(resets_at=time.time() + 9)) == pytest.approx(9, abs=1)
    assert wait(failure(resets_at=1.0)) == 0
    assert wait(failure(retry_after=0, resets_at=time.time() + 9)) == 0


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(1, 1), (2, 2), (3, 4), (9, 20), (99, 20)]
)
def test_without_a_told_wait_the_jitter_is_full_and_doubles(
    monkeypatch: pytest.MonkeyPatch, attempt: int, ceiling: float
) -> None:
    """Between nothing and a ceiling that ends at twenty seconds."""
    seen: list[tuple[float, float]] = []
    monkeypatch.setattr(
        random, "uniform", lambda low, high: seen.append((low, high)) or 0.0
    )
    assert wait(failure(), attempt=attempt) == 0
    assert seen == [(0, ceiling)]


def test_no_wait_passes_the_deadline() -> None:
    """A wait that would is no wait at all: the run ends now, with what it has."""
    assert wait(failure(retry_after=61)) is None
    assert wait(failure(retry_after=59)) == 59
    assert wait(failure(retry_after=float("inf"))) is None
    assert wait(failure(retry_after=0), left=-1) is None


def test_there_cannot_be_fewer_than_no_retries() -> None:
    """The embedder's own mistake, told at once."""
    with pytest.raises(ValueError, match="retries"):
        Host(retries=-1)
