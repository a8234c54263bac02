"""From a chat form to the body of the Agent API."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from perplexity_connector.perplexity.forms.create_chat_completion import (
    ChatInput,
    JsonSchemaFormat,
    Message,
    ResponseFormat,
    UserLocation,
    WebSearchOptions,
)
from perplexity_connector.perplexity.forms.fields import Form
from perplexity_connector.perplexity.wire.agent_request import PATH, request_body

QUESTION: dict[str, Any] = {"role": "user", "content": "How far away is the Moon?"}
BARE: dict[str, Any] = {"model": "sonar", "messages": [QUESTION]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"km": {"type": "number"}},
    "default": None,
    "required": [],
}
IMAGE = "https://moon.example/moon.png"
NEW_MODEL = "openai/gpt-6-luna"
WEB_SEARCH = {"type": "web_search"}
POSITION: dict[str, Any] = {"country": "US", "latitude": 37.5, "longitude": -122.5}

# A value for every optional field of every form in the input, each different from what is sent without it.
SET: Mapping[type[Form], Mapping[str, Any]] = {
    ChatInput: {
        "stream": True,
        "search": "always",
        "max_tokens": 1000,
        "temperature": 0,
        "top_p": 0,
        "reasoning_effort": "low",
        "max_steps": 1,
        "search_recency_filter": "week",
        "search_domain_filter": ["-moon.example"],
        "search_after_date_filter": "2026-03-09",
        "search_before_date_filter": "2026-03-10",
        "last_updated_after_filter": "2026-03-11",
        "last_updated_before_filter": "2026-03-12",
        "web_search_options": {"search_context_size": "high"},
        "tools": ["fetch_url"],
        "fallback_models": ["xai/grok"],
        "previous_response_id": "resp_1",
        "language_preference": "de",
        "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
    },
    Message: {"images": [IMAGE]},
    WebSearchOptions: {
        "search_context_size": "low",
        "user_location": {"city": "Paris"},
        "search_type": "fast",
        "max_results": 1,
        "max_tokens": 1,
        "max_tokens_per_page": 1,
    },
    UserLocation: {
        "country": "FR",
        "region": "IDF",
        "city": "Paris",
        "latitude": 0,
        "longitude": 0,
    },
    ResponseFormat: {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
    JsonSchemaFormat: {
        "name": "distance",
        "schema": SCHEMA,
        "strict": False,
        "description": "A distance.",
    },
}
WITHOUT_EFFECT = {"stream"}  # it belongs to the host; the Agent wire is always streamed


def body(**values: Any) -> dict[str, Any]:
    """The request for a bare question and these fields."""
    return dict(request_body(ChatInput.model_validate(BARE | values)))


def tool(**values: Any) -> object:
    """The one tool of the request."""
    tools = body(**values)["tools"]
    assert isinstance(tools, list)
    assert len(tools) == 1
    return tools[0]


@pytest.mark.parametrize("form", SET)
def test_the_table_above_knows_every_optional_field(form: type[Form]) -> None:
    """Whoever adds a field says here what it sends."""
    optional = {
        field.alias or name
        for name, field in form.model_fields.items()
        if not field.is_required()
    }
    assert optional == SET[form].keys()


@pytest.mark.parametrize("name", SET[ChatInput])
def test_every_optional_field_reaches_the_wire(name: str) -> None:
    """A field that is set changes the request, falsy values too; only `stream` does not."""
    plain = body(model=NEW_MODEL)
    found = body(model=NEW_MODEL, **{name: SET[ChatInput][name]})
    assert (found == plain) is (name in WITHOUT_EFFECT)


@pytest.mark.parametrize("name", SET[WebSearchOptions])
def test_every_search_option_reaches_the_wire(name: str) -> None:
    """Each ends on the web_search tool under its own name."""
    value = SET[WebSearchOptions][name]
    assert tool(web_search_options={name: value}) == {"type": "web_search", name: value}


@pytest.mark.parametrize("name", SET[UserLocation])
def test_every_part_of_a_location_reaches_the_wire(name: str) -> None:
    """Zero degrees are a place."""
    value = SET[UserLocation][name]
    assert tool(web_search_options={"user_location": {name: value}}) == {
        "type": "web_search",
        "user_location": {name: value},
    }


def test_nothing_unset_is_sent() -> None:
    """The Agent API refuses nulls and unknown fields, so a bare question is a bare request."""
    assert body() == {"preset": "fast", "input": [QUESTION], "stream": True}
    assert PATH == "/v1/agent"


@pytest.mark.parametrize(
    ("model", "served"),
    [
        ("sonar", {"preset": "fast"}),
        ("sonar-pro", {"preset": "low"}),
        ("sonar-reasoning", {"preset": "medium"}),
        ("sonar-reasoning-pro", {"preset": "medium"}),
        ("sonar-deep-research", {"preset": "high"}),
        ("fast", {"preset": "fast"}),
        ("low", {"preset": "low"}),
        ("medium", {"preset": "medium"}),
        ("high", {"preset": "high"}),
        ("xhigh", {"preset": "xhigh"}),
        (" sonar-pro ", {"preset": "low"}),
        (
            "perplexity/sonar",
            {"model": "perplexity/sonar", "tools": [{"type": "web_search"}]},
        ),
        (
            " openai/gpt-6-luna\n",
            {"model": "openai/gpt-6-luna", "tools": [{"type": "web_search"}]},
        ),
        (
            "something-new",
            {"model": "something-new", "tools": [{"type": "web_search"}]},
        ),
        ("wide-research", {"effort": "wide-research"}),
        (" fast@2026-10-16.0 ", {"effort": "fast@2026-10-16.0"}),
        ("wide-research@2", {"effort": "wide-research@2"}),
        ("profile_1", {"profile": {"id": "profile_1", "type": "custom"}}),
        ("sonar@2", {"model": "sonar@2", "tools": [{"type": "web_search"}]}),
    ],
)
def test_a_model_is_sent_as_its_preset_or_as_it_is_with_a_search_tool(
    model: str, served: dict[str, Any]
) -> None:
    """A bare model would search nothing without the tool; a preset has its own."""
    assert body(model=model) == {**served, "input": [QUESTION], "stream": True}


@pytest.mark.parametrize(
    ("model", "search", "sent"),
    [
        ("sonar", "always", {"preset": "fast", "tool_choice": WEB_SEARCH}),
        ("sonar", "when_needed", {"preset": "fast"}),
        ("sonar", "never", {"preset": "fast", "max_tool_calls": 0}),
        ("fast@1", "never", {"effort": "fast@1", "max_tool_calls": 0}),
        (
            NEW_MODEL,
            "always",
            {"model": NEW_MODEL, "tools": [WEB_SEARCH], "tool_choice": WEB_SEARCH},
        ),
        (NEW_MODEL, "when_needed", {"model": NEW_MODEL, "tools": [WEB_SEARCH]}),
        (NEW_MODEL, "never", {"model": NEW_MODEL}),
    ],
)
def test_the_web_is_searched_as_the_author_says(
    model: str, search: str, sent: dict[str, Any]
) -> None:
    """A bare model that never searches lacks the tool; any other name may call none of its own."""
    found = body(model=model, search=search)
    assert found == {**sent, "input": [QUESTION], "stream": True}


def test_a_profile_searches_and_takes_options_like_a_preset() -> None:
    """Its own tools stay."""
    found = body(model="profile_1", search="always", search_recency_filter="day")
    assert found["tools"] == [
        {"type": "web_search", "filters": {"search_recency_filter": "day"}}
    ]
    assert found["tool_choice"] == WEB_SEARCH
    assert "max_tool_calls" not in body(model="profile_1")
    assert body(model="profile_1", search="never")["max_tool_calls"] == 0


def test_other_tools_come_after_the_web_search() -> None:
    """And alone where nothing is searched."""
    given = {"model": NEW_MODEL, "tools": ["finance_search", "fetch_url"]}
    others = [{"type": "finance_search"}, {"type": "fetch_url"}]
    assert body(**given)["tools"] == [WEB_SEARCH, *others]
    assert body(**given, search="never")["tools"] == others


def test_fallback_models_follow_the_model_in_one_list() -> None:
    """The list takes the place of the model."""
    found = body(model=f" {NEW_MODEL}", fallback_models=[" xai/grok", "google/gemini"])
    assert found["models"] == [NEW_MODEL, "xai/grok", "google/gemini"]
    assert "model" not in found
    assert found["tools"] == [WEB_SEARCH]


def test_a_message_with_images_is_sent_in_parts() -> None:
    """The text first, then each image in its order; a message without images stays a text."""
    data = "data:image/png;base64,AAAA"
    answer = {"role": "assistant", "content": "Far."}
    seen = QUESTION | {"images": [IMAGE, data]}
    assert body(messages=[seen, answer, QUESTION])["input"] == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": QUESTION["content"]},
                {"type": "input_image", "image_url": IMAGE},
                {"type": "input_image", "image_url": data},
            ],
        },
        answer,
        QUESTION,
    ]


def test_options_beside_a_preset_come_as_one_web_search_tool() -> None:
    """The list merges per tool type, so that the preset's other tools stay."""
    found = body(
        model="sonar-pro",
        search_recency_filter="day",
        web_search_options={"search_context_size": "high"},
    )
    assert found["preset"] == "low"
    assert found["tools"] == [
        {
            "type": "web_search",
            "search_context_size": "high",
            "filters": {"search_recency_filter": "day"},
        }
    ]


def test_options_with_a_bare_model_come_on_the_same_one_tool() -> None:
    """There is never a second web_search tool."""
    assert tool(model="openai/gpt-6-luna", search_recency_filter="day") == {
        "type": "web_search",
        "filters": {"search_recency_filter": "day"},
    }


def test_filters_go_on_the_tool_with_american_dates() -> None:
    """The four dates as MM/DD/YYYY, the domains as they are."""
    names = [
        name
        for name in SET[ChatInput]
        if name.endswith("_filter") and name != "search_recency_filter"
    ]
    assert tool(**{name: SET[ChatInput][name] for name in names}) == {
        "type": "web_search",
        "filters": {
            "search_after_date_filter": "03/09/2026",
            "search_before_date_filter": "03/10/2026",
            "last_updated_after_filter": "03/11/2026",
            "last_updated_before_filter": "03/12/2026",
            "search_domain_filter": ["-moon.example"],
        },
    }


def test_all_messages_stay_in_the_input_with_their_roles() -> None:
    """`instructions` would replace the preset's prompt, and with it its citation rules."""
    messages = [
        {"role": "system", "content": "Be short."},
        {"role": "system", "content": "Be kind."},
        QUESTION,
        {"role": "assistant", "content": "Far."},
        QUESTION,
    ]
    found = body(messages=messages)
    assert found["input"] == messages
    assert "instructions" not in found


def test_plain_fields_have_their_agent_names() -> None:
    """Token limit and effort are named differently; the others are not."""
    found = body(
        max_steps=100.0,
        previous_response_id=" resp_1\n",
        max_tokens=1000.0,
        temperature=0,
        top_p=1,
        reasoning_effort="xhigh",
        language_preference="DE",
    )
    assert found == body() | {
        "max_steps": 100,
        "previous_response_id": "resp_1",
        "max_output_tokens": 1000,
        "temperature": 0,
        "top_p": 1,
        "reasoning": {"effort": "xhigh"},
        "language_preference": "de",
    }
    assert isinstance(found["max_output_tokens"], int)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"name": "schema"}),
        ({"name": "distance"}, {"name": "distance"}),
        ({"strict": False}, {"name": "schema", "strict": False}),
        ({"description": "Far."}, {"name": "schema", "description": "Far."}),
    ],
)
def test_an_authors_schema_is_sent_untouched_under_a_name(
    given: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Not one husk or null is pruned from it; a name that was left out is the documented default.

    A schema says the type, too.
    """
    structure = {**given, "schema": SCHEMA}
    found = body(response_format={"type": "json_schema", "json_schema": structure})
    assert body(response_format={"json_schema": structure}) == found
    assert found["response_format"] == {
        "type": "json_schema",
        "json_schema": {**sent, "schema": SCHEMA},
    }


def test_no_reasoning_is_an_effort_too() -> None:
    """It is sent, since a model thinks by default."""
    assert body(reasoning_effort="none")["reasoning"] == {"effort": "none"}


def test_plain_text_needs_no_response_format() -> None:
    """Text is what the API answers anyway."""
    assert body(response_format={"type": "text"}) == body()


def test_a_position_goes_out_whole() -> None:
    """Country in capitals, coordinates as numbers."""
    found = tool(web_search_options={"user_location": POSITION | {"country": "us"}})
    assert found == {"type": "web_search", "user_location": POSITION}


def test_a_request_is_always_json() -> None:
    """Everything at once still serialises, without NaN."""
    everything = {
        name: value
        for name, value in SET[ChatInput].items()
        if name != "search_recency_filter"
    }
    assert json.loads(json.dumps(body(**everything), allow_nan=False)) == body(
        **everything
    )
