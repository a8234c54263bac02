"""The table of models."""

import pytest

from perplexity_connector.perplexity.forms.model_aliases import (
    ALIASES,
    PRESETS,
    effort_of,
    is_bare,
    kind_of,
    model_option,
    named_options,
    preset_of,
    replacement_for,
    well_known_options,
)


@pytest.mark.parametrize(
    ("model", "preset"),
    [
        ("sonar", "fast"),
        ("sonar-pro", "low"),
        ("sonar-reasoning", "medium"),
        ("sonar-reasoning-pro", "medium"),
        ("sonar-deep-research", "high"),
        ("fast", "fast"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "xhigh"),
        ("perplexity/sonar", None),
        ("Perplexity/Sonar", None),
        ("perplexity/sonar-pro", "low"),
        ("Perplexity/Sonar-Reasoning-Pro", "medium"),
        ("PERPLEXITY/SONAR-DEEP-RESEARCH", "high"),
        ("perplexity/fast", None),
        ("perplexity/openai/sonar-pro", None),
        ("openai/gpt-6-luna", None),
        ("Sonar", None),
        ("", None),
    ],
)
def test_a_name_stands_for_its_preset_or_for_itself(
    model: str, preset: str | None
) -> None:
    """The migration guide's table, and nothing guessed beyond it."""
    assert preset_of(model) == preset


@pytest.mark.parametrize(
    ("model", "kind", "effort"),
    [
        ("sonar-pro", "preset", "low"),
        ("perplexity/sonar-pro", "preset", "low"),
        ("xhigh", "preset", "xhigh"),
        ("wide-research", "effort", "wide-research"),
        ("wide-research@2026-11-01.0", "effort", "wide-research"),
        ("fast@2026-10-16.0", "effort", "fast"),
        ("profile_abc", "profile", None),
        ("perplexity/sonar", "bare", None),
        ("openai/gpt-6-luna", "bare", None),
        ("something-new", "bare", None),
        ("fast@", "bare", None),
        ("fast@a b", "bare", None),
        ("sonar@2026-10-16.0", "bare", None),
        ("breakfast@1", "bare", None),
        ("", "bare", None),
    ],
)
def test_a_name_has_one_kind_and_may_mean_an_effort(
    model: str, kind: str, effort: str | None
) -> None:
    """The kind is how it is sent; the effort is the same for all versions of a preset."""
    assert (kind_of(model), effort_of(model)) == (kind, effort)
    assert is_bare(model) is (kind == "bare")


@pytest.mark.parametrize(
    ("model", "better"),
    [
        ("r1-1776", "sonar-reasoning-pro"),
        ("llama-3.1-sonar-small-128k-online", "sonar"),
        ("llama-3.1-sonar-large-128k-chat", "sonar-pro"),
        ("llama-3.1-sonar-huge-128k-online", "sonar-pro"),
        ("llama-3.1-sonar-other", "sonar"),
        ("R1-1776", "sonar-reasoning-pro"),
        ("  r1-1776\n", "sonar-reasoning-pro"),
        ("perplexity/r1-1776", "sonar-reasoning-pro"),
        ("Llama-3.1-Sonar-Large-128k-Online", "sonar-pro"),
        ("llama-3.1-sonar-huge-128k-chat", "sonar-pro"),
        ("sonar-small-online", "sonar"),
        ("sonar-medium-chat", "sonar-pro"),
        ("pplx-7b-chat-alpha", "sonar"),
        ("pplx-70b-online", "sonar-pro"),
        ("perplexity/pplx-70b-online", "sonar-pro"),
        ("llama-3-sonar-small-32k-online", "sonar"),
        ("llama-3-sonar-large-32k-chat", "sonar-pro"),
        ("llama-3-8b-instruct", "sonar"),
        ("llama-3-70b-instruct", "sonar-pro"),
        ("llama-3.1-8b-instruct", "sonar"),
        ("llama-3.1-70b-instruct", "sonar-pro"),
        ("llama-2-13b-chat", "sonar"),
        ("llama-2-70b-chat", "sonar-pro"),
        ("codellama-34b-instruct", "sonar-pro"),
        ("mistral-7b-instruct", "sonar"),
        ("mixtral-8x7b-instruct", "sonar-pro"),
        ("mixtral-8x22b-instruct", "sonar-pro"),
        ("openhermes-2.5-mistral-7b", "sonar"),
        ("replit-code-v1.5-3b", "sonar"),
        ("mistral/mistral-7b-instruct", None),
        ("sonar", None),
        ("sonar-pro", None),
        ("sonar-reasoning-pro", None),
        ("sonar-deep-research", None),
        ("sonar-reasoning", None),
        ("perplexity/sonar", None),
        ("meta/llama-4", None),
        ("", None),
    ],
)
def test_a_removed_model_has_a_replacement_that_works(
    model: str, better: str | None
) -> None:
    """What is named instead is a name that we serve."""
    assert replacement_for(model) == better
    assert better is None or preset_of(better)


def test_every_alias_leads_to_a_preset() -> None:
    """The table has no loose ends."""
    assert set(ALIASES.values()) <= set(PRESETS)


def test_every_name_is_an_option_that_says_what_it_stands_for() -> None:
    """Aliases first, then presets, in the table's order; each has words that tell it from the others."""
    options = named_options()
    assert [option.value for option in options] == [*ALIASES, *PRESETS]
    assert all(
        f"preset {ALIASES[option.value]}," in option.description
        for option in options[: len(ALIASES)]
    )
    assert len({(option.label, option.description) for option in options}) == len(
        options
    )
    said = {option.value: option.description for option in options}
    assert all(alias in said[preset] for alias, preset in ALIASES.items())
    assert all(option.label and option.description for option in options)


def test_no_option_is_a_model_that_is_gone() -> None:
    """What can be picked can be run, and nothing is offered twice."""
    values = [option.value for option in (*named_options(), *well_known_options())]
    assert not any(map(replacement_for, values))
    assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    ("model", "needs"), [("anthropic/claude-x", True), ("perplexity/sonar", False)]
)
def test_a_model_says_what_it_needs_beside_its_price(model: str, needs: bool) -> None:
    """And its price alone where it needs nothing."""
    description = model_option(model, "$1 in.").description
    assert description.startswith("$1 in.")
    assert ("max_tokens" in description) == needs
