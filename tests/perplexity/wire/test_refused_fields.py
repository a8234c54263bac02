"""The fields of a form that a refusal is about."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire import agent_request, search
from perplexity_connector.perplexity.wire.refused_fields import (
    field_errors,
    refused_fields,
)

RECORDED = json.loads(
    Path(__file__).with_name("refusals.json").read_text(encoding="utf-8")
)["refusals"]
CHAT: dict[str, Any] = {
    "model": "sonar-pro",
    "messages": [{"role": "user", "content": "x"}],
}
SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": "a", "schema": {"type": "object"}},
}


def body_of_chat(**sent: Any) -> Any:
    """The request of a chat that has these fields besides the required ones."""
    known = {name: sent[name] for name in sent if name in ChatInput.model_fields}
    body = agent_request.request_body(ChatInput.model_validate(CHAT | known))
    # A field that the form does not have yet has the same name on the wire.
    return {**{name: sent[name] for name in sent if name not in known}, **body}


def body_of_search(**sent: Any) -> Any:
    """The request of a search that has these fields."""
    form = SearchInput.model_validate({"query": "x"} | sent)
    return search.request_body(search.filters_of(form), search.queries(form)[0])


def named(
    message: str, sent: Any, error_type: str = "invalid_request", **more: Any
) -> list[str]:
    """The pointers of a refusal in the recorded form."""
    error = {"message": message, "type": error_type, "code": 400, **more}
    return [f"/{name}" for name in refused_fields({"error": error}, sent)]


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["message"][:40])
def test_each_recorded_refusal_names_its_field(row: Mapping[str, Any]) -> None:
    """A row about a field that the form does not have yet counts from the day when it has it."""
    is_search = row["endpoint"] == "/search"
    sent = (body_of_search if is_search else body_of_chat)(**row["sent"])
    form = SearchInput if is_search else ChatInput
    there = [name for name in row["fields"] if name.split("/")[1] in form.model_fields]
    assert named(row["message"], sent, row["type"]) == there
    assert there or not row["fields"] or "since_issue" in row


def test_a_run_id_that_is_not_known_is_named() -> None:
    """The provider says no more than that the request is invalid."""
    sent = body_of_chat(previous_response_id="resp_x")
    assert named("invalid request", sent) == ["/previous_response_id"]
    assert named("Invalid request", sent) == []
    assert named("invalid request body", sent) == []
    assert named("invalid request", body_of_chat()) == []


BOTH_LIMITS: dict[str, Any] = {"max_tokens": 5, "max_tokens_per_page": 5}
DATES: dict[str, Any] = {
    "search_after_date_filter": "2026-03-01",
    "search_before_date_filter": "2026-03-02",
}
SEARCH_LIMIT: dict[str, Any] = {"web_search_options": {"max_tokens": 1}}
BARE = {"model": "perplexity/sonar"}
PICTURE = [{"role": "user", "content": "x", "images": ["https://a.example/a.png"]}]
LOCATION: dict[str, Any] = {"user_location": {"country": "US", "city": "Paris"}}


@pytest.mark.parametrize(
    ("message", "sent", "expected"),
    [
        ("max tokens per page is too high", BOTH_LIMITS, ["/max_tokens_per_page"]),
        ("max tokens is too high", BOTH_LIMITS, ["/max_tokens"]),
        (
            "max_tokens_per_page is above max_tokens",
            BOTH_LIMITS,
            ["/max_tokens", "/max_tokens_per_page"],
        ),
        ("max tokens per page is too high", {"max_tokens": 5}, []),
        ("max_tokensx or xmax_tokens is too high", BOTH_LIMITS, []),
        ("Max tokens is too high, MAX_TOKENS", BOTH_LIMITS, []),
        (
            "search_after_date_filter is after search before date filter",
            DATES,
            ["/search_after_date_filter", "/search_before_date_filter"],
        ),
        ("published_after is not a date", DATES, []),
        ("unknown field max_results", {}, []),
    ],
)
def test_the_longest_names_that_were_sent_are_named(
    message: str, sent: Mapping[str, Any], expected: list[str]
) -> None:
    """With underscores or spaces, whole words only, as they are written on the wire."""
    assert named(message, body_of_search(**sent)) == expected


@pytest.mark.parametrize(
    "message",
    [
        "query 'what does max_tokens mean' is too long",
        "query 'what's max_tokens' is too long",
        "query 'it is max_tokens",
        'query "max_tokens" is too long',
        r'query "a \"max_tokens\" b" is too long',
        "query `max_tokens` is too long",
        "query \u201cmax_tokens\u201d is too long",
        "query \u2018max_tokens\u2019 is too long",
        "query 'max\ntokens max_tokens' is too long",
        "query 'At body -> max_tokens: no' is too long",
    ],
)
def test_a_name_in_quotation_marks_does_not_count(message: str) -> None:
    """It may be the author's own text, with apostrophes and marks of its own."""
    assert named(message, body_of_search(max_tokens=5)) == ["/query"]


def test_an_apostrophe_opens_no_quotation() -> None:
    """The rest of the message still counts."""
    message = "a query's max_tokens mustn't be zero"
    assert named(message, body_of_search(max_tokens=5)) == ["/max_tokens", "/query"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("json_schema.schema must be an object", "/response_format/json_schema/schema"),
        (
            "response_format.json_schema.schema must be an object",
            "/response_format/json_schema/schema",
        ),
        ("json_schema is required", "/response_format"),
        ("response format is not supported", "/response_format"),
        ("response_format.json_schema.name is too long", "/response_format"),
    ],
)
def test_only_the_authors_schema_is_pointed_at_inside_its_field(
    message: str, expected: str
) -> None:
    """Everything else is pointed at by its outermost field."""
    assert named(message, body_of_chat(response_format=SCHEMA)) == [expected]
    assert named(message, body_of_chat()) == []


@pytest.mark.parametrize(
    ("message", "sent", "expected"),
    [
        ("max_output_tokens is too low", {"max_tokens": 16}, ["/max_tokens"]),
        ("max_tokens is too low", {"max_tokens": 16}, []),
        ("reasoning.effort is unknown", {"reasoning_effort": "low"}, ["/reasoning_effort"]),
        ("reasoning.effort is unknown", {"model": "fast@1", "reasoning_effort": "low"}, ["/reasoning_effort"]),
        ("reasoning.effort is unknown", {"model": "fast@1"}, []),
        ("tools[0].user_location.country is unknown", {"web_search_options": LOCATION}, ["/web_search_options"]),
        ("city is unknown", {"web_search_options": LOCATION}, ["/web_search_options"]),
        ("region is unknown", {"web_search_options": LOCATION}, []),
        ("preset is unknown", {}, ["/model"]),
        ("stream must be true or false", {"stream": True}, []),
        ("tools[0] is unknown", {"web_search_options": LOCATION}, []),
        ("tools[0].max_tokens is too low", {"max_tokens": 16, **SEARCH_LIMIT}, ["/web_search_options"]),
        ("tools[0].max_results is too high", {"web_search_options": {"max_results": 50}}, ["/web_search_options"]),
        ("tools[1]: fetch_url is unknown", {**BARE, "tools": ["fetch_url"]}, ["/tools"]),
        ("tools[1]: finance_search is unknown", {**BARE, "tools": ["fetch_url"]}, []),
        ("effort is unknown", {"model": "wide-research"}, ["/model"]),
        ("profile is unknown", {"model": "profile_1"}, ["/model"]),
        ("models must be at most 5", {**BARE, "fallback_models": ["openai/a"]}, ["/fallback_models"]),
        ("tool_choice is not supported", {"search": "always"}, ["/search"]),
        ("max_tool_calls is not supported", {"search": "never"}, ["/search"]),
        ("image_url is not an image", {"messages": PICTURE}, ["/messages"]),
        ("image_url is not an image", {}, []),
        ("max steps must be at least 1", {"max_steps": 1}, ["/max_steps"]),
    ],
)  # fmt: skip
def test_a_wire_name_leads_to_the_field_of_the_form(
    message: str, sent: Mapping[str, Any], expected: list[str]
) -> None:
    """Whatever it is called there; `stream` is always sent and is not the author's."""
    assert named(message, body_of_chat(**sent)) == expected


@pytest.mark.parametrize(
    ("error_type", "in_search", "in_chat"),
    [
        ("invalid_country_code", ["/country"], ["/web_search_options"]),
        (
            "invalid_language_code",
            ["/search_language_filter"],
            ["/language_preference"],
        ),
        ("invalid_message", [], ["/messages"]),
        ("invalid_model", [], ["/model"]),
        ("payload_too_large", [], ["/messages"]),
    ],
)
def test_a_type_names_the_field_that_the_form_has(
    error_type: str, in_search: list[str], in_chat: list[str]
) -> None:
    """A field of the other form is never pointed at."""
    assert named("…", body_of_search(), error_type) == in_search
    assert named("…", body_of_chat(), error_type) == in_chat


def test_an_unknown_model_may_be_any_of_the_list() -> None:
    """The refusal does not say which. Without fallback models it is the model."""
    sent = body_of_chat(**BARE, fallback_models=["openai/a"])
    assert named("…", sent, "invalid_model") == ["/fallback_models", "/model"]
    assert named("…", body_of_chat(**BARE), "invalid_model") == ["/model"]


def test_the_most_exact_part_of_a_refusal_counts() -> None:
    """`param` before a path in the message, that before the type, and the message's words last."""
    sent = body_of_chat(temperature=1, top_p=1, max_tokens=16)
    message = '["At body -> top_p: max_output_tokens"]'
    more = {"param": "temperature"}
    assert named(message, sent, "invalid_model", **more) == ["/temperature"]
    assert named(message, sent, "invalid_model", param="foo") == ["/top_p"]
    message = '["At body -> foo: max_output_tokens"]'
    assert named(message, sent, "invalid_model") == ["/model"]
    assert named("max_output_tokens", sent, "invalid_model") == ["/model"]
    assert named("max_output_tokens", sent) == ["/max_tokens"]


@pytest.mark.parametrize(
    "refusal",
    [
        {"error": {"param": "response_format.json_schema.schema.type"}},
        {
            "error": {
                "message": '["At body -> response_format -> json_schema -> schema: no"]'
            }
        },
        {"detail": [{"loc": ["body", "response_format", "json_schema", "schema"]}]},
    ],
)
def test_a_path_may_lead_to_the_authors_schema(refusal: Any) -> None:
    """It is the field of that name in a chat, and no field of a search."""
    expected = ["response_format/json_schema/schema"]
    assert refused_fields(refusal, body_of_chat()) == expected
    assert refused_fields(refusal, body_of_search()) == []


def test_a_request_without_a_form_has_no_fields() -> None:
    """As the look at a run, or the list of models."""
    assert named("query, input, max_tokens", {}, "invalid_model", param="model") == []


def test_the_providers_text_is_not_repeated() -> None:
    """The error has our own words alone."""
    refusal = {"error": {"message": "query SENTINEL", "type": "invalid_request"}}
    errors = field_errors(refusal, {"query": "x"})
    assert [(error.pointer, error.code) for error in errors] == [("/query", "refused")]
    assert "SENTINEL" not in f"{errors}"
