"""Each field that a form may set changes a run, plain and streamed alike, or is refused."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import parse

Body = dict[str, Any]
Run = Callable[..., Body]

MOON = "How far away is the Moon?"
PAGE = "What does https://moon.example/distance say about the Moon?"
STOCK = "Where is the stock of Example Corporation?"
BARE: Body = {"model": "perplexity/sonar"}
SEARCH = {"type": "web_search"}
READ = {"type": "fetch_url"}
FINANCE = {"type": "finance_search"}
PNG = "data:image/png;base64,iVBORw0KGgo="
CHAIN = ["xai/grok-4.3", "openai/gpt-6-luna", "perplexity/sonar"]


@pytest.fixture(params=["plain", "streamed"])
def run(client: httpx.Client, request: pytest.FixtureRequest) -> Run:
    """Posts a run in one of the two ways and gives its final object."""

    def _run(question: object = MOON, **fields: object) -> Body:
        streamed = request.param == "streamed"
        body = {"input": question, **fields, "stream": streamed}
        answer = client.post("/v1/agent", json=body)
        assert answer.status_code == 200, answer.text
        final: Body = answer.json() if not streamed else last(answer.text)
        return final

    return _run


def last(stream: str) -> Body:
    """The object of a stream's last event."""
    found: Body = parse(stream)[-1][1]["response"]
    return found


def text(answer: Body) -> str:
    """The text of an answer."""
    found: str = answer["output"][-1]["content"][0]["text"]
    return found


def calls(answer: Body) -> Body:
    """How often the run called each tool."""
    details = answer["usage"].get("tool_calls_details", {})
    return {name: call["invocation"] for name, call in details.items()}


def kinds(answer: Body) -> list[str]:
    """The types of the items before the message."""
    return [item["type"] for item in answer["output"][:-1]]


def snippets(answer: Body) -> list[str]:
    """The texts of the results."""
    return [result["snippet"] for result in answer["output"][0]["results"]]


@pytest.mark.parametrize(
    ("question", "fields", "made"),
    [
        (MOON, {**BARE, "tools": [SEARCH]}, {"search_web": 1}),
        (MOON, {**BARE, "tools": [SEARCH], "max_steps": 1}, {"search_web": 1}),
        (MOON, {**BARE, "tools": [SEARCH], "max_steps": 2}, {"search_web": 2}),
        (PAGE, {**BARE, "tools": [SEARCH, READ]}, {"fetch_url": 1}),
        (
            PAGE,
            {**BARE, "tools": [SEARCH, READ], "max_steps": 2},
            {"search_web": 1, "fetch_url": 1},
        ),
        (
            PAGE,
            {**BARE, "tools": [SEARCH, READ], "max_steps": 3},
            {"search_web": 2, "fetch_url": 1},
        ),
        (MOON, {"preset": "high", "max_steps": 1}, {"search_web": 1}),
        (MOON, {"preset": "high", "max_tool_calls": 1}, {"search_web": 1}),
        (PAGE, {"preset": "medium", "max_steps": 1}, {"fetch_url": 1}),
        (PAGE, {"preset": "high", "max_tool_calls": 0, "max_steps": 9}, {}),
    ],
)
def test_a_run_calls_no_more_tools_than_it_has_steps(
    run: Run, question: str, fields: Body, made: Body
) -> None:
    """A bare model has one step unless it is given more; a preset has as many as it needs."""
    assert calls(run(question, **fields)) == made


@pytest.mark.parametrize("engine", [{"preset": "low"}, {**BARE, "tools": [SEARCH]}])
def test_a_choice_of_the_search_makes_a_model_search_that_would_not(
    run: Run, engine: Body
) -> None:
    """Without the choice, nothing is found, and the answer cites nothing."""
    question = f"sandbox:no-search {MOON}"
    assert calls(run(question, **engine)) == {}
    for choice in (SEARCH, "required"):
        forced = run(question, **engine, tool_choice=choice)
        assert calls(forced) == {"search_web": 1}
        assert forced["tool_choice"] == choice
        assert "1]" in text(forced)


def test_a_chosen_search_comes_before_the_page_of_the_question(run: Run) -> None:
    """A preset that would only read then searches too, and in one step it only searches."""
    read = run(PAGE, preset="low")
    both = run(PAGE, preset="low", tool_choice=SEARCH)
    one = run(PAGE, preset="low", tool_choice=SEARCH, max_steps=1)
    assert [calls(answer) for answer in (read, both, one)] == [
        {"fetch_url": 1},
        {"fetch_url": 1, "search_web": 1},
        {"search_web": 1},
    ]


@pytest.mark.parametrize(
    ("question", "choice", "made"),
    [
        (PAGE, READ, {"fetch_url": 1}),
        (MOON, READ, {"search_web": 1}),
        (MOON, FINANCE, {"finance_search": 1}),
        (MOON, {"type": "function", "name": "f"}, {"search_web": 1}),
        ("sandbox:no-search", "required", {"search_web": 1}),
        (f"sandbox:no-search {PAGE}", "required", {"fetch_url": 1}),
        (STOCK, "auto", {"finance_search": 1}),
        (STOCK, SEARCH, {"search_web": 1}),
    ],
)
def test_a_tool_that_is_chosen_is_called_first(
    run: Run, question: str, choice: object, made: Body
) -> None:
    """In one step it is the only one. A page needs an address to be read."""
    tools = [SEARCH, READ, FINANCE, {"type": "function", "name": "f"}]
    assert calls(run(question, **BARE, tools=tools, tool_choice=choice)) == made


@pytest.mark.parametrize("preset", [{"preset": "high"}, {"effort": "wide-research"}])
def test_no_tool_call_means_no_source(run: Run, preset: Body) -> None:
    """`max_tool_calls: 0` keeps a preset from searching, though its tools stay."""
    answer = run(**preset, max_tool_calls=0)
    assert kinds(answer) == []
    assert answer["tools"] == [SEARCH, READ]
    assert answer["max_tool_calls"] == 0


def test_fallback_models_are_tried_in_their_order(run: Run) -> None:
    """The first answers; if it is down, the second does; a run without another one has failed."""
    assert run(models=CHAIN)["model"] == CHAIN[0]
    # Documented: `models` wins over `model`.
    assert run(models=CHAIN, model="openai/gpt-5")["model"] == CHAIN[0]
    down = f"sandbox:model-down {MOON}"
    second = run(down, models=CHAIN)
    assert (second["model"], second["status"]) == (CHAIN[1], "completed")
    for alone in (BARE, {"preset": "fast"}):
        failed = run(down, **alone)
        assert (failed["status"], failed["output"]) == ("failed", [])
        assert failed["error"]


@pytest.mark.parametrize(
    ("effort", "tier", "marker"),
    [
        ("fast", "fast", "[1]"),
        ("fast@2026-10-16.0", "fast", "[1]"),
        ("medium@2026-10-16.0", "default", "[web:1]"),
        ("wide-research", "default", "[web:1]"),
        ("wide-research@2026-10-16.12", "default", "[web:1]"),
    ],
)
def test_an_effort_runs_as_the_preset_of_its_name(
    run: Run, effort: str, tier: str, marker: str
) -> None:
    """Its tier says whether it was fast."""
    answer = run(effort=effort)
    assert answer["service_tier"] == tier
    assert marker in text(answer)


def test_a_run_begins_under_the_name_that_was_sent(client: httpx.Client) -> None:
    """A pin, a profile, the first of several models."""
    profile = {"id": "profile_7", "type": "custom"}
    asked: list[tuple[Body, str]] = [
        ({"effort": "low@2026-10-16.0"}, "low@2026-10-16.0"),
        ({"profile": profile}, "profile_7"),
        ({"models": CHAIN}, CHAIN[0]),
    ]
    for fields, name in asked:
        body = {"input": MOON, "stream": True, **fields}
        events = parse(client.post("/v1/agent", json=body).text)
        assert events[0][1]["response"]["model"] == name


def test_a_profile_brings_its_own_tools_and_is_named_in_the_answer(run: Run) -> None:
    """The answer is written by the profile's model, not by one that the request names."""
    answer = run(profile={"id": "profile_7", "type": "custom"})
    assert "profile_7" in text(answer)
    assert answer["tools"] == [SEARCH, READ]
    assert calls(answer) == {"search_web": 1}
    assert "profile" not in text(run(preset="low"))


def shown(*images: object, role: str = "user") -> list[Body]:
    """A conversation with images in a message of that role; the last message is the user's."""
    parts = [{"type": "input_image", "image_url": image} for image in images]
    content = [{"type": "input_text", "text": MOON}, *parts]
    first = {"role": role, "content": content}
    return [first] if role == "user" else [first, {"role": "user", "content": MOON}]


def test_the_answer_names_the_images_of_the_question(run: Run) -> None:
    """By their address or their media type; each of them costs tokens."""
    without = run(shown(), preset="low")
    images = (PNG, "https://moon.example/moon.jpg")
    answer = run(shown(*images), preset="low")
    assert "image/png" in text(answer)
    assert images[1] in text(answer)
    assert "384,400" in text(answer)
    read = [one["usage"]["input_tokens"] for one in (without, answer)]
    assert read[1] - read[0] == 1000


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif"])
def test_an_image_may_have_any_of_four_kinds(run: Run, kind: str) -> None:
    """As base64 data."""
    image = f"data:image/{kind};base64,AA=="
    assert f"image/{kind}" in text(run(shown(image), preset="low"))


def test_reasoning_can_be_switched_off_and_on(
    run: Run, listen: Callable[..., list[tuple[str, Body]]]
) -> None:
    """It shows in the tokens, and in the events of a stream."""
    efforts = ("none", "minimal", "low", "medium", "high", "xhigh")
    thought = [
        run(preset="high", reasoning={"effort": effort})["usage"][
            "output_tokens_details"
        ]["reasoning_tokens"]
        for effort in efforts
    ]
    assert thought[0] == 0
    assert thought == sorted(set(thought))
    for effort, thinks in [("none", False), ("low", True)]:
        events = listen(preset="high", reasoning={"effort": effort})
        names = {name for name, _ in events}
        assert ("response.reasoning.started" in names) is thinks


def test_a_model_with_the_finance_tool_looks_up_figures(run: Run) -> None:
    """Only for a question about them; it costs half a cent."""
    answer = run(STOCK, **BARE, tools=[FINANCE])
    assert kinds(answer) == ["finance_results"]
    (figure,) = answer["output"][0]["results"]
    assert set(figure) == {"category", "content", "sources"}
    assert figure["content"] in text(answer)
    assert answer["usage"]["cost"]["tool_calls_cost_details"] == {
        "finance_search": 0.005
    }
    assert kinds(run(MOON, **BARE, tools=[FINANCE])) == []
    assert kinds(run(STOCK, **BARE)) == []
    assert "finance_results" in kinds(run(STOCK, preset="xhigh"))


def test_figures_are_added_to_a_stream_as_a_call(
    listen: Callable[..., list[tuple[str, Body]]],
) -> None:
    """And done as their item."""
    events = listen(STOCK, preset="xhigh")
    items = [
        data["item"] for name, data in events if name.startswith("response.output_item")
    ]
    added, done = items[-4:-2]
    assert (added["type"], added["name"]) == ("function_call", "finance_search")
    assert done["type"] == "finance_results"


@pytest.mark.parametrize("engine", [{"preset": "fast"}, BARE])
def test_the_limits_of_a_search_shorten_its_results(run: Run, engine: Body) -> None:
    """Fewer of them, or fewer words of each."""

    def found(**options: object) -> list[str]:
        return snippets(run("moon", **engine, tools=[{**SEARCH, **options}]))

    usual = found()
    assert len(found(max_results=2)) == 2
    assert len(found(max_tokens=3)) == 3
    assert found(max_tokens_per_page=4) == [
        " ".join(snippet.split(" ")[:4]) for snippet in usual
    ]
    assert sum(len(snippet.split(" ")) for snippet in found(max_tokens=40)) <= 40


def test_a_fast_search_is_cheaper(run: Run) -> None:
    """0.001 USD in place of 0.0025."""
    for kind, cost in [("web", 0.0025), ("fast", 0.001)]:
        answer = run(preset="low", tools=[{**SEARCH, "search_type": kind}])
        assert answer["usage"]["cost"]["tool_calls_cost"] == cost


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        # A word that only `effort` takes.
        ({"preset": "wide-research"}, "invalid_model"),
        ({"preset": "fast@2026-10-16.0"}, "invalid_model"),
        ({"effort": "sonar-pro"}, "invalid_model"),
        ({"effort": "fast", "preset": "sonar"}, "invalid_model"),
        # Models beside another engine, one that is not there, and one that needs a limit.
        ({"preset": "fast", "models": CHAIN}, "invalid_request"),
        ({"models": []}, "invalid_request"),
        ({"models": CHAIN, "model": "no/such"}, "invalid_model"),
        (
            {"models": ["perplexity/sonar", "anthropic/claude-haiku-4-5"]},
            "invalid_request",
        ),
        # A tool that the run does not have.
        ({**BARE, "tool_choice": SEARCH}, "invalid_request"),
        ({"preset": "fast", "tool_choice": READ}, "invalid_request"),
        ({"preset": "fast", "tool_choice": {"type": "no_such"}}, "invalid_request"),
        ({"preset": "fast", "tool_choice": {}}, "invalid_request"),
        ({"preset": "fast", "tool_choice": {**SEARCH, "x": 1}}, "invalid_request"),
        ({"preset": "fast", "max_tool_calls": -1}, "invalid_request"),
        ({"preset": "fast", "previous_response_id": "resp_1"}, "invalid_request"),
        ({"preset": "fast", "reasoning": {"effort": "None"}}, "invalid_request"),
        # Limits of the search.
        (
            {"preset": "fast", "tools": [{**SEARCH, "max_results": 0}]},
            "invalid_request",
        ),
        ({"preset": "fast", "tools": [{**SEARCH, "max_tokens": 0}]}, "invalid_request"),
        (
            {"preset": "fast", "tools": [{**SEARCH, "max_tokens_per_page": 0}]},
            "invalid_request",
        ),
        # Images.
        (
            {"preset": "low", "input": shown("http://a.example/a.png")},
            "invalid_request",
        ),
        ({"preset": "low", "input": shown("a.png")}, "invalid_request"),
        ({"preset": "low", "input": shown(None)}, "invalid_request"),
        ({"preset": "low", "input": shown({"url": PNG})}, "invalid_request"),
        (
            {"preset": "low", "input": shown("data:image/svg+xml;base64,AA==")},
            "invalid_request",
        ),
        (
            {"preset": "low", "input": shown("data:image/png;base64,A A")},
            "invalid_request",
        ),
        ({"preset": "low", "input": shown(PNG, role="system")}, "invalid_request"),
        ({"preset": "low", "input": shown(PNG, role="assistant")}, "invalid_request"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_field_is_refused_before_the_first_event(
    client: httpx.Client, fields: Body, kind: str, stream: bool
) -> None:
    """400 as JSON, and nothing is billed."""
    body = {"input": MOON, **fields, "stream": stream}
    answer = client.post("/v1/agent", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, kind)
    assert client.get("/sandbox/state").json()["billed_runs"] == 0


def test_a_limit_serves_every_model_of_a_chain(run: Run) -> None:
    """An Anthropic model that is only a fallback needs it too."""
    chain = ["perplexity/sonar", "anthropic/claude-haiku-4-5"]
    answer = run(
        f"sandbox:model-down {MOON}",
        models=chain,
        tools=[SEARCH],
        max_output_tokens=500,
    )
    assert (answer["model"], answer["status"]) == (chain[1], "completed")
