"""Each field of the chat form changes an answer of the sandbox, over a real socket, plain and streamed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from perplexity_connector.host import SyncHost
from perplexity_connector.sandbox import GOOD_KEY, Sandbox

Body = dict[str, Any]
Run = Callable[..., Body]

CONNECTION = {"connection_name": "Sandbox", "api_key": GOOD_KEY}
CHAT = ("perplexity", "create_chat_completion")
MOON = "How far away is the Moon?"
PAGE = "What does https://nowhere.example/page say about the Moon?"
STOCK = "Where is the stock of Example Corporation?"
BARE = "perplexity/sonar"
PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox on a free port."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def host(sandbox: Sandbox) -> Iterator[SyncHost]:
    """A host that asks this sandbox."""
    settings = {"perplexity": {"base_url": sandbox.url}}
    with SyncHost(settings=settings) as opened:
        yield opened


@pytest.fixture(params=["plain", "streamed"])
def envelope(host: SyncHost, request: pytest.FixtureRequest) -> Run:
    """Runs a form in one of the two ways and gives its envelope."""

    def _envelope(question: str = MOON, model: str = "sonar", **fields: object) -> Body:
        streamed = request.param == "streamed"
        messages = [{"role": "user", "content": question}]
        form: Body = {"model": model, "messages": messages, "stream": streamed}
        form |= fields
        assert host.validate(*CHAT, form) == []
        if not streamed:
            return dict(host.run(*CHAT, form, connection=CONNECTION))
        *events, last = host.stream(*CHAT, form, connection=CONNECTION)
        assert last["type"] == "run.finished"
        found = dict(last["envelope"])
        assert events or found["status"] == "failed"
        return found

    return _envelope


@pytest.fixture
def ask(envelope: Run) -> Run:
    """Runs a form that must succeed and gives its output."""

    def _ask(*words: str, **fields: object) -> Body:
        found = envelope(*words, **fields)
        assert found["status"] == "succeeded", found
        output: Body = found["output"]
        return output

    return _ask


def kinds(output: Body) -> set[str]:
    """The kinds of its sources."""
    return {source["kind"] for source in output["search_results"]}


def searches(output: Body) -> int:
    """The number of searches that the run made."""
    return int(output["usage"].get("search_queries") or 0)


@pytest.mark.parametrize(
    ("model", "marked"),
    [
        ("fast@2026-10-16.0", 1),
        ("medium@2026-10-16.0", 1),
        ("wide-research", 2),
        ("wide-research@2026-10-16.0", 2),
        ("profile_7", 1),
    ],
)
def test_a_model_of_each_kind_answers(ask: Run, model: str, marked: int) -> None:
    """With its own number of searches; the output has the name that was asked for."""
    output = ask(model=model)
    assert (output["model"], searches(output)) == (model, marked)
    assert output["grounded"]
    assert ("profile_7" in output["content"]) is (model == "profile_7")


@pytest.mark.parametrize(
    "model", ["sonar", "sonar-pro", "high", "wide-research", "profile_7", BARE]
)
def test_a_search_can_be_forced_or_forbidden(ask: Run, model: str) -> None:
    """A model that would not search does with `always`; one that would does not with `never`."""
    reluctant = f"sandbox:no-search {MOON}"
    for search, question, is_grounded in (
        ("always", reluctant, True),
        ("when_needed", reluctant, False),
        ("when_needed", MOON, True),
        ("never", MOON, False),
    ):
        output = ask(question, model=model, search=search)
        assert output["grounded"] is is_grounded
        assert bool(searches(output)) is is_grounded


def test_only_an_answer_that_could_have_sources_is_called_ungrounded(
    envelope: Run,
) -> None:
    """A search that the author has forbidden is no surprise."""
    reluctant = f"sandbox:no-search {MOON}"
    found = [envelope(reluctant), envelope(search="never")]
    codes = [[warning["code"] for warning in one["warnings"]] for one in found]
    assert codes == [["ungrounded"], []]


def test_steps_limit_the_tools_of_a_run(ask: Run) -> None:
    """A bare model has one step unless it is given more; a preset can be given fewer."""
    assert [
        searches(ask(model=BARE)),
        searches(ask(model=BARE, max_steps=2)),
        searches(ask(model="high")),
        searches(ask(model="high", max_steps=1)),
    ] == [1, 2, 2, 1]


def test_a_fallback_answers_if_the_first_model_is_down(ask: Run, envelope: Run) -> None:
    """Without one, the run has failed."""
    down = f"sandbox:model-down {MOON}"
    chain = ["openai/gpt-6-luna", "xai/grok-4.3"]
    assert ask(model=BARE, fallback_models=chain)["served_model"] == BARE
    output = ask(down, model=BARE, fallback_models=chain)
    assert (output["model"], output["served_model"]) == (BARE, chain[0])
    assert envelope(down, model=BARE)["status"] == "failed"


def test_a_fallback_may_need_a_limit_of_the_tokens(ask: Run) -> None:
    """An Anthropic model answers with the `max_tokens` of the form."""
    chain = ["anthropic/claude-haiku-4-5"]
    down = f"sandbox:model-down {MOON}"
    output = ask(down, model=BARE, fallback_models=chain, max_tokens=500)
    assert output["served_model"] == chain[0]


def test_a_fallback_that_does_not_exist_is_refused(envelope: Run) -> None:
    """Even if the first model could answer."""
    found = envelope(model=BARE, fallback_models=["no/such"])
    assert found["status"] == "failed"
    assert found["error"]["code"] == "invalid_input"


def test_a_follow_up_knows_the_sources_of_the_earlier_answer(ask: Run) -> None:
    """Its own sources come after them."""
    first = ask()
    second = ask("jupiter moons", model=BARE, previous_response_id=first["id"])
    urls = [result["url"] for result in first["search_results"]]
    assert [r["url"] for r in second["search_results"]][: len(urls)] == urls
    assert len(second["search_results"]) > len(urls)


def test_an_unknown_earlier_answer_is_refused(envelope: Run) -> None:
    """The provider does not say which field is wrong; the error does."""
    missing = "resp_00000000-0000-4000-8000-000000000000"
    found = envelope(previous_response_id=missing)
    assert found["status"] == "failed"
    assert found["error"]["code"] == "invalid_input"
    pointers = [field["pointer"] for field in found["error"]["fields"]]
    assert pointers == ["/previous_response_id"]


def test_images_reach_the_model(ask: Run) -> None:
    """With the text of their message, and those of an earlier message too."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Look.", "images": [PNG]},
        {"role": "assistant", "content": "I see."},
        {
            "role": "user",
            "content": MOON,
            "images": ["https://moon.example/moon.jpg"],
        },
    ]
    output = ask(messages=messages)
    assert "image/png" in output["content"]
    assert "https://moon.example/moon.jpg" in output["content"]
    assert "384,400" in output["content"]


@pytest.mark.parametrize("model", ["sonar-pro", BARE])
def test_the_options_of_a_search_shorten_its_results(ask: Run, model: str) -> None:
    """Their number, all their text, and the text of each."""

    def snippets(**options: object) -> list[list[str]]:
        output = ask("moon", model=model, web_search_options=options)
        return [row["snippet"].split() for row in output["search_results"]]

    assert len(snippets()) > 3
    assert len(snippets(max_results=2)) == 2
    assert sum(map(len, snippets(max_tokens=40))) <= 40
    assert max(map(len, snippets(max_tokens_per_page=4))) == 4


@pytest.mark.parametrize("model", ["sonar-pro", BARE])
def test_a_fast_search_costs_less(ask: Run, model: str) -> None:
    """0.0015 USD less a search."""
    web, fast = (
        ask(model=model, web_search_options={"search_type": kind})["usage"]["cost"]
        for kind in ("web", "fast")
    )
    saved = web["total_cost"] - fast["total_cost"]
    assert saved == pytest.approx(0.0015, abs=5e-5)


def test_a_bare_model_reads_pages_and_looks_up_figures(ask: Run) -> None:
    """With those tools only."""
    tools = ["fetch_url", "finance_search"]
    assert kinds(ask(PAGE, model=BARE)) == {"search"}
    assert kinds(ask(PAGE, model=BARE, tools=tools)) == {"page"}
    assert kinds(ask(PAGE, model=BARE, tools=tools, max_steps=2)) == {"page", "search"}
    assert kinds(ask(STOCK, model=BARE, tools=tools)) == {"finance"}
    assert kinds(ask(PAGE, model=BARE, tools=tools, search="never")) == {"page"}


def test_a_model_can_be_kept_from_thinking(ask: Run) -> None:
    """A preset that thinks does not with `none`."""

    def thought(**fields: object) -> int:
        return int(ask(model="high", **fields)["usage"].get("reasoning_tokens") or 0)

    assert thought() > thought(reasoning_effort="low") > 0
    assert thought(reasoning_effort="none") == 0
