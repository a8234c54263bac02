"""What *Create Chat Completion* refuses, field by field and between fields."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.model_aliases import ALIASES, PRESETS
from perplexity_connector.perplexity.forms.validation import validate_input
from tests.paths import SCHEMAS
from tests.perplexity.forms.problems import QUESTION, in_chat, problems

SYSTEM: dict[str, Any] = {"role": "system", "content": "Be short."}
ANSWER: dict[str, Any] = {"role": "assistant", "content": "384,400 km."}
IMAGE = "https://moon.example/moon.png"
OWN: dict[str, Any] = {"model": "openai/gpt-6-luna"}
OPTIONS = "/web_search_options"
LOCATION = f"{OPTIONS}/user_location"
STRUCTURE = "/response_format/json_schema"
SCHEMA = f"{STRUCTURE}/schema"
OBJECT: dict[str, Any] = {"type": "object"}
LONE = "\ud800"


def structured(**json_schema: Any) -> dict[str, Any]:
    """A response format of the type json_schema."""
    return {"type": "json_schema", "json_schema": json_schema}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"model": ""}, [("/model", "minLength")]),
        ({"model": "x" * 201}, [("/model", "maxLength")]),
        ({"model": 7}, [("/model", "type")]),
        ({"model": None}, [("/model", "type")]),
        ({"messages": []}, [("/messages", "minItems")]),
        ({"messages": ""}, [("/messages", "type")]),
        ({"messages": {}}, [("/messages", "type")]),
        ({"messages": None}, [("/messages", "type")]),
        ({"messages": (QUESTION,)}, [("/messages", "type")]),
        ({"messages": ["hello"]}, [("/messages/0", "type")]),
        ({"messages": [QUESTION | {"role": "tool"}]}, [("/messages/0/role", "enum")]),
        ({"messages": [QUESTION | {"role": None}]}, [("/messages/0/role", "type")]),
        ({"messages": [QUESTION | {"content": ""}]}, [("/messages/0/content", "minLength")]),
        ({"messages": [QUESTION | {"content": " \n"}]}, [("/messages/0/content", "blank")]),
        ({"messages": [SYSTEM, QUESTION | {"content": "\u200b"}]}, [("/messages/1/content", "blank")]),
        ({"model": "  "}, [("/model", "blank")]),
        ({"language_preference": "xx"}, [("/language_preference", "unknown_code")]),
        ({"web_search_options": {"user_location": {"country": "ZZ"}}},
         [("/web_search_options/user_location/country", "unknown_code")]),
        ({"messages": [QUESTION | {"content": None}]}, [("/messages/0/content", "type")]),
        ({"messages": [QUESTION | {"content": [{"type": "text", "text": "x"}]}]}, [("/messages/0/content", "type")]),
        ({"messages": [{"role": "user"}]}, [("/messages/0/content", "required")]),
        ({"messages": [QUESTION | {"name": "me"}]}, [("/messages/0/name", "unknown_field")]),
        ({"messages": [QUESTION | {"images": [IMAGE] * 11}]}, [("/messages/0/images", "maxItems")]),
        ({"messages": [QUESTION | {"images": IMAGE}]}, [("/messages/0/images", "type")]),
        *(
            ({"messages": [QUESTION | {"images": [IMAGE, bad]}]}, [("/messages/0/images/1", "pattern")])
            for bad in ("", "http://a.example/a.png", "https://", "file:///a.png", "moon.png", "data:image/png;base64,",
                        "data:image/svg+xml;base64,AAAA", "data:text/html;base64,AAAA", "x https://a.example/a.png")
        ),
        ({"stream": "yes"}, [("/stream", "type")]),
        ({"search": "sometimes"}, [("/search", "enum")]),
        ({"search": False}, [("/search", "type")]),
        ({"max_steps": 0}, [("/max_steps", "minimum")]),
        ({"max_steps": 101}, [("/max_steps", "maximum")]),
        ({"max_steps": 1.5}, [("/max_steps", "type")]),
        ({"previous_response_id": 1}, [("/previous_response_id", "type")]),
        ({"previous_response_id": "r" * 201}, [("/previous_response_id", "maxLength")]),
        ({**OWN, "fallback_models": ["a/b", "c/d", "e/f", "g/h", "i/j"]}, [("/fallback_models", "maxItems")]),
        *(
            ({**OWN, "fallback_models": ["xai/grok", bad]}, [("/fallback_models/1", "pattern")])
            for bad in ("", "grok", "sonar-pro", "xai/", "/grok", "xai/gr ok")
        ),
        ({**OWN, "fallback_models": "xai/grok"}, [("/fallback_models", "type")]),
        ({**OWN, "tools": ["web_search"]}, [("/tools/0", "enum")]),
        ({"web_search_options": {"max_results": 0}}, [(f"{OPTIONS}/max_results", "minimum")]),
        ({"web_search_options": {"max_results": 51}}, [(f"{OPTIONS}/max_results", "maximum")]),
        ({"web_search_options": {"max_tokens": 0}}, [(f"{OPTIONS}/max_tokens", "minimum")]),
        ({"web_search_options": {"max_tokens_per_page": 0}}, [(f"{OPTIONS}/max_tokens_per_page", "minimum")]),
        ({"stream": 1}, [("/stream", "type")]),
        ({"max_tokens": 1}, [("/max_tokens", "minimum")]),
        ({"max_tokens": 15.0}, [("/max_tokens", "minimum")]),
        ({"max_tokens": 16.5}, [("/max_tokens", "type")]),
        ({"max_tokens": True}, [("/max_tokens", "type")]),
        ({"max_tokens": "100"}, [("/max_tokens", "type")]),
        ({"temperature": -0.1}, [("/temperature", "minimum")]),
        ({"temperature": 2.1}, [("/temperature", "maximum")]),
        ({"temperature": True}, [("/temperature", "type")]),
        ({"temperature": float("nan")}, [("/temperature", "type")]),
        ({"temperature": float("inf")}, [("/temperature", "type")]),
        ({"top_p": 1.1}, [("/top_p", "maximum")]),
        ({"reasoning_effort": "maximal"}, [("/reasoning_effort", "enum")]),
        ({"search_recency_filter": "decade"}, [("/search_recency_filter", "enum")]),
        ({"search_domain_filter": ["a.example"] * 21}, [("/search_domain_filter", "maxItems")]),
        ({"search_domain_filter": ["https://a.example"]}, [("/search_domain_filter/0", "pattern")]),
        ({"search_domain_filter": ["a.example", ""]}, [("/search_domain_filter/1", "pattern")]),
        ({"search_domain_filter": ["a" * 255]}, [("/search_domain_filter/0", "maxLength")]),
        ({"search_domain_filter": "a.example"}, [("/search_domain_filter", "type")]),
        ({"search_after_date_filter": "03/09/2026"}, [("/search_after_date_filter", "format")]),
        ({"search_after_date_filter": "2026-02-30"}, [("/search_after_date_filter", "format")]),
        ({"search_after_date_filter": "20260309"}, [("/search_after_date_filter", "format")]),
        ({"search_after_date_filter": "2026-W11-1"}, [("/search_after_date_filter", "format")]),
        ({"search_after_date_filter": "0000-01-01"}, [("/search_after_date_filter", "format")]),
        ({"web_search_options": "low"}, [("/web_search_options", "type")]),
        ({"web_search_options": {"search_context_size": "huge"}}, [(f"{OPTIONS}/search_context_size", "enum")]),
        ({"web_search_options": {"search_type": "pro"}}, [(f"{OPTIONS}/search_type", "enum")]),
        ({"web_search_options": {"user_location": {"country": "USA"}}}, [(f"{LOCATION}/country", "maxLength")]),
        ({"web_search_options": {"user_location": {"country": "U1"}}}, [(f"{LOCATION}/country", "pattern")]),
        ({"web_search_options": {"user_location": {"city": "x" * 101}}}, [(f"{LOCATION}/city", "maxLength")]),
        ({"web_search_options": {"user_location": {"latitude": 91}}}, [(f"{LOCATION}/latitude", "maximum")]),
        ({"web_search_options": {"user_location": {"latitude": "1"}}}, [(f"{LOCATION}/latitude", "type")]),
        ({"language_preference": "eng"}, [("/language_preference", "maxLength")]),
        ({"response_format": {"type": "json_object"}}, [("/response_format/type", "enum")]),
        ({"response_format": structured(name="a b", schema=OBJECT)}, [(f"{STRUCTURE}/name", "pattern")]),
        ({"response_format": structured(schema=OBJECT, strict=1)}, [(f"{STRUCTURE}/strict", "type")]),
        ({"response_format": structured(description="d" * 1001)}, [(f"{STRUCTURE}/description", "maxLength")]),
        ({"response_format": structured(schema=OBJECT, type="x")}, [(f"{STRUCTURE}/type", "unknown_field")]),
        ({"response_format": structured(schema=True)}, [(SCHEMA, "type")]),
        ({"response_format": structured(schema=[OBJECT])}, [(SCHEMA, "type")]),
        ({"colour": "blue"}, [("/colour", "unknown_field")]),
        ({"schema_": "blue"}, [("/schema_", "unknown_field")]),
        ({"a/b~c": 1}, [("/a~1b~0c", "unknown_field")]),
        ({"": 1}, [("/", "unknown_field")]),
    ],
)  # fmt: skip
def test_a_bad_field_is_named_by_pointer_and_keyword(
    part: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Each wrong value gives exactly one error, at its own place, with the keyword that it breaks."""
    assert in_chat(part) == expected


@pytest.mark.parametrize("name", sorted(ChatInput.withdrawn))
def test_a_withdrawn_parameter_is_told_apart_from_a_misspelt_one(name: str) -> None:
    """Whoever brings an old step along hears that Perplexity withdrew this."""
    assert in_chat({name: 1}) == [(f"/{name}", "withdrawn")]


def test_the_withdrawn_parameters_of_the_old_api_are_known() -> None:
    """The list holds those that the documentation had, and none that is a field now."""
    known = {
        "top_k",
        "presence_penalty",
        "frequency_penalty",
        "stop",
        "search_mode",
        "disable_search",
    }
    known |= {"return_images", "return_related_questions", "search_language_filter"}
    assert known <= ChatInput.withdrawn.keys()
    assert not ChatInput.withdrawn.keys() & ChatInput.model_fields.keys()


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ("u", []),
        ("su", []),
        ("ssu", []),
        ("uau", []),
        ("suauau", []),
        ("uu", [("/messages/1/role", "order")]),
        ("uaau", [("/messages/2/role", "order")]),
        ("ua", [("/messages/1/role", "order")]),
        ("s", [("/messages/0/role", "order")]),
        ("usu", [("/messages/1/role", "order")]),
        ("uasu", [("/messages/2/role", "order")]),
        ("au", [("/messages/0/role", "order")]),
        ("sau", [("/messages/1/role", "order")]),
        ("uuu", [("/messages/1/role", "order"), ("/messages/2/role", "order")]),
        ("uua", [("/messages/1/role", "order"), ("/messages/2/role", "order")]),
    ],
)
def test_the_order_of_messages_is_checked(
    roles: str, expected: list[tuple[str, str]]
) -> None:
    """System first, then user and assistant in turn, the user last; each message out of turn is pointed at."""
    turns = {"s": SYSTEM, "u": QUESTION, "a": ANSWER}
    assert in_chat(messages=[turns[role] for role in roles]) == expected


@pytest.mark.parametrize(
    ("model", "better"),
    [
        ("r1-1776", "sonar-reasoning-pro"),
        (" R1-1776 ", "sonar-reasoning-pro"),
        *(
            (f"llama-3.1-sonar-{size}-128k-{kind}", better)
            for size, better in (
                ("small", "sonar"),
                ("large", "sonar-pro"),
                ("huge", "sonar-pro"),
            )
            for kind in ("online", "chat")
        ),
    ],
)
def test_a_model_removed_long_ago_is_refused_naming_its_replacement(
    model: str, better: str
) -> None:
    """All removed parameters that nothing serves (docs/provider.md, "Agent request"); what is named instead is good."""
    found: Any = validate_input(ChatInput, {"model": model, "messages": [QUESTION]})
    assert [(problem.pointer, problem.code) for problem in found] == [
        ("/model", "removed_model")
    ]
    assert f" {better} " in found[0].message
    assert in_chat(model=better) == []


@pytest.mark.parametrize(
    "model",
    [
        *ALIASES,
        *PRESETS,
        "perplexity/sonar",
        "openai/gpt-6-luna",
        "something-new",
        "wide-research",
        "fast@2026-10-16.0",
        "profile_1",
        " sonar ",
    ],
)
def test_any_other_name_goes_through(model: str) -> None:
    """Aliases, presets, provider names and names of tomorrow are all good."""
    assert in_chat(model=model) == []


def test_an_anthropic_model_needs_max_tokens() -> None:
    """Perplexity would refuse it, so we do first; with the field set it is fine."""
    assert in_chat(model="anthropic/claude") == [("/max_tokens", "needs")]
    assert in_chat(model="anthropic/claude", max_tokens="") == [
        ("/max_tokens", "needs")
    ]
    assert in_chat(model="anthropic/claude", max_tokens=1000) == []


def test_an_anthropic_fallback_needs_max_tokens_too() -> None:
    """Any model of the list may answer."""
    chain = OWN | {"fallback_models": ["xai/grok", "anthropic/claude"]}
    assert in_chat(chain) == [("/max_tokens", "needs")]
    assert in_chat(chain, max_tokens=1000) == []


@pytest.mark.parametrize(
    "model", ["sonar", "fast", "wide-research", "low@2", "profile_1"]
)
@pytest.mark.parametrize(
    "part", [{"fallback_models": ["xai/grok"]}, {"tools": ["fetch_url"]}]
)
def test_fallbacks_and_tools_go_only_with_a_models_own_name(
    model: str, part: dict[str, Any]
) -> None:
    """A preset or a profile has its own; both fields that take part are pointed at."""
    (name,) = part
    expected = sorted([("/model", "conflict"), (f"/{name}", "conflict")])
    assert in_chat(part, model=model) == expected
    assert in_chat(part, **OWN) == in_chat({name: []}, model=model) == []


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"fallback_models": ["xai/grok", " xai/grok"]}, ["/fallback_models"]),
        ({"fallback_models": ["openai/gpt-6-luna"]}, ["/fallback_models"]),
        ({"fallback_models": ["xai/grok", "a/b"]}, []),
        ({"fallback_models": ["perplexity/sonar"]}, []),
        ({"fallback_models": ["perplexity/sonar-pro"]}, ["/fallback_models/0"]),
        ({"fallback_models": ["a/b", "perplexity/r1-1776"]}, ["/fallback_models/1"]),
        ({"tools": ["fetch_url", "fetch_url"]}, ["/tools"]),
        ({"tools": ["fetch_url", "finance_search"]}, []),
    ],
)
def test_a_fallback_or_tool_is_another_one_that_can_be_used(
    part: dict[str, Any], expected: list[str]
) -> None:
    """Neither twice, nor the model itself, nor a name that means a preset or is gone."""
    assert in_chat(OWN | part) == [(pointer, "conflict") for pointer in expected]


@pytest.mark.parametrize(
    "part",
    [
        {"search_recency_filter": "week"},
        {"search_domain_filter": ["a.example"]},
        {"search_after_date_filter": "2026-01-01"},
        {"search_before_date_filter": "2026-01-01"},
        {"last_updated_after_filter": "2026-01-01"},
        {"last_updated_before_filter": "2026-01-01"},
        {"web_search_options": {"search_context_size": "low"}},
    ],
)
def test_nothing_says_how_to_search_where_nothing_is_searched(
    part: dict[str, Any],
) -> None:
    """Each such field is in conflict with `never`, and with no other choice; a blank one is not."""
    (name,) = part
    expected = [("/search", "conflict"), (f"/{name}", "conflict")]
    assert in_chat(part, search="never") == sorted(expected)
    assert in_chat(part, search="when_needed") == in_chat(part, search="always") == []
    assert in_chat({name: ""}, search="never") == []


@pytest.mark.parametrize("index", [0, 2])
def test_only_the_user_shows_images(index: int) -> None:
    """Role and images are pointed at in any other message."""
    messages = [SYSTEM, QUESTION, ANSWER, QUESTION]
    messages[index] = messages[index] | {"images": [IMAGE]}
    place = f"/messages/{index}"
    expected = [(f"{place}/images", "conflict"), (f"{place}/role", "conflict")]
    assert in_chat(messages=messages) == expected
    messages[index] = messages[index] | {"images": []}
    assert in_chat(messages=messages) == []


def test_all_images_together_have_a_longest_size() -> None:
    """It is counted over all messages, and every one with images is pointed at."""
    start = "data:image/png;base64,"
    half = start + "A" * (2**24 - len(start))
    fits = QUESTION | {"images": [half]}
    messages = [fits, ANSWER, QUESTION, ANSWER, fits]
    assert in_chat(messages=messages) == []
    messages[2] = QUESTION | {"images": [IMAGE]}
    assert in_chat(messages=messages) == [
        (f"/messages/{index}/images", "conflict") for index in (0, 2, 4)
    ]


def test_the_sentence_about_the_old_search_switch_names_the_new_field() -> None:
    """Its remedy is a field and a choice that are there."""
    assert "`search: never`" in ChatInput.withdrawn["disable_search"]
    assert in_chat(search="never") == []


@pytest.mark.parametrize("bad", [1, None, "many"])
def test_a_field_that_is_bad_is_not_called_missing_too(bad: object) -> None:
    """One word per field: what is wrong with the value that stands there."""
    assert [
        pointer for pointer, _ in in_chat(model="anthropic/claude", max_tokens=bad)
    ] == ["/max_tokens"]


@pytest.mark.parametrize("value", [16, 16.0, 1e300, 10**30])
def test_whole_numbers_are_integers_however_they_are_written(value: float) -> None:
    """JSON Schema counts 16.0 among the integers, so the model does."""
    assert in_chat(max_tokens=value) == []
    form = validate_input(
        ChatInput, {"model": "sonar", "messages": [QUESTION], "max_tokens": value}
    )
    assert isinstance(form, ChatInput)
    assert isinstance(form.max_tokens, int)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"search_domain_filter": ["a.example", "-b.example"]},
            ["/search_domain_filter"],
        ),
        (
            {"search_domain_filter": [" -b.example", "a.example"]},
            ["/search_domain_filter"],
        ),
        ({"search_domain_filter": ["-a.example", "-b.example"]}, []),
        ({"search_domain_filter": ["a.example", "b.example", "com"]}, []),
        (
            {"search_recency_filter": "week", "search_after_date_filter": "2026-01-01"},
            ["/search_after_date_filter", "/search_recency_filter"],
        ),
        (
            {
                "search_recency_filter": "week",
                "search_after_date_filter": "2026-01-01",
                "search_before_date_filter": "2026-02-01",
            },
            [
                "/search_after_date_filter",
                "/search_before_date_filter",
                "/search_recency_filter",
            ],
        ),
        (
            {
                "search_recency_filter": "week",
                "last_updated_after_filter": "2026-01-01",
            },
            [],
        ),
        (
            {
                "search_after_date_filter": "2026-02-01",
                "search_before_date_filter": "2026-01-01",
            },
            ["/search_after_date_filter", "/search_before_date_filter"],
        ),
        (
            {
                "last_updated_after_filter": "2026-02-01",
                "last_updated_before_filter": "2026-01-01",
            },
            ["/last_updated_after_filter", "/last_updated_before_filter"],
        ),
        (
            {
                "search_after_date_filter": "2026-01-01",
                "search_before_date_filter": "2026-01-01",
            },
            [],
        ),
        (
            {"search_after_date_filter": "2026-02-01", "search_before_date_filter": ""},
            [],
        ),
        ({"search_recency_filter": "", "search_after_date_filter": "2026-02-01"}, []),
    ],
)
def test_filters_that_exclude_each_other_are_pointed_at(
    part: dict[str, Any], expected: list[str]
) -> None:
    """Every field involved has the error; an error of several fields has the title of each."""
    assert in_chat(part) == [(pointer, "conflict") for pointer in expected]
    given = {"model": "sonar", "messages": [QUESTION], **part}
    found = validate_input(ChatInput, given)
    errors = found if isinstance(found, list) else []
    titles = [ChatInput.model_fields[error.pointer[1:]].title for error in errors]
    for error in errors if len(errors) > 1 else []:
        assert all(str(title) in error.message for title in titles)


@pytest.mark.parametrize(
    ("location", "missing"),
    [
        ({"latitude": 1.5}, ["country", "longitude"]),
        ({"latitude": 1.5, "longitude": 2}, ["country"]),
        ({"latitude": 1.5, "longitude": 2, "country": ""}, ["country"]),
        ({"latitude": 1.5, "longitude": 2, "country": []}, ["country"]),
        ({"longitude": 2, "country": "US"}, ["latitude"]),
        ({"latitude": 0, "longitude": 0, "country": "us"}, []),
        ({"latitude": "", "longitude": "", "country": ""}, []),
        ({"latitude": "", "city": "Paris"}, []),
        ({"country": "US", "region": "California"}, []),
        ({}, []),
    ],
)
def test_a_position_needs_both_coordinates_and_the_country(
    location: dict[str, Any], missing: list[str]
) -> None:
    """Each part that is missing is pointed at; a field that was cleared counts as missing, not as given."""
    found = in_chat(web_search_options={"user_location": location})
    assert found == [(f"{LOCATION}/{name}", "needs") for name in missing]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, []),
        ({"type": "text"}, []),
        ({"type": "text", "json_schema": {}}, []),
        ({"type": "text", "json_schema": {"name": "", "schema": {}}}, []),
        ({"type": "text", "json_schema": {"strict": False}}, []),
        ({"json_schema": {"strict": False}}, []),
        ({"type": "text", "json_schema": {"strict": True}}, [("/json_schema", "conflict"), ("/type", "conflict")]),
        ({"type": "text", "json_schema": {"name": "a"}}, [("/json_schema", "conflict"), ("/type", "conflict")]),
        ({"type": "text", "json_schema": {"schema": OBJECT}}, [("/json_schema", "conflict"), ("/type", "conflict")]),
        ({"json_schema": {"schema": OBJECT}}, []),
        ({"type": "", "json_schema": {"schema": OBJECT}}, []),
        ({"json_schema": {"name": "a"}}, [("/json_schema/schema", "needs")]),
        ({"type": "", "json_schema": {"schema": ""}}, []),
        ({"type": "json_schema"}, [("/json_schema/schema", "needs")]),
        ({"type": "json_schema", "json_schema": {}}, [("/json_schema/schema", "needs")]),
        ({"type": "json_schema", "json_schema": {"name": "a"}}, [("/json_schema/schema", "needs")]),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, [("/json_schema/schema", "needs")]),
        ({"type": "json_schema", "json_schema": {"schema": ""}}, [("/json_schema/schema", "needs")]),
        ({"type": "json_schema", "json_schema": {"schema": OBJECT}}, []),
        ({"type": "json_schema", "json_schema": {"schema": {"type": 1}}}, [("/json_schema/schema", "bad_schema")]),
        ({"type": "json_schema", "json_schema": {"schema": {"type": "null"}}}, [("/json_schema/schema", "bad_schema")]),
        ({"type": "json_schema", "json_schema": {"schema": {"items": {}}}}, [("/json_schema/schema", "bad_schema")]),
        ({"type": "json_schema", "json_schema": {"schema": OBJECT, "strict": False, "description": "x"}}, []),
        ({"type": "json_schema", "json_schema": {"strict": True}}, [("/json_schema/schema", "needs")]),
        (
            {"json_schema": {"schema": {"$ref": "https://example.org/a"}}},
            [("/json_schema/schema", "bad_schema")],
        ),
    ],
)  # fmt: skip
def test_type_and_schema_of_a_response_format_fit(
    wanted: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """A schema goes with json_schema, and json_schema with a schema; one that was cleared is none."""
    assert in_chat(response_format=wanted) == [
        (f"/response_format{pointer}", code) for pointer, code in expected
    ]


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Bad fields and conflicts between good ones come in one answer."""
    found = in_chat(
        model="r1-1776",
        messages=[QUESTION, QUESTION],
        max_tokens=1,
        colour="blue",
        search_domain_filter=["a.example", "-b.example"],
        search_recency_filter="decade",
        search_after_date_filter="2026-01-01",
        web_search_options={"user_location": {"latitude": 3}},
    )
    assert found == [
        ("/colour", "unknown_field"),
        ("/max_tokens", "minimum"),
        ("/messages/1/role", "order"),
        ("/model", "removed_model"),
        ("/search_domain_filter", "conflict"),
        ("/search_recency_filter", "enum"),
        (f"{LOCATION}/country", "needs"),
        (f"{LOCATION}/longitude", "needs"),
    ]


def test_what_is_missing_is_pointed_at_where_it_would_stand() -> None:
    """An empty input lacks the two required fields."""
    assert problems(ChatInput, {}) == [
        ("/messages", "required"),
        ("/model", "required"),
    ]


@pytest.mark.parametrize("values", [None, [], "", 7, True, [QUESTION], float("nan")])
def test_an_input_that_is_no_object_is_one_error_at_the_root(values: object) -> None:
    """Whatever it is, it is answered with a type error and no exception."""
    assert problems(ChatInput, values) == [("", "type")]


def test_any_mapping_is_an_object() -> None:
    """A host may hand over read-only views."""
    question = MappingProxyType(QUESTION)
    options = MappingProxyType({"user_location": MappingProxyType({"city": ""})})
    values = MappingProxyType(
        {"model": "sonar", "messages": [question], "web_search_options": options}
    )
    assert problems(ChatInput, values) == []
    late = MappingProxyType({"model": "sonar", "messages": [question, question]})
    assert problems(ChatInput, late) == [("/messages/1/role", "order")]


def test_names_that_are_no_texts_are_refused() -> None:
    """A key that JSON could not have is an error at that key."""
    assert in_chat({1: "x"}) == [("/1", "type")]
    assert [
        code for _, code in in_chat(response_format=structured(schema={1: "x"}))
    ] == ["type"]


@pytest.mark.parametrize(
    ("part", "pointer"),
    [
        ({"model": LONE}, "/model"),
        ({"messages": [QUESTION | {"content": LONE}]}, "/messages/0/content"),
        ({"language_preference": LONE}, "/language_preference"),
        ({"web_search_options": {"user_location": {"city": LONE}}}, f"{LOCATION}/city"),
    ],
)
def test_text_that_no_encoding_can_carry_is_refused(
    part: dict[str, Any], pointer: str
) -> None:
    """A lone surrogate is a type error, though JSON can spell it: no request could hold it."""
    assert in_chat(part) == [(pointer, "type")]


def test_no_message_repeats_a_value() -> None:
    """What an author typed stays out of the errors, which land in logs."""
    found = validate_input(
        ChatInput,
        {
            "model": "SENTINEL" * 100,
            "messages": [
                {"role": "SENTINEL", "content": ["SENTINEL"], "x": "SENTINEL"}
            ],
            "max_tokens": "SENTINEL",
            "search_domain_filter": ["SENTINEL/"],
            "search_after_date_filter": "SENTINEL",
            "response_format": structured(schema={"type": "SENTINEL"}),
        },
    )
    assert isinstance(found, list)
    assert len(found) == 8
    assert "SENTINEL" not in str(found)


@pytest.mark.parametrize(
    "part",
    [
        {"search": "never", "search_domain_filter": ["a.example"]},
        {"model": "sonar", "fallback_models": ["openai/gpt-6-luna"]},
        {"model": "sonar", "tools": ["fetch_url"]},
        {"response_format": {"type": "text", "json_schema": {"name": "a"}}},
        {"response_format": {"json_schema": {"name": "a"}}},
        {"response_format": {"type": "json_schema"}},
    ],
)
def test_a_message_has_titles_and_labels_alone(part: dict[str, Any]) -> None:
    """People know the fields by their titles, and the choices by their labels."""
    given = {"model": "sonar", "messages": [QUESTION], **part}
    found = validate_input(ChatInput, given)
    assert isinstance(found, list)
    assert found
    # Names of fields and choices have a "_", or are in backticks.
    assert not any({"_", "`"} & set(error.message) for error in found)


BLANKS: Any = (None, "", " \n", [], {})


@pytest.mark.parametrize("husk", BLANKS, ids=repr)
@pytest.mark.parametrize(
    "name",
    [name for name in ChatInput.model_fields if name not in {"model", "messages"}],
)
def test_a_cleared_field_counts_as_unset(name: str, husk: Any) -> None:
    """What a form leaves behind is the same as leaving the field out."""
    bare: Any = {"model": "sonar", "messages": [QUESTION]}
    assert validate_input(ChatInput, bare | {name: husk}) == validate_input(
        ChatInput, bare
    )


@pytest.mark.parametrize("husk", BLANKS, ids=repr)
def test_cleared_fields_further_in_count_as_unset(husk: Any) -> None:
    """From the inside out: a group of blanks is blank."""
    form = validate_input(
        ChatInput,
        {
            "model": "sonar",
            "messages": [QUESTION],
            "web_search_options": {
                "search_context_size": husk,
                "user_location": {"country": husk, "latitude": husk},
            },
            "response_format": {
                "type": husk,
                "json_schema": {"name": husk, "schema": husk},
            },
        },
    )
    assert isinstance(form, ChatInput)
    assert form.model_dump(exclude_none=True) == {
        "model": "sonar",
        "messages": [QUESTION],
        "stream": False,
    }


def test_nothing_is_pruned_inside_the_authors_own_schema() -> None:
    """There, an empty text, list or object and a null mean what the author means by them."""
    schema: Any = {
        "type": "object",
        "properties": {"a": {}},
        "required": [],
        "description": "",
        "default": None,
    }
    form = validate_input(
        ChatInput,
        {
            "model": "sonar",
            "messages": [QUESTION],
            "response_format": structured(name="a", schema=schema),
        },
    )
    assert isinstance(form, ChatInput)
    assert form.response_format
    assert form.response_format.json_schema
    assert form.response_format.json_schema.schema_ == schema


def test_codes_are_written_as_the_standards_do() -> None:
    """A country goes out in capitals, a language in small letters, and spaces around either are gone."""
    form = validate_input(
        ChatInput,
        {
            "model": "sonar",
            "messages": [QUESTION],
            "language_preference": " EN",
            "web_search_options": {"user_location": {"country": "us "}},
        },
    )
    assert isinstance(form, ChatInput)
    assert form.web_search_options
    assert form.web_search_options.user_location
    assert (
        form.language_preference,
        form.web_search_options.user_location.country,
    ) == ("en", "US")


def test_a_message_of_the_first_role_may_stand_alone() -> None:
    """Several hosts fill in the first choice, and a person adds the text."""
    file = SCHEMAS / "create_chat_completion.v1.input.schema.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    role = schema["properties"]["messages"]["items"]["properties"]["role"]
    message = {"role": role["enum"][0], "content": "How far away is the Moon?"}
    assert in_chat({"model": "sonar", "messages": [message]}) == []
