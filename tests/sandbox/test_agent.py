import json
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema
import pytest

from perplexity_connector.sandbox import app

Body = dict[str, Any]
Ask = Callable[..., Body]
FAST = {"preset": "fast", "input": "moon"}
SEARCH = {"type": "web_search"}


def text(answer: Body) -> str:
    """The text of an answer."""
    found: str = answer["output"][-1]["content"][0]["text"]
    return found


def results(answer: Body) -> list[Body]:
    """The sources of an answer, as they arrived."""
    return [
        result
        for item in answer["output"]
        if item["type"] == "search_results"
        for result in item["results"]
    ]


def with_tool(**options: object) -> Body:
    """A request with options on its search."""
    return {**FAST, "tools": [{**SEARCH, **options}]}


def with_item(item: object) -> Body:
    """A request with one item of input."""
    return {"preset": "fast", "input": [item]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({**FAST, "stop": ["x"]}, "stop"),
        ({**FAST, "include": []}, "include"),
        ({**FAST, "messages": None}, "messages"),
        (with_tool(search_mode="web"), "search_mode"),
        (
            with_tool(filters={"search_language_filter": ["en"]}),
            "search_language_filter",
        ),
        (with_tool(user_location={"street": "x"}), "street"),
        ({**FAST, "tools": [{"type": "fetch_url", "filters": {}}]}, "filters"),
        ({**FAST, "reasoning": {"budget": 1}}, "budget"),
        (with_item({"role": "user", "content": "x", "name": "y"}), "name"),
        (
            with_item(
                {
                    "role": "user",
                    "content": [{"type": "input_text", "text": "x", "image_url": "y"}],
                }
            ),
            "image_url",
        ),
        ({**FAST, "response_format": {"type": "json_schema", "schema": {}}}, "schema"),
    ],
)
def test_an_unknown_field_is_refused_at_every_depth(
    client: httpx.Client, body: Body, param: str
) -> None:
    """The Agent API refuses what `/search` ignores."""
    answer = client.post("/v1/agent", json=body)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "message": f'invalid request body: json: unknown field "{param}"',
            "type": "invalid_request",
            "code": 400,
            "param": param,
        }
    }


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"input": "moon"}, "invalid_request"),
        ({**FAST, "model": "perplexity/sonar"}, "invalid_request"),
        ({"preset": "sonar-pro", "input": "moon"}, "invalid_model"),
        ({"model": "sonar", "input": "moon"}, "invalid_model"),
        ({"models": ["perplexity/sonar", "no/such"], "input": "moon"}, "invalid_model"),
        ({"model": "anthropic/claude-sonnet-4-6", "input": "moon"}, "invalid_request"),
        ({**FAST, "max_output_tokens": 15}, "invalid_request"),
        ({**FAST, "max_output_tokens": "16"}, "invalid_request"),
        ({**FAST, "max_output_tokens": True}, "invalid_request"),
        ({**FAST, "temperature": 2.1}, "invalid_request"),
        ({**FAST, "temperature": "1"}, "invalid_request"),
        ({**FAST, "top_p": -0.1}, "invalid_request"),
        ({**FAST, "max_steps": 0}, "invalid_request"),
        ({**FAST, "stream": 1}, "invalid_request"),
        ({**FAST, "reasoning": {"effort": "enormous"}}, "invalid_request"),
        ({**FAST, "models": [1]}, "invalid_request"),
        ({"preset": "fast"}, "invalid_request"),
        ({"preset": "fast", "input": ""}, "invalid_request"),
        ({"preset": "fast", "input": []}, "invalid_request"),
        (with_item("hello"), "invalid_request"),
        (with_item({"role": "tool", "content": "x"}), "invalid_request"),
        (with_item({"content": "x"}), "invalid_request"),
        (with_item({"role": "assistant", "content": "x"}), "invalid_request"),
        (with_item({"role": "user", "content": None}), "invalid_request"),
        (
            with_item({"role": "user", "content": [{"type": "video", "text": "x"}]}),
            "invalid_request",
        ),
        ({**FAST, "input": "sandbox:no-such-prompt"}, "invalid_request"),
        ({**FAST, "tools": [{}]}, "invalid_request"),
        ({**FAST, "tools": [{"type": "no_such_tool"}]}, "invalid_request"),
        (with_tool(max_results=51), "invalid_request"),
        (with_tool(search_context_size="huge"), "invalid_request"),
        (with_tool(search_type="people"), "invalid_request"),
        (with_tool(user_location={"latitude": 1}), "invalid_parameter"),
        (with_tool(user_location={"latitude": 1, "longitude": 1}), "invalid_parameter"),
        (with_tool(user_location={"country": "DEU"}), "invalid_parameter"),
        (
            with_tool(filters={"search_after_date_filter": "2026-01-01"}),
            "invalid_date_format",
        ),
        ({**FAST, "response_format": {"type": "json_object"}}, "invalid_request"),
        ({**FAST, "response_format": {"type": "text"}}, "invalid_request"),
        (
            {
                **FAST,
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x"},
                },
            },
            "invalid_request",
        ),
    ],
)
def test_a_bad_request_is_refused_and_not_billed(
    client: httpx.Client, body: Body, kind: str
) -> None:
    """400 in the usual envelope, before the first event even of a stream."""
    answer = client.post("/v1/agent", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == kind
    assert answer.headers["content-type"] == "application/json"
    assert client.get("/sandbox/state").json()["billed_runs"] == 0


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"temperature": NaN}', b"[" * 100_000, b"\xff"]
)
def test_a_body_that_is_no_json_object_is_refused(
    client: httpx.Client, content: bytes
) -> None:
    """Whatever arrives, the answer is a 400."""
    answer = client.post("/v1/agent", content=content)
    assert (answer.status_code, answer.json()["error"]["type"]) == (
        400,
        "invalid_request",
    )


def test_a_body_that_is_too_large_is_refused(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """413 beyond the limit, which is 32 MiB."""
    assert app.LARGEST_BODY == 33_554_432
    monkeypatch.setattr(app, "LARGEST_BODY", 10)
    answer = client.post("/v1/agent", json=FAST)
    assert (answer.status_code, answer.json()["error"]["type"]) == (
        413,
        "payload_too_large",
    )


def test_every_documented_field_is_accepted(ask: Ask) -> None:
    """All of them in one request; null counts as unset."""
    answer = ask(
        background=False,
        instructions="Be brief.",
        language_preference="en",
        max_output_tokens=4000,
        max_steps=5,
        max_tool_calls=5,
        previous_response_id=None,
        prompt_cache_key="k",
        reasoning={"effort": "low"},
        store=True,
        temperature=0.5,
        tool_choice={"type": "web_search"},
        tools=[
            {
                **SEARCH,
                "search_context_size": "high",
                "max_results": 3,
                "max_tokens": 1000,
                "max_tokens_per_page": 100,
                "search_type": "fast",
                "user_location": {
                    "country": "PT",
                    "region": "x",
                    "city": "y",
                    "latitude": 38.7,
                    "longitude": -9.1,
                },
                "filters": {"search_domain_filter": None},
            }
        ],
        top_p=0.9,
    )
    assert (answer["temperature"], answer["top_p"], answer["reasoning"]) == (
        0.5,
        0.9,
        {"effort": "low"},
    )
    assert (answer["instructions"], answer["max_output_tokens"]) == ("Be brief.", 4000)
    assert len(results(answer)) == 3


def test_a_plain_answer_has_the_recorded_fields(ask: Ask) -> None:
    """All of them, whatever the request left out."""
    answer = ask()
    assert set(answer) == {
        *(
            "id",
            "object",
            "status",
            "created_at",
            "completed_at",
            "model",
            "background",
            "error",
            "incomplete_details",
        ),
        *(
            "instructions",
            "max_output_tokens",
            "metadata",
            "output",
            "parallel_tool_calls",
            "previous_response_id",
        ),
        *(
            "reasoning",
            "service_tier",
            "store",
            "temperature",
            "text",
            "tool_choice",
            "tools",
            "top_p",
            "truncation",
        ),
        "usage",
    }
    assert (
        answer["usage"]["total_tokens"]
        == answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]
    )
    costs = answer["usage"]["cost"]
    parts = (
        "input_cost",
        "output_cost",
        "cache_creation_cost",
        "cache_read_cost",
        "tool_calls_cost",
    )
    assert costs["total_cost"] == pytest.approx(
        sum(costs[part] for part in parts), abs=1e-6
    )
    assert answer["usage"]["tool_calls_details"] == {
        "search_web": {"invocation": 1, "cost_usd": 0.001}
    }


def test_sources_come_out_of_order_and_each_sentence_names_its_own(ask: Ask) -> None:
    """A client that places sources by position, not by id, cites the wrong page."""
    answer = ask()
    found = {result["id"]: result for result in results(answer)}
    assert list(found) != sorted(found)
    for number in (1, 2, 3):
        sentence = text(answer).split(f"[{number}]")[0].rpartition("] ")[2]
        assert sentence in found[number]["snippet"]
    assert "384,400" in text(answer)


def test_a_source_leaves_out_the_dates_it_does_not_know(ask: Ask) -> None:
    """Missing, never null."""
    found = results(ask("The Great Library of Alexandria"))[0]
    assert set(found) == {"id", "title", "url", "snippet", "source"}
    assert found["source"] == "web"


@pytest.mark.parametrize(
    ("preset", "tools"),
    [
        ("fast", ["web_search"]),
        ("low", ["web_search", "fetch_url"]),
        ("xhigh", ["web_search", "finance_search", "sandbox"]),
    ],
)
def test_tools_beside_a_preset_are_merged_by_type(
    ask: Ask, preset: str, tools: list[str]
) -> None:
    """Naming `web_search` overrides its options and leaves the others; an empty list turns nothing off."""
    merged = ask(preset=preset, tools=[{**SEARCH, "max_results": 1}])
    assert [tool["type"] for tool in merged["tools"]] == tools
    assert merged["tools"][0]["max_results"] == 1
    assert results(ask(preset=preset, tools=[]))


def test_a_bare_model_searches_only_with_the_tool(ask: Ask) -> None:
    """With a bare model the tool has to be named. Its own name is the model of the answer."""
    silent = ask(model="perplexity/sonar")
    assert [item["type"] for item in silent["output"]] == ["message"]
    assert "[" not in text(silent)
    searched = ask(model="perplexity/sonar", tools=[SEARCH])
    assert searched["model"] == "perplexity/sonar"
    assert "[1]" in text(searched)
    assert (
        ask(model="anthropic/claude-sonnet-4-6", max_output_tokens=16)["status"]
        == "completed"
    )


def test_the_first_of_several_models_answers(client: httpx.Client) -> None:
    """`models` is a fallback chain; `effort` is the newer word for a preset."""
    chain = {"models": ["xai/grok-4-1-fast", "perplexity/sonar"], "input": "moon"}
    assert client.post("/v1/agent", json=chain).json()["model"] == "xai/grok-4-1-fast"
    assert (
        client.post("/v1/agent", json={"effort": "fast", "input": "moon"}).status_code
        == 200
    )


def test_the_last_user_message_is_the_question(ask: Ask, client: httpx.Client) -> None:
    """With or without `type`, as text or as parts, an image among them."""
    turns = [
        {"role": "system", "content": "Be brief."},
        {"type": "message", "role": "user", "content": "sandbox:failed"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "No."}]},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "jupiter "},
                {"type": "input_image", "image_url": "https://moon.example/a.png"},
                {"text": "moons"},
            ],
        },
    ]
    answer = client.post("/v1/agent", json={"preset": "fast", "input": turns}).json()
    assert answer["output"][0]["queries"] == ["jupiter moons"]
    assert "Jupiter" in text(answer)
    assert "Moon" in text(ask("sandbox:gap"))


def test_filters_act_on_what_a_run_finds(ask: Ask) -> None:
    """Those of the `web_search` tool are the ones of `/search`."""
    only = ask(
        tools=[{**SEARCH, "filters": {"search_domain_filter": ["moon.example"]}}]
    )
    assert {result["url"].split("/")[2] for result in results(only)} == {"moon.example"}
    nothing = ask(
        "bread", tools=[{**SEARCH, "filters": {"search_recency_filter": "hour"}}]
    )
    assert results(nothing) == []
    assert "[" not in text(nothing)


def test_a_test_prompt_selects_strange_sources(ask: Ask) -> None:
    """A marker without a source, a gap in the ids, one id twice, markup in a snippet, nothing at all."""
    assert text(ask("sandbox:no-source moon")).endswith("[99]")
    assert sorted(result["id"] for result in results(ask("sandbox:gap moon")))[:3] == [
        1,
        3,
        4,
    ]
    assert sorted(result["id"] for result in results(ask("sandbox:duplicate-id moon")))[
        :3
    ] == [1, 1, 2]
    assert "<img src=x onerror=alert(1)>" in json.dumps(
        results(ask("sandbox:html-snippet moon"))
    )
    assert results(ask("sandbox:empty moon")) == []
    assert ask("sandbox:no-usage moon")["usage"] is None


def test_untrusted_text_is_in_reach(ask: Ask) -> None:
    """A page with a terminal escape sequence, for those who print."""
    assert any(
        "\x1b[31m" in result["snippet"]
        for result in results(ask("terminal escape sequences"))
    )


SCHEMA: Body = {
    "type": "object",
    "required": ["distance", "tags", "extra"],
    "additionalProperties": True,
    "properties": {
        "distance": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


def structured(schema: object) -> Body:
    """The field that asks for structured output."""
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": schema},
        }
    }


def test_a_structured_answer_is_raw_json_that_keeps_to_its_schema(ask: Ask) -> None:
    """It arrives as text, and `text.format.type` still says `text`."""
    answer = ask(**structured(SCHEMA))
    jsonschema.validate(json.loads(text(answer)), SCHEMA)
    assert "[1]" not in text(answer)
    assert answer["text"] == {"format": {"type": "text"}}
    assert json.loads(text(ask("sandbox:empty", **structured({"type": "string"}))))


def test_a_structured_answer_can_be_made_to_break_its_schema(ask: Ask) -> None:
    """As text that is no JSON, or as JSON of another shape."""
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(text(ask("sandbox:not-json", **structured(SCHEMA))))
    assert text(ask("sandbox:wrong-json", **structured(SCHEMA))) == "null"


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"$ref": "#/$defs/none"}])
def test_a_schema_that_cannot_be_followed_is_refused(
    client: httpx.Client, schema: Body
) -> None:
    """The provider supports no recursive schema."""
    assert (
        client.post("/v1/agent", json={**FAST, **structured(schema)}).status_code == 400
    )


def test_a_plain_body_can_be_cut_short(client: httpx.Client) -> None:
    """`sandbox:malformed` without a stream: 200, and JSON that lacks its end."""
    answer = client.post("/v1/agent", json={**FAST, "input": "sandbox:malformed"})
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="delimiter"):
        answer.json()
