"""How far a run is."""

from typing import Any

import pytest

from perplexity_connector.perplexity.wire.run_status import (
    ENDED,
    RUNNING,
    end_of,
    is_contradictory,
)


@pytest.mark.parametrize("status", sorted(ENDED))
def test_the_status_of_the_object_is_trusted_more_than_the_event(status: str) -> None:
    """A failed run can end with the event of a completed one."""
    assert end_of({"type": "response.completed"}, {"status": status}) == status
    assert not is_contradictory({"response": {"status": status}})


@pytest.mark.parametrize("status", [None, 7, "", *sorted(RUNNING), "cancelling"])
def test_without_a_status_of_an_end_the_event_decides(status: Any) -> None:
    """An object that is missing, or that is still under way."""
    assert end_of({"type": "response.failed"}, {"status": status}) == "failed"
    assert end_of(None, {"status": status}) == ""


@pytest.mark.parametrize("status", [*sorted(RUNNING), "cancelling"])
def test_an_end_around_a_run_under_way_is_contradictory(status: str) -> None:
    """Also around a status that is not known."""
    assert is_contradictory({"response": {"status": status}})


@pytest.mark.parametrize("response", [None, {}, {"status": None}, {"status": 7}])
def test_an_end_without_a_status_is_clear(response: Any) -> None:
    """Nothing contradicts it."""
    assert not is_contradictory({"response": response})
