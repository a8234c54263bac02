import json
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema
import pytest

from perplexity_connector.sandbox import agent, app
from perplexity_connector.sandbox.answer_text import MARKDOWN

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
    ("body", "name"),
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
                    "content": [{"type": "input_text", "text": "x", "detail": "y"}],
                }
            ),
            "detail",
        ),
        ({**FAST, "response_format": {"type": "json_schema", "schema": {}}}, "schema"),
    ],
)
def test_an_unknown_field_is_refused_at_every_depth(
    client: httpx.Client, body: Body, name: str
) -> None:
    """The Agent API refuses what `/search` ignores."""
    answer = client.post("/v1/agent", json=body)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "message": f'invalid request body: json: unknown field "{name}"',
            "type": "invalid_request",
            "code": 400,
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
        ({**FAST, "max_steps": 101}, "invalid_request"),
        ({**FAST, "service_tier": "slow"}, "invalid_request"),
        ({**FAST, "skills": [{}]}, "invalid_request"),
        ({**FAST, "skills": [{"type": "inline", "id": "x"}]}, "invalid_request"),
        ({**FAST, "step_budget_reminder": "yes"}, "invalid_request"),
        ({**FAST, "tool_choice": "perhaps"}, "invalid_request"),
        ({**FAST, "profile": {"id": "profile_1"}}, "invalid_request"),
        ({**FAST, "profile": {"id": "x", "type": "custom"}}, "invalid_request"),
        ({"effort": "fast@soon", "input": "moon"}, "invalid_model"),
        ({"models": ["perplexity/sonar"] * 6, "input": "moon"}, "invalid_request"),
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
        ({**FAST, "tools": [{"type": "fetch_url", "max_urls": 0}]}, "invalid_request"),
        ({**FAST, "tools": [{"type": "function"}]}, "invalid_request"),
        ({**FAST, "tools": [{"type": "mcp", "server_label": "a"}]}, "invalid_request"),
        (with_tool(user_location={"latitude": 1}), "invalid_parameter"),
        (with_tool(user_location={"latitude": 1, "longitude": 1}), "invalid_parameter"),
        (with_tool(user_location={"country": "DEU"}), "invalid_country_code"),
        (with_tool(user_location={"country": "QQ"}), "invalid_country_code"),
        (
            with_tool(filters={"search_after_date_filter": "2026-13-01"}),
            "invalid_request",
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


EVERY_TOOL = [
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
    },
    {"type": "fetch_url", "max_urls": 2},
    {"type": "finance_search"},
    {
        "type": "image_search",
        "filters": {"domain_filter": [], "format_filter": ["png"], "safe_search": True},
        "max_results": 3,
    },
    {"type": "people_search"},
    {"type": "sandbox"},
    {
        "type": "function",
        "name": "f",
        "description": "x",
        "parameters": {},
        "strict": True,
    },
    {"type": "function", "name": "g"},
    {"type": "mcp", "server_label": "a", "server_url": "https://a.example"},
    {"type": "connector", "id": "c", "server_label": "b"},
]
EVERY_FIELD: Body = {
    "background": False,
    "effort": "fast@2026-10-16.0",
    "input": "moon",
    "instructions": "Be brief.",
    "language_preference": "en",
    "max_output_tokens": 4000,
    "max_steps": 100,
    "max_tool_calls": 5,
    "model": None,
    "models": None,
    "preset": "high",
    "previous_response_id": None,
    "profile": {"id": "profile_1", "type": "custom", "version": "2"},
    "prompt_cache_key": "k",
    "reasoning": {"effort": "none"},
    "response_format": None,
    "service_tier": "priority",
    "skills": [
        {"type": "builtin", "name": "office"},
        {"type": "inline", "name": "x", "description": "y", "instructions": "z"},
        {"type": "custom", "id": "s"},
    ],
    "step_budget_reminder": True,
    "store": True,
    "stream": False,
    "temperature": 0.5,
    "tool_choice": {"type": "web_search"},
    "tools": EVERY_TOOL,
    "top_p": 0.9,
}


def test_every_field_of_the_sdk_is_accepted(client: httpx.Client) -> None:
    """All of them in one request; null counts as unset, and `effort` wins over `preset`."""
    assert set(EVERY_FIELD) == set(agent.TOP_LEVEL)
    posted = client.post("/v1/agent", json=EVERY_FIELD)
    assert posted.status_code == 200, posted.text
    answer = posted.json()
    echoed = ("temperature", "top_p", "instructions", "max_output_tokens")
    assert [answer[name] for name in echoed] == [0.5, 0.9, "Be brief.", 4000]
    assert answer["reasoning"] == {"effort": "none", "summary": None}
    assert (answer["service_tier"], answer["prompt_cache_key"]) == ("priority", "k")
    assert answer["tools"] == EVERY_TOOL
    assert len(results(answer)) == 3
    assert "[1]" in text(answer)


@pytest.mark.parametrize(
    "fields",
    [
        {"effort": "wide-research"},
        {"profile": {"id": "profile_1", "type": "custom"}},
        {"models": ["perplexity/sonar"] * 5},
        {"preset": "fast", "tool_choice": "required"},
    ],
)
def test_a_run_can_be_selected_in_each_documented_way(
    client: httpx.Client, fields: Body
) -> None:
    """By effort, by profile, by a chain of models."""
    body = {"input": "moon", **fields}
    assert client.post("/v1/agent", json=body).json()["status"] == "completed"


@pytest.mark.parametrize("field", [{"tool_choice": "none"}, {"max_tool_calls": 0}])
def test_a_run_that_may_call_no_tool_has_no_source(ask: Ask, field: Body) -> None:
    """It neither searches nor reads."""
    answer = ask("Read https://moon.example/distance", preset="low", **field)
    assert [item["type"] for item in answer["output"]] == ["message"]


@pytest.mark.parametrize("steps", [1, 100])
def test_the_bounds_of_the_steps_are_included(ask: Ask, steps: int) -> None:
    """1 to 100."""
    assert ask(max_steps=steps)["status"] == "completed"


THE_32_KEYS = """
    background completed_at created_at error frequency_penalty id incomplete_details instructions
    max_output_tokens max_tool_calls metadata model object output parallel_tool_calls
    presence_penalty previous_response_id prompt_cache_key reasoning safety_identifier service_tier
    status store temperature text tool_choice tools top_logprobs top_p truncation usage user
"""


@pytest.mark.parametrize(
    "question", ["moon", "sandbox:failed", "sandbox:cancelled", "sandbox:incomplete"]
)
def test_every_object_of_a_run_has_the_32_recorded_keys(
    ask: Ask, listen: Callable[..., list[tuple[str, Body]]], question: str
) -> None:
    """Whichever way it ends, and at its beginning."""
    keys = set(THE_32_KEYS.split())
    assert len(keys) == 32
    assert set(ask(question)) == set(ask(question, background=True)) == keys
    assert set(listen(question)[0][1]["response"]) == keys


def test_the_usage_of_a_preset_has_its_cost(ask: Ask) -> None:
    """The total is the sum of its parts; keys that would say nothing are missing."""
    used = ask("moon " * 200)["usage"]
    assert used["total_tokens"] == used["input_tokens"] + used["output_tokens"]
    costs = used["cost"]
    parts = ("input_cost", "output_cost", "cache_creation_cost", "tool_calls_cost")
    total = sum(costs[part] for part in parts)
    assert costs["total_cost"] == pytest.approx(total, abs=1e-6)
    assert "cache_read_cost" not in costs
    assert costs["tool_calls_cost_details"] == {"search_web": 0.001}
    assert used["tool_calls_details"] == {
        "search_web": {"invocation": 1, "cost_usd": 0.001}
    }


def test_the_usage_of_a_bare_model_is_sparse(ask: Ask) -> None:
    """No cache, no tools."""
    used = ask(model="openai/gpt-5.6-luna")["usage"]
    assert used["input_tokens_details"] == {"cached_tokens": 0}
    assert set(used["cost"]) == {"currency", "input_cost", "output_cost", "total_cost"}
    expected = used["output_tokens"] * 1.2 / 1_000_000
    assert used["cost"]["output_cost"] == pytest.approx(expected, abs=5e-6)


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"preset": "fast"}, {"search_web": 0.001}),
        ({"preset": "high"}, {"search_web": 0.005}),
        ({"model": "perplexity/sonar", "tools": [SEARCH]}, {"search_web": 0.0025}),
        (
            {
                "model": "perplexity/sonar",
                "tools": [{**SEARCH, "search_type": "fast"}],
            },
            {"search_web": 0.001},
        ),
    ],
)
def test_a_call_of_a_tool_has_its_recorded_price(
    ask: Ask, fields: Body, cost: Body
) -> None:
    """A fast search is cheaper; reading a page costs 0.0035."""
    assert ask(**fields)["usage"]["cost"]["tool_calls_cost_details"] == cost
    read = ask("Read https://moon.example/distance", preset="low")
    assert read["usage"]["tool_calls_details"] == {
        "fetch_url": {"invocation": 1, "cost_usd": 0.0035}
    }


def test_the_ids_of_an_item_ascend_while_items_come_in_any_order(ask: Ask) -> None:
    """A client that places sources by position, not by id, cites the wrong page."""
    answer = ask("How far away is the Moon?", preset="high")
    items = [item["results"] for item in answer["output"][:-1]]
    by_item = [[result["id"] for result in item] for item in items]
    assert all(ids == sorted(ids) for ids in by_item)
    assert by_item != sorted(by_item)
    found = {result["id"]: result for result in results(answer)}
    for number in (1, 2, 3):
        sentence = text(answer).split(f"[web:{number}]")[0].rpartition("] ")[2]
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
    own = ask(preset="low", tools=[{"type": "fetch_url", "max_urls": 2}])
    assert own["tools"] == [{"type": "fetch_url", "max_urls": 2}, SEARCH]
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
        ask(model="anthropic/claude-sonnet-4-6", max_output_tokens=64)["status"]
        == "completed"
    )


def test_the_first_of_several_models_answers(client: httpx.Client) -> None:
    """`models` is a fallback chain; `effort` is the newer word for a preset."""
    chain = {"models": ["xai/grok-4.3", "perplexity/sonar"], "input": "moon"}
    assert client.post("/v1/agent", json=chain).json()["model"] == "xai/grok-4.3"
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
        {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "jupiter "},
                {"type": "input_image", "image_url": "https://moon.example/a.png"},
                {"type": "input_file", "file_data": "eA==", "filename": "a.txt"},
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


def test_an_answer_can_be_rich_in_markdown(ask: Ask) -> None:
    """It begins as any other one, with its sources."""
    plain, rich = (
        text(ask(**FAST)),
        text(ask(**FAST | {"input": "moon sandbox:markdown"})),
    )
    assert rich == f"{plain}\n\n{MARKDOWN}"


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
    strict = structured({"type": "object", "required": ["a"]})
    strict["response_format"]["json_schema"] |= {"strict": True, "description": "x"}
    assert json.loads(text(ask("sandbox:empty", **strict)))["a"]
    page = ask("Read https://moon.example/distance", preset="low", **structured(SCHEMA))
    assert "384,400" in json.loads(text(page))["extra"]


def test_a_structured_answer_can_be_made_to_break_its_schema(ask: Ask) -> None:
    """As text that is no JSON, or as JSON of another shape."""
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(text(ask("sandbox:not-json", **structured(SCHEMA))))
    assert text(ask("sandbox:wrong-json", **structured(SCHEMA))) == "null"


def nested(inner: object) -> Body:
    """A schema whose root is an object with one property."""
    return {"type": "object", "properties": {"a": inner}}


@pytest.mark.parametrize(
    ("schema", "kind", "name"),
    [
        ({"type": "array"}, "invalid_parameter", "json_schema.schema"),
        ({"type": ["object"]}, "invalid_parameter", "json_schema.schema"),
        ({"$ref": "#/$defs/A"}, "invalid_parameter", "json_schema.schema"),
        (
            {"type": "bogus", "properties": 42},
            "invalid_parameter",
            "json_schema.schema",
        ),
        (nested({"type": "bogus"}), "invalid_request", "invalid request"),
        (nested({"items": {"type": ["null", 1]}}), "invalid_request", "invalid"),
        (nested({"anyOf": [{"type": "text"}]}), "invalid_request", "invalid request"),
        (nested({"$ref": "#"}), "invalid_request", "recursive"),
        (nested({"$ref": "#/$defs/none"}), "invalid_request", "#/$defs/none"),
    ],
)
def test_a_schema_that_the_provider_refuses_is_refused(
    client: httpx.Client, schema: Body, kind: str, name: str
) -> None:
    """The root must be an object; types must exist; no schema may be recursive."""
    answer = client.post("/v1/agent", json={**FAST, **structured(schema)})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, kind)
    assert name in error["message"]


def test_a_schema_may_be_deep(ask: Ask) -> None:
    """Types are looked at to a depth that no answer has."""
    schema: object = {"type": "bogus"}
    for _ in range(40):
        schema = {"items": schema}
    deep = {"enum": [1], "items": schema}
    assert json.loads(text(ask(**structured(nested(deep)))))["a"] == 1


def test_a_plain_body_can_be_cut_short(client: httpx.Client) -> None:
    """`sandbox:malformed` without a stream: 200, and JSON that lacks its end."""
    answer = client.post("/v1/agent", json={**FAST, "input": "sandbox:malformed"})
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="delimiter"):
        answer.json()


def read_pages(answer: Body) -> list[Body]:
    """The pages that a run read."""
    return [
        page
        for item in answer["output"]
        if item["type"] == "fetch_url_results"
        for page in item["contents"]
    ]


def test_a_run_reads_the_page_of_an_address_in_its_prompt(ask: Ask) -> None:
    """No search, an item without an id, and `[web:0]` in the answer."""
    answer = ask("What does https://moon.example/distance say?", preset="low")
    assert [item["type"] for item in answer["output"]] == [
        "fetch_url_results",
        "message",
    ]
    assert set(answer["output"][0]) == {"type", "contents"}
    (page,) = read_pages(answer)
    assert set(page) == {"title", "url", "snippet"}
    assert page["url"] == "https://moon.example/distance"
    assert text(answer).removesuffix("[web:0]") in page["snippet"]


def test_pages_are_counted_from_zero(ask: Ask) -> None:
    """Two pages, each once; one of them is not in the sandbox's web."""
    prompt = "Compare https://moon.example/phases, (https://no.example/x) https://no.example/x"
    answer = ask(prompt, preset="low")
    urls = [page["url"] for page in read_pages(answer)]
    assert urls == ["https://moon.example/phases", "https://no.example/x"]
    assert "[web:0]" in text(answer)
    assert text(answer).endswith("[web:1]")


def test_a_run_reads_no_more_pages_than_it_may(ask: Ask) -> None:
    """`max_urls` of the tool `fetch_url`, which a bare model needs as well."""
    tools = [{"type": "fetch_url", "max_urls": 1}]
    two = "https://moon.example/phases https://moon.example/distance"
    answer = ask(two, model="perplexity/sonar", tools=tools)
    assert len(read_pages(answer)) == 1
    assert "[web:0]" in text(answer)
    assert read_pages(ask(two, model="perplexity/sonar")) == []


@pytest.mark.parametrize("preset", ["medium", "high"])
def test_some_presets_search_beside_the_page_they_read(ask: Ask, preset: str) -> None:
    """Then `[web:0]` is the page, and `[web:1]` is the first search result."""
    two = "moon distance https://moon.example/phases https://moon.example/distance"
    answer = ask(two, preset=preset)
    assert results(answer)
    assert len(read_pages(answer)) == 2
    assert text(answer).count("[web:0]") == 1
    assert text(answer).count("[web:1]") == 1


def test_the_fast_preset_reads_no_page(ask: Ask) -> None:
    """It searches."""
    answer = ask("moon https://moon.example/distance")
    assert read_pages(answer) == []
    assert "[1]" in text(answer)


def test_a_run_can_continue_another_one(ask: Ask) -> None:
    """Even one that was not stored. Its results come first, without queries; ids go on from them."""
    first = ask("moon distance", store=False)
    second = ask("jupiter moons", preset="low", previous_response_id=first["id"])
    earlier, own, _ = second["output"]
    assert (earlier["queries"], own["queries"]) == (None, ["jupiter moons"])
    assert earlier["results"] == first["output"][0]["results"]
    last = earlier["results"][-1]["id"]
    assert own["results"][0]["id"] == last + 1
    assert f"[web:{last + 1}]" in text(second)
    assert second["previous_response_id"] is None


@pytest.mark.parametrize("run", ["resp_00000000-0000-4000-8000-000000000000", "x"])
def test_an_unknown_run_cannot_be_continued(client: httpx.Client, run: str) -> None:
    """A bare 400 that names no field."""
    answer = client.post("/v1/agent", json={**FAST, "previous_response_id": run})
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": "invalid request",
        "type": "invalid_request",
        "code": 400,
    }


@pytest.mark.parametrize(
    ("after", "kept"),
    [("2026-06-10", True), ("06/10/2026", True), ("2026-06-11", False)],
)
def test_the_dates_of_the_agents_tool_may_be_iso(
    ask: Ask, after: str, kept: bool
) -> None:
    """As well as MM/DD/YYYY; the bound is included."""
    tool = {**SEARCH, "filters": {"search_after_date_filter": after}}
    urls = [result["url"] for result in results(ask(tools=[tool]))]
    assert ("https://moon.example/distance" in urls) is kept


def test_a_mix_of_allowed_and_denied_domains_is_accepted(ask: Ask) -> None:
    """The allowed ones win."""
    domains = ["moon.example", "-moon.example"]
    tool = {**SEARCH, "filters": {"search_domain_filter": domains}}
    found = results(ask(tools=[tool]))
    assert {result["url"].split("/")[2] for result in found} == {"moon.example"}


def test_a_blank_input_is_answered_without_a_source(ask: Ask) -> None:
    """Only an empty one is refused."""
    assert results(ask("  ")) == []
