"""The words that hosts branch on: a host of another version has to know them too."""

import pytest

from perplexity_connector.contract import ConnectionOutcome, ConnectionStatus, EventType


def test_the_types_of_events_are_those_of_the_contract() -> None:
    """Listeners choose by these."""
    assert {member.name: member.value for member in EventType} == {
        "TEXT_DELTA": "text.delta",
        "SEARCH_QUERIES": "search.queries",
        "SEARCH_RESULTS": "search.results",
        "STATUS": "status",
    }


def test_the_outcomes_of_a_connection_test_are_those_of_the_contract() -> None:
    """Hosts branch on these seven."""
    assert {member.name: member.value for member in ConnectionOutcome} == {
        "OK": "ok",
        "INVALID_CREDENTIALS": "invalid_credentials",
        "PERMISSION_DENIED": "permission_denied",
        "QUOTA_EXHAUSTED": "quota_exhausted",
        "RATE_LIMITED": "rate_limited",
        "UNREACHABLE": "unreachable",
        "UNKNOWN": "unknown",
    }


@pytest.mark.parametrize("outcome", ConnectionOutcome)
def test_a_connection_status_as_data_has_every_key(outcome: ConnectionOutcome) -> None:
    """The outcome as its text, a part that was not given as its default."""
    assert ConnectionStatus(outcome=outcome, message="x").to_dict() == {
        "outcome": outcome.value,
        "message": "x",
        "next_step": "",
        "credit_checked": False,
        "retry_after": None,
        "http_status": None,
        "request_id": None,
        "docs_url": None,
    }
