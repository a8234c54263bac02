"""Estimates: what a connector says that a run costs, and what the host makes of a wrong one."""

import logging
from typing import Any

import pytest

from perplexity_connector.contract import CostEstimate, JsonObject
from tests.host.plugins.test_hints import Plugin
from tests.host.stage import GREET, TOKEN, toy_host
from tests.toy.toy import Toy

USUAL = CostEstimate(likely=1.0, worst=1.0)


class Estimating(Toy):
    """A connector whose estimate is `given`, or raised."""

    given: Any = None

    def estimate(self, action_id: str, version: int, input: JsonObject) -> Any:
        """Give it, or raise it."""
        assert (action_id, version, input) == ("greet", 2, {"name": "Ada"})
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given


def estimate(given: Any) -> CostEstimate:
    """What the host makes of an estimate."""
    kind = type("Kind", (Estimating,), {"given": given, "__slots__": ()})
    return toy_host(Plugin(kind))._runs.estimate(*GREET, None)


def test_an_estimate_is_passed_on() -> None:
    """With all its parts."""
    given = CostEstimate(likely=1, worst=2.5, basis="list_price", group="cool")
    assert estimate(given) == given
    assert estimate(given) is not given


def test_a_connector_may_know_no_price() -> None:
    """At all, or for this run."""
    assert toy_host()._runs.estimate(*GREET, None) == USUAL
    assert estimate(None) == USUAL


@pytest.mark.parametrize(
    "given",
    [
        RuntimeError(TOKEN),
        "cheap",
        CostEstimate(likely=1, worst=-1),
        CostEstimate(likely=1, worst=1e10),
        CostEstimate(likely=float("nan"), worst=1),
        CostEstimate(likely=1, worst=True),
        CostEstimate(likely=1, worst=1, currency="EUR"),
        CostEstimate(likely=1, worst=1, basis="guess"),  # type: ignore[arg-type]
        CostEstimate(likely=1, worst=1, group=None),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_estimate_is_none_and_is_logged(
    given: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken connector must not let a budget be exceeded. Its own text is not shown."""
    with caplog.at_level(logging.WARNING):
        assert estimate(given) == USUAL
    assert "greet" in caplog.text
    assert TOKEN not in caplog.text
