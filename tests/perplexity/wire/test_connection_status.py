"""From how a free request ended to what is told of the connection."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectorError,
    Effect,
    ErrorCode,
)
from perplexity_connector.perplexity.wire import connection_status, provider_errors

SENTINEL = "pplx-sentinel0123456789"
HTML = b"<html><head><title>Sign in</title></head></html>"


def answered(status: int, kind: str | None = None, **headers: str) -> ConnectorError:
    """The error for an answer in the provider's JSON; a page of HTML without a kind."""
    body = (
        HTML
        if kind is None
        else json.dumps(
            {"error": {"message": SENTINEL, "type": kind, "code": status}}
        ).encode()
    )
    return provider_errors.error_from_response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, body
    )


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (answered(401, "invalid_api_key"), "invalid_credentials"),
        (answered(401), "invalid_credentials"),
        (answered(401, "insufficient_quota"), "quota_exhausted"),
        (answered(402), "quota_exhausted"),
        (answered(403, "forbidden"), "permission_denied"),
        (answered(403), "unknown"),
        (answered(403, "chat_completions_not_available"), "unknown"),
        (answered(429, "request_rate_limit_exceeded"), "rate_limited"),
        (answered(429), "rate_limited"),
        (answered(500, "internal_error"), "unreachable"),
        (answered(502), "unreachable"),
        (answered(503, "service_unavailable"), "unreachable"),
        (answered(504, "gateway_timeout"), "unreachable"),
        (answered(524), "unreachable"),
        (answered(408), "unreachable"),
        (answered(404, "not_found"), "unknown"),
        (answered(404), "unknown"),
        (answered(400, "invalid_request"), "unknown"),
        (answered(301), "unknown"),
        (answered(307), "unknown"),
        (answered(410), "unknown"),
        (answered(418, "teapot"), "unknown"),
        (answered(424, "external_connector_error"), "unknown"),
        (
            provider_errors.provider_error(
                ErrorCode.INVALID_CREDENTIALS, effect=Effect.NONE
            ),
            "invalid_credentials",
        ),
        (
            provider_errors.provider_error(ErrorCode.UNAVAILABLE, effect=Effect.NONE),
            "unreachable",
        ),
        (
            provider_errors.provider_error(ErrorCode.TIMEOUT, effect=Effect.NONE),
            "unreachable",
        ),
        (
            provider_errors.provider_error(
                ErrorCode.INVALID_RESPONSE, effect=Effect.NONE
            ),
            "unknown",
        ),
    ],
)
def test_every_failure_has_its_outcome(error: ConnectorError, outcome: str) -> None:
    """With a sentence and a next step, and credit is known only where it is gone."""
    status = connection_status.status_from_error(error)
    assert status.outcome == outcome
    assert status.message
    assert status.next_step
    assert status.credit_checked == (outcome == "quota_exhausted")
    assert status.http_status == error.http_status


def test_a_missing_key_is_not_told_as_a_refused_one() -> None:
    """Perplexity was never asked."""
    missing = connection_status.status_from_error(
        provider_errors.provider_error(
            ErrorCode.INVALID_CREDENTIALS, effect=Effect.NONE
        )
    )
    assert (
        missing.message
        != connection_status.status_from_error(answered(401, "invalid_api_key")).message
    )


def test_a_wrong_base_url_is_told_apart_from_an_answer_nobody_knows() -> None:
    """HTML, a redirect and a 404 are somebody else's; another refusal in the provider's JSON is Perplexity's."""
    elsewhere = {
        connection_status.status_from_error(error).next_step
        for error in (answered(301), answered(404), answered(403))
    }
    assert elsewhere == {
        connection_status.status_from_error(answered(404, "not_found")).next_step
    }
    assert (
        connection_status.status_from_error(answered(400, "invalid_request")).next_step
        not in elsewhere
    )


def test_what_was_told_beside_a_refusal_is_handed_on() -> None:
    """How long to wait, and the provider's id for its support."""
    request_id = "11111111-2222-4333-8444-555555555555"
    status = connection_status.status_from_error(
        answered(429, "x", retry_after="7", x_request_id=request_id)
    )
    assert (status.retry_after, status.request_id, status.http_status) == (
        7.0,
        request_id,
        429,
    )
    assert status.docs_url is not None


def test_a_run_that_the_provider_does_not_know_is_the_good_answer() -> None:
    """And it says nothing of the account's credit, nor of the 404."""
    status = connection_status.status_of_unknown_run(answered(404, "not_found"))
    assert (status.outcome, status.credit_checked, status.http_status) == (
        "ok",
        False,
        None,
    )
    assert "credit" in status.message


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (answered(404), "unknown"),
        (
            provider_errors.error_from_response(404, {}, b'{"detail": "Not Found"}'),
            "unknown",
        ),
        (
            provider_errors.error_from_response(404, {}, b'{"error": "not_found"}'),
            "unknown",
        ),
        (answered(401, "invalid_api_key"), "invalid_credentials"),
        (answered(403, "forbidden"), "permission_denied"),
        (answered(400, "invalid_request"), "unknown"),
    ],
)
def test_any_other_answer_about_a_run_is_not_good(
    error: ConnectorError, outcome: str
) -> None:
    """A 404 that is not in the provider's JSON is another server's."""
    assert connection_status.status_of_unknown_run(error).outcome == outcome


@given(
    st.integers(300, 599),
    st.one_of(st.binary(), st.just(json.dumps({"error": {"type": SENTINEL}}).encode())),
)
def test_whatever_is_answered_becomes_a_status_without_its_text(
    status: int, body: bytes
) -> None:
    """Plain JSON, an outcome of the contract, no good one by accident, and nothing of the body."""
    found = connection_status.status_from_error(
        provider_errors.error_from_response(status, {"x-request-id": SENTINEL}, body)
    ).to_dict()
    assert found["outcome"] in set(ConnectionOutcome) - {"ok"}
    assert SENTINEL not in json.dumps(found)
