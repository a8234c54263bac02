"""The refusals that were recorded: the sandbox gives each of them to the same request.

A row has the path, the body, the type, and the name that the message must have.
"""

from typing import Any

import httpx
import pytest

Body = dict[str, Any]
FAST = {"preset": "fast", "input": "hi"}
QUERY = {"query": "python", "search_type": "fast"}
OBJECT = {"type": "object", "properties": {"a": {"type": "bogus"}}}


def tool(**filters: object) -> Body:
    """A run with a filter on its search."""
    return {**FAST, "tools": [{"type": "web_search", "filters": filters}]}


def answer_in(**named: object) -> Body:
    """A run with a structured answer."""
    return {**FAST, "response_format": {"type": "json_schema", **named}}


RECORDED: list[tuple[str, Body, str, str]] = [
    ("/v1/agent", {"preset": "fast", "input": ""}, "invalid_request", "input"),
    ("/v1/agent", {**FAST, "max_steps": 0}, "invalid_request", "max steps"),
    (
        "/v1/agent",
        {"model": "anthropic/claude-haiku-4-5", "input": "hi"},
        "invalid_request",
        "max_output_tokens",
    ),
    (
        "/v1/agent",
        tool(search_recency_filter="decade"),
        "invalid_request",
        "tools[0]: search recency filter",
    ),
    (
        "/v1/agent",
        answer_in(),
        "invalid_request",
        "response_format.json_schema",
    ),
    (
        "/v1/agent",
        answer_in(json_schema={"name": "x", "schema": {"type": "bogus"}}),
        "invalid_parameter",
        "json_schema.schema",
    ),
    (
        "/v1/agent",
        answer_in(json_schema={"name": "x", "schema": OBJECT}),
        "invalid_request",
        "invalid request",
    ),
    ("/v1/agent", {**FAST, "stop": "x"}, "invalid_request", '"stop"'),
    ("/search", {"search_type": "fast"}, "invalid_request", "query"),
    ("/search", {"query": ""}, "invalid_request", "query 1 length"),
    ("/search", {"query": list("abcdef")}, "invalid_request", "5 queries"),
    ("/search", {**QUERY, "country": "USA"}, "invalid_country_code", "country"),
    ("/search", {**QUERY, "country": "QQ"}, "invalid_country_code", "country"),
    (
        "/search",
        {**QUERY, "search_language_filter": ["xx"]},
        "invalid_language_code",
        "language",
    ),
    (
        "/search",
        {**QUERY, "search_language_filter": ["en"] * 21},
        "invalid_language_code",
        "search_language_filter",
    ),
    (
        "/search",
        {**QUERY, "search_after_date_filter": "2026-03-01"},
        "invalid_request",
        "search_after_date_filter",
    ),
    (
        "/search",
        {**QUERY, "search_recency_filter": "decade"},
        "invalid_request",
        "search recency filter",
    ),
    (
        "/search",
        {
            **QUERY,
            "search_recency_filter": "week",
            "search_after_date_filter": "01/01/2026",
        },
        "invalid_request",
        "search_recency_filter",
    ),
    ("/search", {**QUERY, "search_type": "deep"}, "invalid_request", "search_type"),
    (
        "/search",
        {**QUERY, "search_domain_filter": ["a.com"] * 21},
        "invalid_request",
        "search domain filter",
    ),
    ("/search", {**QUERY, "max_results": 0}, "invalid_request", "max results"),
    ("/search", {**QUERY, "max_results": 21}, "invalid_request", "max results"),
    ("/search", {**QUERY, "max_tokens": 0}, "invalid_request", "max tokens"),
]


@pytest.mark.parametrize(("path", "body", "kind", "name"), RECORDED)
def test_a_recorded_refusal_is_given_again(
    client: httpx.Client, path: str, body: Body, kind: str, name: str
) -> None:
    """Three keys, never `param`; `code` is the status; the message names the field as the provider does."""
    answer = client.post(path, json=body)
    error = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"message", "type", "code"}
    assert (answer.status_code, error["type"], error["code"]) == (400, kind, 400)
    assert name in error["message"]


@pytest.mark.parametrize("path", ["/search", "/v1/agent"])
def test_a_body_that_is_cut_is_refused_like_any_other(
    client: httpx.Client, path: str
) -> None:
    """Without the name of a field."""
    answer = client.post(path, content=b'{"query": "python",\n')
    assert answer.json()["error"] == {
        "message": "invalid request body",
        "type": "invalid_request",
        "code": 400,
    }
