"""The table of models."""

import pytest

from perplexity_connector.models.catalog import ALIASES, PRESETS, preset_of, replacement_for


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
        ("openai/gpt-6-luna", None),
        ("Sonar", None),
        ("", None),
    ],
)
def test_a_name_stands_for_its_preset_or_for_itself(model: str, preset: str | None) -> None:
    """The migration guide's table, and nothing guessed beyond it."""
    assert preset_of(model) == preset


@pytest.mark.parametrize(
    ("model", "better"),
    [
        ("r1-1776", "sonar-reasoning-pro"),
        ("llama-3.1-sonar-small-128k-online", "sonar"),
        ("llama-3.1-sonar-large-128k-chat", "sonar-pro"),
        ("llama-3.1-sonar-huge-128k-online", "sonar-pro"),
        ("llama-3.1-sonar-other", "sonar"),
        ("sonar", None),
        ("meta/llama-4", None),
    ],
)
def test_a_removed_model_has_a_replacement_that_works(model: str, better: str | None) -> None:
    """What is named instead is a name that we serve."""
    assert replacement_for(model) == better
    assert better is None or preset_of(better)


def test_every_alias_leads_to_a_preset() -> None:
    """The table has no loose ends."""
    assert set(ALIASES.values()) <= set(PRESETS)
