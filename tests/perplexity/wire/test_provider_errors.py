"""From a refusal to an exact, honest error."""

import json
import pickle
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    JsonValue,
)
from perplexity_connector.perplexity.wire.provider_errors import (
    error_from_response,
    error_in_answer,
    provider_code,
    provider_error,
    request_id,
)
from tests.perplexity.wire.streams import json_values

NOW = 1790000000.0
KEY = "pplx-sentinelSENTINEL0123456789abcdef"
HTML_401 = b"<html><head><title>401 Authorization Required</title></head><hr><center>openresty/1.27.4</center></html>"
HTML_524 = b"<!DOCTYPE html><html><head><title>api.perplexity.ai | 524: A timeout occurred</title></head></html>"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock."""
    monkeypatch.setattr(time, "time", lambda: NOW)


def told(message: str, kind: str | None, code: int, **more: Any) -> bytes:
    """A refusal as the provider words it."""
    error = {
        "message": message,
        "code": code,
        **({"type": kind} if kind else {}),
        **more,
    }
    return json.dumps({"error": error}).encode() + b"\n"


# A request that says no more than that it is a chat.
CHAT: Mapping[str, JsonValue] = {"preset": "low", "input": []}


def refuse(
    status: int, body: bytes = b"", sent: Any = CHAT, **headers: str
) -> ConnectorError:
    """The error for the answer to a request; a header's name is written with underscores."""
    return error_from_response(
        status,
        httpx.Headers(
            {name.replace("_", "-"): value for name, value in headers.items()}
        ),
        body,
        sent,
    )


def pointers(error: ConnectorError) -> list[str]:
    """The fields that the error points at."""
    assert {problem.code for problem in error.fields} <= {"refused"}
    return [problem.pointer for problem in error.fields]


MIGRATE = "Sonar is now the Agent API. Use /v1/responses instead of /v1/sonar. Migrate here: https://docs.perplexity.ai"
ALTERNATE = (
    "After the (optional) system message(s), user or tool message(s) should alternate with assistant "
    "message(s)."
)
RECENCY = "[\"At body -> search_recency_filter: Input should be 'hour', 'day', 'week', 'month' or 'year'\"]"
TWO_BAD = '["At body -> temperature: Input should be less than 2", "At body -> top_p: Input should be less than 1"]'
DETAIL: Any = {
    "detail": [{"loc": ["body", "model"], "msg": "Field required", "type": "missing"}]
}


@pytest.mark.parametrize(
    ("status", "body", "code", "effect", "kind", "fields"),
    [
        (403, told(MIGRATE, "chat_completions_not_available", 403), "unsupported", "none",
         "chat_completions_not_available", []),
        (401, HTML_401, "invalid_credentials", "none", None, []),
        (401, told("Invalid API key provided.", "invalid_api_key", 401), "invalid_credentials", "none",
         "invalid_api_key", []),
        (401, told("You exceeded your current quota.", "insufficient_quota", 401), "quota_exhausted", "none",
         "insufficient_quota", []),
        (400, told("Invalid model 'bad model'.", "invalid_model", 400), "invalid_input", "none", "invalid_model",
         ["/model"]),
        (400, told(ALTERNATE, "invalid_message", 400), "invalid_input", "none", "invalid_message", ["/messages"]),
        (400, told("Last message must have role `user`.", "invalid_message", 400), "invalid_input", "none",
         "invalid_message", ["/messages"]),
        (400, told(RECENCY, "bad_request", 400), "invalid_input", "none", "bad_request", ["/search_recency_filter"]),
        (400, told(TWO_BAD, "bad_request", 400), "invalid_input", "none", "bad_request", ["/temperature", "/top_p"]),
        (400, told("Validation error: search_domain_filters has a max length of 20", "invalid_search_domain_filter",
                   400), "invalid_input", "none", "invalid_search_domain_filter", ["/search_domain_filter"]),
        (400, told("…", "invalid_date_format", 400), "invalid_input", "none", "invalid_date_format", []),
        (400, told("…", "invalid_parameter", 400), "invalid_input", "none", "invalid_parameter", []),
        (400, told('json: unknown field "foo"', "invalid_request", 400, param="foo"), "invalid_input", "none",
         "invalid_request", []),
        (400, told("…", "invalid_request", 400, param="max_output_tokens"), "invalid_input", "none",
         "invalid_request", ["/max_tokens"]),
        (400, told("…", "invalid_request", 400, param="tools[0].filters.search_domain_filter"), "invalid_input",
         "none", "invalid_request", ["/search_domain_filter"]),
        (400, told("…", "invalid_request", 400, param="tools[0].user_location.city"), "invalid_input", "none",
         "invalid_request", ["/web_search_options"]),
        (400, told("…", "invalid_request", 400, param="tools[0].user_location.country"), "invalid_input", "none",
         "invalid_request", ["/web_search_options"]),
        (400, told("…", "invalid_request", 400, param="tools[0].search_context_size"), "invalid_input", "none",
         "invalid_request", ["/web_search_options"]),
        (400, told("…", "invalid_request", 400, param="search_context_size"), "invalid_input", "none",
         "invalid_request", ["/web_search_options"]),
        (400, told('["At body -> tools -> 0 -> search_context_size: Input should be \'low\'"]', "bad_request", 400),
         "invalid_input", "none", "bad_request", ["/web_search_options"]),
        (400, told("…", "invalid_request", 400, param="input[0].content"), "invalid_input", "none",
         "invalid_request", ["/messages"]),
        (400, told("…", "invalid_request", 400, param="preset"), "invalid_input", "none", "invalid_request",
         ["/model"]),
        (400, told("…", "invalid_request", 400, param="reasoning.effort"), "invalid_input", "none",
         "invalid_request", ["/reasoning_effort"]),
        (403, told("…", "forbidden", 403), "permission_denied", "none", "forbidden", []),
        (403, HTML_401, "permission_denied", "none", None, []),
        (404, told("…", "not_found", 404), "not_found", "none", "not_found", []),
        (413, told("…", "payload_too_large", 413), "invalid_input", "none", "payload_too_large", ["/messages"]),
        (422, json.dumps(DETAIL).encode(), "invalid_input", "none", None, ["/model"]),
        (422, b'{"detail": "Field required"}', "invalid_input", "none", None, []),
        (424, told("…", "external_connector_error", 424), "upstream_failed", "unknown", "external_connector_error", []),
        (429, told("Request rate limit exceeded, please try again later.", "request_rate_limit_exceeded", 429),
         "rate_limited", "none", "request_rate_limit_exceeded", []),
        (500, told("Internal server error", "internal_error", 500), "unavailable", "unknown", "internal_error", []),
        (502, told("…", "bad_gateway", 502), "unavailable", "unknown", "bad_gateway", []),
        (503, told("…", "upstream_structured_output_failed", 503), "unavailable", "unknown",
         "upstream_structured_output_failed", []),
        (504, told("…", "gateway_timeout", 504), "timeout", "unknown", "gateway_timeout", []),
        (524, HTML_524, "timeout", "unknown", None, []),
    ],
)  # fmt: skip
def test_each_known_refusal_is_its_error(
    status: int,
    body: bytes,
    code: str,
    effect: str,
    kind: str | None,
    fields: list[str],
) -> None:
    """Code, effect, the provider's own type, and the fields that it names."""
    error = refuse(status, body)
    assert (error.code, error.effect, error.provider_code, error.http_status) == (
        code,
        effect,
        kind,
        status,
    )
    assert pointers(error) == fields


STATUSES: Any = {
    300: ("invalid_response", "unknown"),
    301: ("invalid_response", "unknown"),
    302: ("invalid_response", "unknown"),
    304: ("invalid_response", "unknown"),
    307: ("invalid_response", "unknown"),
    308: ("invalid_response", "unknown"),
    400: ("invalid_input", "none"),
    401: ("invalid_credentials", "none"),
    402: ("quota_exhausted", "none"),
    403: ("permission_denied", "none"),
    404: ("not_found", "none"),
    405: ("invalid_response", "none"),
    406: ("invalid_response", "none"),
    407: ("invalid_response", "none"),
    408: ("timeout", "unknown"),
    409: ("invalid_response", "none"),
    410: ("unsupported", "none"),
    411: ("invalid_response", "none"),
    413: ("invalid_input", "none"),
    415: ("invalid_response", "none"),
    418: ("invalid_response", "none"),
    422: ("invalid_input", "none"),
    424: ("upstream_failed", "unknown"),
    425: ("invalid_response", "none"),
    429: ("rate_limited", "none"),
    451: ("invalid_response", "none"),
    499: ("invalid_response", "unknown"),
    500: ("unavailable", "unknown"),
    501: ("unavailable", "unknown"),
    502: ("unavailable", "unknown"),
    503: ("unavailable", "unknown"),
    504: ("timeout", "unknown"),
    520: ("unavailable", "unknown"),
    521: ("unavailable", "unknown"),
    522: ("unavailable", "unknown"),
    523: ("unavailable", "unknown"),
    524: ("timeout", "unknown"),
    529: ("unavailable", "unknown"),
    599: ("unavailable", "unknown"),
}
BODIES: Any = {
    "json": told("…", "something_new", 400),
    "html": HTML_524,
    "empty": b"",
    "detail list": json.dumps({"detail": [{"loc": ["body", "frobnicate"]}]}).encode(),
    "detail text": b'{"detail": "Not Found"}',
    "detail odd": b'{"detail": [null, {"loc": "body"}, {"loc": [null, {}, 3]}, 7]}',
    "odd error": b'{"error": "no"}',
    "odd parts": b'{"error": {"type": ["x"], "message": {}, "param": 7, "code": "x"}}',
    "list": b'["error"]',
    "no utf-8": b"\xff\xfe",
    "cut": b'{"error": {"type": "inva',
    "deep": b"[" * 60_000,
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_speaks_for_itself_whatever_the_body(status: int, body: str) -> None:
    """JSON of any shape, HTML or nothing: code and effect are those of the status."""
    error: Any = refuse(status, BODIES[body])
    assert (error.code, error.effect) == STATUSES[status]
    assert error.retryable is (error.code in {"rate_limited", "unavailable", "timeout"})
    assert error.provider_code == ("something_new" if body == "json" else None)
    assert (pointers(error), error.retry_after, error.resets_at, error.request_id) == (
        [],
        None,
        None,
        None,
    )


def test_fields_are_named_for_refused_input_only() -> None:
    """A 404 that names a model is about no field of the form."""
    assert pointers(refuse(404, told("…", "invalid_model", 404, param="model"))) == []


@pytest.mark.parametrize(
    ("loc", "fields"),
    [
        (["body", "messages", 0, "role"], ["/messages"]),
        (["body", "max_output_tokens"], ["/max_tokens"]),
        (
            ["body", "web_search_options", "user_location", "city"],
            ["/web_search_options"],
        ),
        (["body", "tools", 0, "user_location", "country"], ["/web_search_options"]),
        (["top_p"], ["/top_p"]),
        (["query"], []),
        (["body"], []),
        ([], []),
        (None, []),
    ],
)
def test_the_places_of_a_detail_become_pointers(loc: object, fields: list[str]) -> None:
    """What is one of our fields is pointed at; the rest is not invented."""
    assert (
        pointers(refuse(422, json.dumps({"detail": [{"loc": loc}]}).encode())) == fields
    )


def test_several_details_become_several_pointers_each_once() -> None:
    """Sorted, so that the same refusal is always the same error."""
    detail = [{"loc": ["body", name]} for name in ("top_p", "stream", "top_p", "model")]
    assert pointers(refuse(422, json.dumps({"detail": detail}).encode())) == [
        "/model",
        "/stream",
        "/top_p",
    ]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 2.5 ", 2.5),
        ("999999", 999999.0),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 0.0),
        ("2, 2", 2.0),
        ("2,2,  2", 2.0),
        ("2s", 2.0),
        ("2 s", 2.0),
        ("1500ms", 1.5),
        ("0.5", 0.5),
        (formatdate(NOW + 30, usegmt=True).replace(" GMT", ""), 30.0),
        ("2, 3", None),
        ("2m", None),
        ("1.5.2", None),
        ("2,", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
        ("9999999", None),
        ("Mon, 99999999999999999999 Jan 2026 00:00:00 GMT", None),
        ("Mon, 32 Jan 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """Whatever else stands there is not taken for a wait."""
    for status in (429, 503):
        assert refuse(status, retry_after=value).retry_after == seconds


def test_the_reset_time_tells_the_wait_where_nothing_else_does() -> None:
    """Epoch seconds, as recorded; a wait that was told wins over it."""
    error = refuse(429, x_ratelimit_reset=str(int(NOW) + 12))
    assert (error.resets_at, error.retry_after) == (NOW + 12, 12.0)
    error = refuse(429, x_ratelimit_reset=str(int(NOW) + 12), retry_after="3")
    assert (error.resets_at, error.retry_after) == (NOW + 12, 3.0)


@pytest.mark.parametrize("told", ["0", "Thu, 01 Jan 2026 00:00:00 GMT", "soon"])
def test_a_wait_of_nothing_falls_through_to_the_reset_time(told: str) -> None:
    """Zero, past or unreadable."""
    error = refuse(429, x_ratelimit_reset=str(int(NOW) + 12), retry_after=told)
    assert error.retry_after == 12.0


@pytest.mark.parametrize("ahead", [-3600, 3600, 86_400 * 365])
def test_a_date_to_wait_for_is_on_the_provider_s_clock(ahead: int) -> None:
    """An hour of difference between the clocks is not an hour of waiting."""
    error = refuse(
        429,
        date=formatdate(NOW + ahead, usegmt=True),
        retry_after=formatdate(NOW + ahead + 30, usegmt=True),
    )
    assert error.retry_after == 30.0


def test_a_reset_time_that_has_passed_is_no_wait() -> None:
    """It is told all the same."""
    error = refuse(429, x_ratelimit_reset=str(int(NOW) - 12))
    assert (error.resets_at, error.retry_after) == (NOW - 12, None)


def test_only_a_rate_limit_waits_for_the_reset() -> None:
    """An outage does not end with the minute."""
    error = refuse(503, x_ratelimit_reset=str(int(NOW) + 12))
    assert (error.resets_at, error.retry_after) == (None, None)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("0b9c1d2e-1111-2222-3333-444455556666", True),
        ("0B9C1D2E", True),
        ("", False),
        ("short", False),
        (KEY, False),
        ("0b9c1d2e-1111 x", False),
        ("a" * 65, False),
    ],
)
def test_a_request_id_looks_like_one_or_is_none(found: str, *, expected: bool) -> None:
    """Anything else may be an echo of what was sent."""
    assert request_id({"x-request-id": found}) == (found if expected else None)


@pytest.mark.parametrize(
    "kind", ["", "Invalid_Key", KEY, "x1", "a-b", "_x", "a" * 65, "is wrong", "a\n"]
)
def test_a_provider_code_that_does_not_look_like_one_is_none(kind: str) -> None:
    """Types are small words with underscores."""
    assert provider_code(kind) is None


def everywhere(error: ConnectorError) -> str:
    """Every way in which an error may be written down, but for its partial."""
    return f"{error.to_dict()} {error!r} {error} {error.args} {pickle.dumps(error)!r} {vars(error)}"


@pytest.mark.parametrize("status", [400, 401, 403, 422, 429, 500, 302])
@pytest.mark.parametrize(
    "body",
    [
        told(f"Invalid API key {KEY}", KEY, 401, param=KEY),
        told(KEY, "invalid_api_key", 401, param=f"tools[0].{KEY}"),
        json.dumps(
            {"detail": [{"loc": ["body", KEY], "msg": KEY, "type": KEY}], KEY: KEY}
        ).encode(),
        f"<html>{KEY}</html>".encode(),
        KEY.encode(),
    ],
)
def test_a_key_that_is_echoed_never_shows(status: int, body: bytes) -> None:
    """Wherever the provider repeats it, the error does not."""
    echo = {
        "x_request_id": KEY,
        "retry_after": KEY,
        "x_ratelimit_reset": KEY,
        "location": KEY,
        "date": KEY,
    }
    assert KEY not in everywhere(refuse(status, body, **echo))


REFUSED_TYPES: Any = {
    "bad_request": "invalid_input",
    "invalid_country_code": "invalid_input",
    "invalid_date_format": "invalid_input",
    "invalid_language_code": "invalid_input",
    "invalid_message": "invalid_input",
    "invalid_model": "invalid_input",
    "invalid_parameter": "invalid_input",
    "invalid_request": "invalid_input",
    "invalid_search_domain_filter": "invalid_input",
    "invalid_api_key": "invalid_credentials",
    "insufficient_quota": "quota_exhausted",
    "chat_completions_not_available": "unsupported",
    "forbidden": "permission_denied",
    "not_found": "not_found",
    "request_rate_limit_exceeded": "rate_limited",
}
FAILED_TYPES: Any = {
    "payload_too_large": "invalid_input",
    "external_connector_error": "upstream_failed",
    "internal_error": "unavailable",
    "bad_gateway": "unavailable",
    "upstream_structured_output_failed": "unavailable",
    "gateway_timeout": "timeout",
}


@pytest.mark.parametrize(
    ("error_type", "code"), [*REFUSED_TYPES.items(), *FAILED_TYPES.items()]
)
@pytest.mark.parametrize("status", [None, 418, 500])
def test_an_error_with_http_200_means_what_its_type_means(
    error_type: str, code: str, status: object
) -> None:
    """Only a refusal that is the first frame is proof that nothing was begun."""
    event: Any = {"type": "error", "error": {"type": error_type, "code": status}}
    for is_first in (True, False):
        error = error_in_answer(event, sent={"input": []}, is_first=is_first)
        is_refused = is_first and error_type in REFUSED_TYPES
        assert (error.code, error.provider_code) == (code, error_type)
        assert error.effect == ("none" if is_refused else "unknown")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "invalid_credentials"),
        ("429", "rate_limited"),
        (500, "unavailable"),
        (504, "timeout"),
        (418, "invalid_response"),
        (200, "upstream_failed"),
        ("overloaded", "upstream_failed"),
        ("request_rate_limit_exceeded", "rate_limited"),
        (True, "upstream_failed"),
        (None, "upstream_failed"),
        ([], "upstream_failed"),
    ],
)
def test_an_error_of_another_type_takes_its_code_from_the_status(
    status: Any, code: str
) -> None:
    """Or from the name of a type in its place; it may always have cost money."""
    flat: Any = {"type": "error", "code": status, "message": "…"}
    nested: Any = {"error": {"type": "overloaded", "code": status}}
    for event in (flat, nested):
        error = error_in_answer(
            event, sent={"input": []}, is_first=True, request_id="1-2"
        )
        assert (error.code, error.effect) == (code, "unknown")
        assert error.request_id == "1-2"


def test_an_error_with_http_200_names_the_refused_field() -> None:
    """As the same refusal with HTTP 400 does."""
    event: Any = {"error": {"type": "invalid_model", "code": 400}}
    assert pointers(error_in_answer(event, sent={"input": []}, is_first=True)) == [
        "/model"
    ]
    assert (
        pointers(error_in_answer({"error": "no"}, sent={"input": []}, is_first=True))
        == []
    )


def test_a_key_in_an_error_with_http_200_never_shows() -> None:
    """Whichever field repeats it."""
    for error in ({"type": KEY, "code": KEY, "message": KEY}, KEY):
        found = error_in_answer(
            {"type": "error", "error": error}, sent={"input": []}, is_first=True
        )
        assert KEY not in everywhere(found)


@pytest.mark.parametrize(
    "code", sorted(set(ErrorCode) - {ErrorCode.CANCELLED, ErrorCode.INTERNAL})
)
def test_every_code_has_words_for_people(code: ErrorCode) -> None:
    """What happened and what mends it; a detail is for the log alone."""
    error = provider_error(code, effect=Effect.NONE, detail="a detail")
    assert "a detail" in error.message
    assert "a detail" not in error.user_message
    assert error.user_message.count(".") >= 2
    assert error.docs_url is None or error.docs_url.startswith("https://")
    assert "(" not in provider_error(code, effect=Effect.NONE).message


@given(st.integers(300, 599), json_values, st.dictionaries(st.sampled_from(
    ["retry-after", "x-ratelimit-reset", "x-ratelimit-limit", "x-request-id", "date"]), st.text()))  # fmt: skip
def test_any_refusal_at_all_is_an_error_as_data(
    status: int, body: Any, headers: dict[str, str]
) -> None:
    """Nothing that a provider sends makes reading its refusal fail."""
    for document in (
        body,
        {"error": body},
        {"detail": body},
        {"detail": [body, {"loc": body}]},
    ):
        sent = {"input": body, "tools": [body], "response_format": body}
        error = error_from_response(
            status, headers, json.dumps(document).encode(), sent
        )
        json.dumps(error.to_dict(), allow_nan=False)
        if isinstance(document, dict):
            error = error_in_answer(document, sent={"input": []}, is_first=True)
            json.dumps(error.to_dict(), allow_nan=False)
