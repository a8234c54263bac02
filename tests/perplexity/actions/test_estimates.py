"""The price of a run before it is sent: what is priced, and what is open-ended."""

import json
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, CostEstimate
from perplexity_connector.perplexity.connector import PerplexityConnector
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire import agent_request
from tests.perplexity.actions.wire import Provider

LUNA, SONAR, OPUS = (
    "openai/gpt-6-luna",
    "perplexity/sonar",
    "anthropic/claude-opus-5-5",
)
MESSAGES = [{"role": "user", "content": "How far is the Moon — today?"}]
PRICED = {"model": LUNA, "messages": MESSAGES, "search": "never", "max_tokens": 1000}


def estimate(action: str, **fields: Any) -> CostEstimate:
    """The estimate of a run with these fields."""
    connector = PerplexityConnector(Provider().client())
    return connector.estimate(action, 1, fields)


def chat(**fields: Any) -> CostEstimate:
    """The estimate of a chat."""
    return estimate("create_chat_completion", **{"messages": MESSAGES, **fields})


@pytest.mark.parametrize(
    ("fields", "usd", "group"),
    [
        ({"query": "moon"}, 0.005, "web"),
        ({"query": ["moon"]}, 0.005, "web"),
        ({"query": ["moon"] * 100}, 0.5, "web"),
        ({"query": ["moon", "sun"], "search_type": "fast"}, 0.002, "fast"),
    ],
)
def test_a_search_costs_the_list_price_of_each_query(
    fields: Any, usd: float, group: str
) -> None:
    """Each is one request."""
    found = estimate("execute_search", **fields)
    assert found == CostEstimate(likely=usd, worst=usd, basis="list_price", group=group)


def test_a_chat_is_priced_by_its_bytes_and_its_longest_answer() -> None:
    """No text has more tokens than bytes: that of the body as it is sent. Prices are for a million tokens."""
    found = chat(**PRICED)
    body = json.dumps(agent_request.request_body(ChatInput.model_validate(PRICED)))
    assert found.worst == pytest.approx((len(body) * 0.1 + 1000 * 0.5) / 1e6, abs=1e-15)
    assert 0 < found.likely < found.worst
    assert (found.basis, found.group) == ("list_price", LUNA)


def test_the_dearest_of_the_models_that_may_answer_counts() -> None:
    """Each direction by itself."""
    plain = chat(**PRICED)
    both = chat(**PRICED, fallback_models=[SONAR])
    assert both.worst > 2.5 * plain.worst
    assert both.basis == "list_price"


@pytest.mark.parametrize(
    "change",
    [
        {"search": "when_needed"},
        {"search": None},
        {"max_tokens": None},
        {"tools": ["fetch_url"]},
        {"previous_response_id": "resp_1"},
        {"fallback_models": ["openai/gpt-9"]},
        {"model": "openai/gpt-9"},
        {"messages": [{**MESSAGES[0], "images": ["https://moon.example/moon.jpg"]}]},
    ],
)
def test_anything_else_of_a_model_is_open_ended(change: dict[str, Any]) -> None:
    """It may search, read pages or images, or has no listed price. Nothing is known about its cost."""
    fields = {
        name: value for name, value in {**PRICED, **change}.items() if value is not None
    }
    found = chat(**fields)
    assert (found.basis, found.likely, found.worst) == ("estimate", 1.0, 1.0)
    assert found.group == fields["model"]


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("fast", 0.0018),
        ("sonar", 0.0018),
        ("fast@2026-10-16.0", 0.0018),
        ("Perplexity/Sonar-Pro", 0.02),
        ("low", 0.02),
        ("sonar-pro", 0.02),
        ("medium", 0.03),
        ("sonar-reasoning-pro", 0.03),
        ("high", 1.0),
        ("sonar-deep-research", 1.0),
        ("xhigh", 2.0),
        ("xhigh@2026-11-01.0", 2.0),
        ("wide-research", 2.0),
        ("profile_00000000", 1.0),
    ],
)
def test_a_preset_has_the_figure_of_the_word_that_it_means(
    model: str, usd: float
) -> None:
    """By any of its names. It stays open-ended, also where nothing is searched."""
    found = chat(model=f" {model} ", search="never", max_tokens=1000)
    assert (found.likely, found.worst, found.basis) == (usd, usd, "estimate")
    assert found.group == model


def test_an_input_with_errors_and_an_unknown_action_have_no_price() -> None:
    """The host checks the input first."""
    with pytest.raises(ConnectorError) as caught:
        estimate("execute_search")
    assert caught.value.code == "invalid_input"
    with pytest.raises(ConnectorError) as caught:
        estimate("buy")
    assert caught.value.code == "not_found"
