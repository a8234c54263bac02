import runpy
import subprocess
import sys

import pytest

import perplexity_connector.__main__ as entry
from tests.cli.conftest import Command

HEAVY = {"httpx", "pydantic", "jsonschema", "stamina", "starlette", "uvicorn", "rich"}
COMMAND = """
import sys
from perplexity_connector.__main__ import main
try:
    main()
finally:
    sys.stderr.write(" ".join(sys.modules))
"""
WITHOUT_TYPER = """
import sys
from perplexity_connector.cli.app import actions, describe
actions()
describe("execute_search", as_json=True)
sys.stderr.write(" ".join(sys.modules))
"""


@pytest.mark.parametrize(
    "missing", ["typer", "rich", "stamina", "starlette", "uvicorn"]
)
def test_without_the_host_extra_the_command_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """One line, exit code 1, whichever part is missing."""
    monkeypatch.setitem(sys.modules, missing, None)
    outcome = command("actions")
    assert outcome.code == 1
    assert outcome.out == ""
    assert "pip install 'perplexity-connector[host]'" in outcome.err
    assert outcome.err.count("\n") == 1


def test_the_package_runs_as_a_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m perplexity_connector` is the command, under the command's own name."""
    monkeypatch.setattr(sys, "argv", ["__main__.py", "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(entry.__file__), run_name="__main__")
    assert end.value.code == 0
    assert "Usage: perplexity-connector" in capsys.readouterr().out


def modules_after(code: str, *arguments: str) -> set[str]:
    """What a fresh interpreter has loaded at the end of some code, which must print something."""
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert ended.stdout
    return set(ended.stderr.split())


@pytest.mark.parametrize(
    "arguments", [("actions",), ("describe", "execute_search"), ("actions", "--json")]
)
def test_looking_around_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    """No HTTP, no validation, no server: the palette is there at once."""
    assert not HEAVY & modules_after(COMMAND, *arguments)
