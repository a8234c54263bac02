"""Rate limits from a response's headers; `test_provider_errors` has the waits of a refusal."""

import time
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime

import pytest

from perplexity_connector.perplexity.wire import rate_headers
from perplexity_connector.perplexity.wire.rate_headers import rate_limit_from_headers

NOW = 1790000000.0


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock."""
    monkeypatch.setattr(time, "time", lambda: NOW)


@pytest.mark.parametrize(
    ("ahead", "resets_at"),
    [
        (0, NOW + 10),
        (2, NOW + 10),
        (-2, NOW + 10),
        (3600, NOW - 3590),
        (-3600, NOW + 3610),
    ],
)
def test_the_reset_time_is_put_on_this_machines_clock(
    ahead: int, resets_at: float
) -> None:
    """A provider whose Date is ahead by an hour has a reset that is early by an hour here; seconds are no matter."""
    headers = {
        "date": formatdate(NOW + ahead, usegmt=True),
        "x-ratelimit-reset": str(int(NOW) + 10),
    }
    assert rate_limit_from_headers(headers).resets_at == resets_at


def test_a_reset_time_in_whole_seconds_stays_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is the sign of a limit a second, whatever the clock of this machine says."""
    monkeypatch.setattr(time, "time", lambda: NOW + 0.7)
    headers = {
        "date": formatdate(NOW - 3600, usegmt=True),
        "x-ratelimit-reset": str(int(NOW) - 3599),
    }
    assert rate_limit_from_headers(headers).resets_at == NOW + 2


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (None, None, None)),
        (
            {
                "x-ratelimit-limit": "50",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": "1790000001",
            },
            (50, 0, NOW + 1),
        ),
        (
            {
                "x-ratelimit-limit": "many",
                "x-ratelimit-remaining": "-1",
                "x-ratelimit-reset": "1.5",
            },
            (None, None, None),
        ),
        ({"x-ratelimit-limit": "1" * 16}, (None, None, None)),
        ({"x-ratelimit-reset": "1790000001000"}, (None, None, NOW + 1)),
        ({"x-ratelimit-reset": "1790000001500"}, (None, None, NOW + 1.5)),
        ({"x-ratelimit-reset": "1790000001.5"}, (None, None, NOW + 1.5)),
        (
            {
                "x-ratelimit-limit": "50, 50",
                "x-ratelimit-remaining": "2.0",
                "x-ratelimit-reset": " 1790000001, 1790000001 ",
            },
            (50, 2, NOW + 1),
        ),
        (
            {
                "x-ratelimit-limit": "50, 60",
                "x-ratelimit-remaining": "2s",
                "x-ratelimit-reset": "1790000001, 1790000002",
            },
            (None, None, None),
        ),
        ({"x-ratelimit-reset": "60"}, (None, None, None)),
        ({"x-ratelimit-reset": "2s"}, (None, None, None)),
        ({"x-ratelimit-reset": "1790000001s"}, (None, None, None)),
        ({"x-ratelimit-reset": "1" * 15}, (None, None, None)),
        (
            {"x-ratelimit-reset": "1790000001", "date": "yesterday"},
            (None, None, NOW + 1),
        ),
    ],
)
def test_rate_headers_are_whole_numbers_or_nothing(
    headers: dict[str, str], expected: tuple[object, ...]
) -> None:
    """What is no number is not there."""
    assert rate_limit_from_headers(headers) == expected


def test_a_date_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All answers of one second have the same one, and reading it takes longer than the other headers."""
    read: list[str] = []

    def counted(date: str) -> datetime:
        read.append(date)
        return parsedate_to_datetime(date)

    monkeypatch.setattr(rate_headers, "parsedate_to_datetime", counted)
    rate_headers._epoch_seconds.cache_clear()
    date = "Thu, 01 Jan 2026 00:00:17 GMT"
    for _ in range(100):
        rate_limit_from_headers({"x-ratelimit-reset": "1767225600", "date": date})
    assert read == [date]
