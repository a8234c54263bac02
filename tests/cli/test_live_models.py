"""`models`, as the command line shows Perplexity's own list, and what it shows where there is none."""

import json
from typing import Any, Self

import pytest

from perplexity_connector.cli.language_models import show_models
from perplexity_connector.sandbox import keys
from tests.cli.conftest import Command


class OneModel:
    """A host of one connector, whose list of models is of today."""

    def actions(self) -> list[dict[str, Any]]:
        """One action."""
        return [{"connector": "toy", "action": "look"}]

    def describe(self, *_: str) -> dict[str, Any]:
        """One whose model is picked from the models."""
        return {"connector": {"id": "toy"}, "action": {"options": {"/model": "models"}}}

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closed."""

    async def options(self, *_: str, **__: Any) -> dict[str, Any]:
        """All of them."""
        return {
            "options": [{"value": "a", "description": ""}],
            "next_cursor": None,
            "origin": "live",
            "note": "",
        }


def test_a_list_of_today_has_no_note(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written beside it."""
    show_models(lambda _: OneModel(), None, "", sandbox=False, as_json=False)  # type: ignore[arg-type, return-value]
    assert tuple(capsys.readouterr()) == ("a\n", "")


def test_the_models_of_a_sandbox_are_listed_with_their_prices_and_without_a_note(
    command: Command,
) -> None:
    """One a line, the names of the old chat API first; nothing is wrong with a list of today."""
    outcome = command("models", "--sandbox")
    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert [line.split()[0] for line in lines[:2]] == ["sonar", "sonar-pro"]
    assert any(
        line.startswith("perplexity/sonar ") and "$0.25" in line for line in lines
    )
    assert "note:" not in outcome.err


def test_without_a_good_key_the_shipped_list_is_shown_with_the_reason(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr, so that the list itself can be piped on."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", keys.WRONG_KEY)
    outcome = command("models", "sonar", "--sandbox", "--json")
    assert outcome.code == 0
    assert "perplexity/sonar" in [option["value"] for option in json.loads(outcome.out)]
    assert "note:" in outcome.err
