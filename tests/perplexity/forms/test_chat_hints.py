"""The hints for Create Chat Completion."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.host import Host
from perplexity_connector.perplexity.forms.chat_hints import chat_hints
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.model_aliases import ALIASES, PRESETS

ASK = [{"role": "user", "content": "How far away is the Moon?"}]
DEEP = [
    "medium",
    "high",
    "xhigh",
    "wide-research",
    "high@2026-10-16.0",
    "wide-research@2026-10-16.0",
    "sonar-reasoning",
    "sonar-reasoning-pro",
    "sonar-deep-research",
    "perplexity/sonar-deep-research",
    " high ",
]
SHALLOW = ["fast", "low", "sonar", "sonar-pro", "low@2026-10-16.0", "profile_high"]
BARE = ["openai/gpt-6-luna", "perplexity/sonar", "mine"]


@pytest.fixture(scope="module")
def host() -> Host:
    """A host; it is not opened."""
    return Host(environ={})


def hinted(host: Host, **fields: Any) -> list[str]:
    """The places of the hints about a chat."""
    form = {"messages": ASK, **fields}
    found = host.hints("perplexity", "create_chat_completion", form)
    return [hint.pointer for hint in found]


@pytest.mark.parametrize("model", DEEP)
def test_few_tokens_for_a_model_that_thinks_long_are_hinted_at(
    host: Host, model: str
) -> None:
    """By any name that means it; 4,096 are enough, and no limit is enough too."""
    assert hinted(host, model=model, max_tokens=4095) == ["/max_tokens"]
    assert hinted(host, model=model, max_tokens=4096) == []
    assert hinted(host, model=model) == []


@pytest.mark.parametrize("model", SHALLOW)
def test_few_tokens_are_enough_for_the_others(host: Host, model: str) -> None:
    """They answer at once."""
    assert hinted(host, model=model, max_tokens=100) == []


@pytest.mark.parametrize("model", BARE)
def test_a_bare_model_that_may_not_search_is_hinted_at(host: Host, model: str) -> None:
    """Unless the author has chosen how it searches, or how many steps it has."""
    assert hinted(host, model=model) == ["/model"]
    assert hinted(host, model=model, max_tokens=100) == ["/model"]
    assert hinted(host, model=model, search="") == ["/model"]
    for choice in ({"search": "when_needed"}, {"max_steps": 5}):
        assert hinted(host, model=model, **choice) == []


def test_a_removed_model_has_an_error_and_no_hint(host: Host) -> None:
    """Its replacement is not a bare model."""
    assert hinted(host, model="r1-1776") == []


def test_for_an_empty_input_there_are_those_for_all(host: Host) -> None:
    """As MCP shows them. A form that is not filled in yet has none."""
    general = host.hints("perplexity", "create_chat_completion", {})
    assert [hint.pointer for hint in general] == ["/max_tokens", "/model"]
    assert hinted(host) == []


def test_a_search_has_none(host: Host) -> None:
    """For any query, and for none."""
    assert host.hints("perplexity", "execute_search", {"query": "moon"}) == []
    assert host.hints("perplexity", "execute_search", {}) == []


ANY_MODEL = st.sampled_from([*DEEP, *BARE, *PRESETS, *ALIASES]) | st.text()
ANY: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just({})
)


@given(model=ANY_MODEL | ANY, tokens=ANY, search=ANY)
def test_a_hint_is_given_for_any_input(model: Any, tokens: Any, search: Any) -> None:
    """Each points at a field that is filled in, and never repeats its value."""
    fields = {"model": model, "max_tokens": tokens, "search": search}
    found = list(chat_hints(ChatInput.without_blanks(fields)))
    for hint in found:
        assert fields[hint.pointer[1:]] not in (None, "", {})
    assert len({hint.pointer for hint in found}) == len(found)
