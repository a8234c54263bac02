import os
from pathlib import Path

import pytest

import perplexity_connector.host
from perplexity_connector.host import environment
from perplexity_connector.host.environment import (
    CHECK_MODES_VARIABLE,
    HOME_VARIABLE,
    MASTER_KEY_VARIABLE,
    checks_modes,
    data_folder,
    master_key,
    variables,
)

ROOM = Path(perplexity_connector.host.__file__).parent


def test_one_module_of_the_host_reads_the_environment() -> None:
    """So that all variables are found in one place."""
    words = ("environ[", "os.environ", "getenv", "platformdirs", "AUTOMATION_HOST_")
    readers = {
        file.name
        for file in ROOM.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if any(word in line for word in words) and "`" not in line
    }
    assert readers == {"environment.py"}


def test_the_given_variables_replace_those_of_the_process() -> None:
    """Even when there are none of them."""
    assert variables({}) == {}
    assert variables(None) is os.environ


@pytest.mark.parametrize("text", ["", " ", '""', "' '"])
def test_a_blank_variable_counts_as_not_set(text: str, state_folder: Path) -> None:
    """Files of variables often have blank ones, in quotes or not."""
    assert master_key({MASTER_KEY_VARIABLE: text}) == b""
    assert checks_modes({CHECK_MODES_VARIABLE: text})
    assert data_folder({HOME_VARIABLE: text}).parent == state_folder


@pytest.mark.parametrize(("text", "checks"), [("0", False), ("1", True), ("no", True)])
def test_only_a_zero_accepts_files_that_others_may_read(
    text: str, checks: bool
) -> None:
    """Anything else is not that decision."""
    assert checks_modes({CHECK_MODES_VARIABLE: text}) is checks


def test_the_chosen_folder_holds_the_state_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state_folder: Path
) -> None:
    """Each application has a folder of its own in it; without a choice, the platform's."""
    assert environment.state_folder("app") == state_folder / "app"
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert environment.state_folder("app") == tmp_path / "app"
    assert environment.state_folder("app", {}) == state_folder / "app"


def test_the_chosen_folder_may_be_below_the_home_folder_or_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays the same when the process changes its folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert data_folder({HOME_VARIABLE: "~/keys"}) == tmp_path / "keys"
    assert data_folder({HOME_VARIABLE: "keys"}) == tmp_path / "keys"
