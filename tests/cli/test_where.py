"""`where` shows each place and setting with its source, and no secret."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

SECRET = "sEnTiNeL"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user with a folder and with secrets everywhere."""
    for variable in ("PERPLEXITY_CONNECT_TIMEOUT", "AUTOMATION_HOST_FLOWS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AUTOMATION_HOST_HOME", str(tmp_path))
    monkeypatch.setenv("PERPLEXITY_API_KEY", f"pplx-{SECRET}")
    monkeypatch.setenv("AUTOMATION_HOST_MASTER_KEY", SECRET)
    monkeypatch.setenv("PERPLEXITY_BASE_URL", f"https://me:{SECRET}@api.example")
    monkeypatch.setenv(
        "AUTOMATION_HOST_LEDGER", f"postgresql://me:{SECRET}@db.example/runs"
    )
    return tmp_path


def test_each_place_and_setting_has_its_source(command: Command, home: Path) -> None:
    """As JSON for programs."""
    outcome = command("where", "--json")
    assert (outcome.code, SECRET in outcome.out + outcome.err) == (0, False)
    found = json.loads(outcome.out)
    values = {
        value["name"]: (value["value"], value["source"])
        for value in found["places"] + found["settings"]
    }
    folder = "AUTOMATION_HOST_HOME"
    assert values["connections"] == (str(home / "connections.json"), folder)
    assert values["flows"] == (str(home / "flows"), folder)
    assert values["ledger"] == (
        "postgresql://db.example/runs",
        "AUTOMATION_HOST_LEDGER",
    )
    assert values["perplexity.base_url"] == (
        "https://api.example",
        "PERPLEXITY_BASE_URL",
    )
    assert values["perplexity.connect_timeout"] == ("5", "default")
    assert found["secrets"]["PERPLEXITY_API_KEY"]
    assert "connector perplexity" in found["versions"]


def test_a_person_gets_a_line_for_each(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a ledger in a file too, and without a secret."""
    monkeypatch.delenv("AUTOMATION_HOST_LEDGER")
    outcome = command("where")
    assert (outcome.code, SECRET in outcome.out) == (0, False)
    assert f"ledger: {home / 'ledger.sqlite'} (AUTOMATION_HOST_HOME)" in outcome.out


@pytest.mark.parametrize(
    "address",
    [
        f"me:{SECRET}@api.example",
        f"https:/me:{SECRET}@api.example",
        f"https:\\\\me:{SECRET}@api.example",
        f"https://api.example#{SECRET}",
        f" https://{SECRET}@api.example",
        f"api.example?key={SECRET}",
    ],
)
def test_an_address_that_is_not_written_correctly_shows_no_secret(
    command: Command, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Nor does it name another setting."""
    monkeypatch.setenv("PERPLEXITY_BASE_URL", address)
    outcome = command("where")
    assert (outcome.code, SECRET in outcome.out) == (0, False)
    assert "base_url: AUTOMATION_HOST_LEDGER" not in outcome.out


def test_a_version_of_a_model_is_not_a_secret(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the sign of a user too."""
    monkeypatch.setenv("PERPLEXITY_MODEL", "fast@2026-10-16.0")
    assert "fast@2026-10-16.0" in command("where").out


def test_a_user_without_a_home_sees_what_to_set(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each place; the other lines are there."""

    def homeless(_: str) -> None:
        raise RuntimeError

    for variable in ("AUTOMATION_HOST_HOME", "AUTOMATION_HOST_LEDGER"):
        monkeypatch.delenv(variable)
    monkeypatch.setattr("platformdirs.user_data_path", homeless)
    monkeypatch.setattr("platformdirs.user_state_path", homeless)
    outcome = command("where")
    assert outcome.code == 0
    assert outcome.out.count("AUTOMATION_HOST_HOME") == 4
