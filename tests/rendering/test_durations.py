"""Durations as people read them."""

import pytest

from perplexity_connector.rendering.durations import wait_in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.25, "1 s"),
        (12.4, "12 s"),
        (119, "119 s"),
        (120, "2 min"),
        (121, "3 min"),
        (3600, "60 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (7201, "3 h"),
        (86_400, "24 h"),
    ],
)
def test_a_long_wait_is_in_minutes_or_hours(seconds: float, words: str) -> None:
    """86400 s says little to a reader. A wait is not made shorter by it."""
    assert wait_in_words(seconds) == words
