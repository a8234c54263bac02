import time
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, Effect, ErrorCode, repeating
from perplexity_connector.host import Host
from perplexity_connector.host.runs.retry import RetryPolicy


def wait(
    error: ConnectorError,
    *,
    attempt: int = 1,
    idempotent: bool = False,
    resumable: bool = False,
    left: float = 60,
    **policy: bool,
) -> float | None:
    """What the policy says `left` seconds before the deadline."""
    return RetryPolicy(**policy).wait(
        error,
        attempt=attempt,
        idempotent=idempotent,
        resumable=resumable,
        deadline=time.monotonic() + left,
    )


def failure(code: ErrorCode = ErrorCode.UNAVAILABLE, **parts: Any) -> ConnectorError:
    """A failed attempt."""
    return ConnectorError(code, "It failed.", **parts)


def test_only_a_cause_that_may_pass_is_waited_for() -> None:
    """Rate limits, outages and time-outs; no other error."""
    codes = {
        code for code in ErrorCode if wait(failure(code, retry_after=0)) is not None
    }
    assert codes == {ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}


def test_what_may_have_cost_money_is_repeated_only_where_that_is_harmless() -> None:
    """An idempotent action, a checkpoint held, or an operator who says so."""
    unsure = failure(effect=Effect.UNKNOWN, retry_after=0)
    assert wait(unsure) is None
    assert wait(unsure, idempotent=True) is not None
    assert wait(unsure, resumable=True) is not None
    assert wait(unsure, repeat_unknown=True) is not None


def test_the_provider_s_wait_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds, else a time on the clock."""
    monkeypatch.setattr(repeating, "with_jitter", lambda seconds: seconds)
    assert wait(failure(retry_after=7)) == 7
    assert wait(failure(resets_at=time.time() + 9)) == pytest.approx(9, abs=1)
    assert wait(failure(retry_after=7, resets_at=time.time() + 9)) == 7
    assert wait(failure(retry_after=0, resets_at=time.time() + 9)) == pytest.approx(
        9, abs=1
    )


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"retry_after": 0},
        {"retry_after": -7},
        {"retry_after": float("nan")},
        {"resets_at": 1.0},
        {"retry_after": 0, "resets_at": 1.0},
    ],
)
def test_a_wait_of_nothing_becomes_the_usual_back_off(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, Any]
) -> None:
    """Zero, past, unreadable or missing: four attempts within milliseconds help no one."""
    monkeypatch.setattr(repeating, "back_off", lambda attempt: 10.0 + attempt)
    assert wait(failure(**told), attempt=2) == 12


@pytest.mark.usefixtures("real_waits")
@pytest.mark.parametrize("told", [None, 0, 0.01, 5])
def test_no_wait_is_shorter_than_a_quarter_of_a_second(told: float | None) -> None:
    """Told or not."""
    seen = {wait(failure(retry_after=told)) for _ in range(30)}
    assert len(seen) > 1
    assert all(found is not None and found >= max(0.25, told or 0) for found in seen)


def test_no_wait_passes_the_deadline() -> None:
    """A wait that would is not begun: the run ends now, with the part it has."""
    assert wait(failure(retry_after=61)) is None
    assert wait(failure(retry_after=float("inf"))) is None
    assert wait(failure(retry_after=0), left=-1) is None
    assert wait(failure(), left=0.0001) is None


def test_near_the_deadline_there_is_no_jitter() -> None:
    """The provider's own wait still fits."""
    assert wait(failure(retry_after=59.999_9)) == 59.999_9


def test_a_limit_that_lasts_for_more_than_two_minutes_is_not_waited_for() -> None:
    """The run says so now, and its caller decides. An outage is waited for, within the deadline."""
    limited = ErrorCode.RATE_LIMITED
    assert wait(failure(limited, retry_after=120.1), left=600) is None
    assert wait(failure(limited, resets_at=time.time() + 130), left=600) is None
    assert (wait(failure(limited, retry_after=119), left=600) or 0) >= 119
    assert (wait(failure(retry_after=121), left=600) or 0) >= 121


def test_there_cannot_be_fewer_than_no_retries() -> None:
    """The embedder's own mistake, told at once."""
    with pytest.raises(ValueError, match="retries"):
        Host(retries=-1)
