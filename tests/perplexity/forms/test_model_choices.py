"""The models as options: what an author reads about each of them."""

import pytest

from perplexity_connector.perplexity.forms.model_aliases import (
    ALIASES,
    PRESETS,
    replacement_for,
)
from perplexity_connector.perplexity.forms.model_choices import (
    KNOWN_NAMES,
    choices,
    price_of_tokens,
)

LISTED = {"anthropic/claude-x": "$3 in", "openai/gpt-6-luna": "$7 in", "new/model": ""}


def said(listed: dict[str, str] | None) -> dict[str, str]:
    """The description of each option, by its value."""
    return {option.value: option.description for option in choices(listed)}


def test_aliases_are_first_then_presets_then_other_efforts_then_models() -> None:
    """In the order of the tables, and of the provider's list."""
    values = list(said(LISTED))
    assert values == [
        *ALIASES,
        *PRESETS,
        "wide-research",
        "fast@2026-10-16.0",
        *LISTED,
    ]


@pytest.mark.parametrize("listed", [None, {}, LISTED])
def test_no_two_options_read_alike(listed: dict[str, str] | None) -> None:
    """Each has a label and words of its own."""
    options = choices(listed)
    assert len({(option.label, option.description) for option in options}) == len(
        options
    )
    assert all(option.label and option.description for option in options)


@pytest.mark.parametrize("listed", [None, {}, LISTED])
def test_every_option_has_a_price_or_says_that_it_has_none(
    listed: dict[str, str] | None,
) -> None:
    """An author never has to guess whether a price was forgotten."""
    assert all(
        "$" in words or "Price unknown." in words for words in said(listed).values()
    )


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("sonar", "openai/gpt-6-luna"),
        ("sonar-pro", "openai/gpt-6-luna"),
        ("sonar-reasoning-pro", "openai/gpt-6-luna"),
        ("sonar-deep-research", "openai/gpt-6-sol"),
        ("high", "openai/gpt-6-sol"),
        ("xhigh", "anthropic/claude-opus-5-5"),
    ],
)
def test_a_plain_name_says_its_model_and_its_price_with_a_date(
    name: str, model: str
) -> None:
    """And the price of its tools."""
    words = said(None)[name]
    assert model in words
    assert "per 1M tokens" in words
    assert "2026" in words
    assert "a search" in words


def test_an_alias_names_its_preset_and_a_preset_its_aliases() -> None:
    """Both ways, so that neither has to be looked up."""
    words = said(None)
    assert all(f"preset {preset}," in words[name] for name, preset in ALIASES.items())
    assert all(name in words[preset] for name, preset in ALIASES.items())


def test_the_price_of_today_replaces_the_dated_one() -> None:
    """In the model's own option and in those of the names that it serves."""
    words = said(LISTED)
    for name in ("openai/gpt-6-luna", "fast", "sonar"):
        assert "$7 in" in words[name]
        assert "$0.1 in" not in words[name]
    assert price_of_tokens("2", "10") in words["high"]


def test_a_listed_model_without_a_price_has_the_dated_one_if_there_is_one() -> None:
    """An older price is better than none, with its date."""
    words = said({"perplexity/sonar": "", "new/model": ""})
    assert "2026" in words["perplexity/sonar"]
    assert "$0.25 in" in words["perplexity/sonar"]
    assert words["new/model"] == "Price unknown."


def test_names_of_which_little_is_known_have_no_price() -> None:
    """Nothing is made up."""
    words = said(LISTED)
    for name in ("wide-research", "fast@2026-10-16.0"):
        assert words[name].endswith("Price unknown.")


def test_a_model_of_anthropic_says_that_it_needs_max_tokens() -> None:
    """And no other model does."""
    words = said(LISTED)
    assert "max_tokens" in words["anthropic/claude-x"]
    assert "max_tokens" not in words["new/model"]


def test_a_name_of_ours_in_the_list_is_offered_once() -> None:
    """With our words, which say more."""
    options = choices({"sonar": "$9 in"})
    assert [option for option in options if option.value == "sonar"] == [options[0]]
    assert "$9" not in options[0].description


def test_an_option_is_a_model_that_can_be_run() -> None:
    """Whether offered or suggested for a name that is nearly right, and nothing is offered twice."""
    values = list(said(None))
    offered = [option.value for option in choices(None)]
    assert values == list(KNOWN_NAMES)
    assert not any(map(replacement_for, values))
    assert values == offered
