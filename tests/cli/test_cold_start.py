"""To look around costs little: what a run needs is not imported, in a process of its own. No test asserts time."""

import subprocess
import sys
from typing import Any

import pytest
import typer

from perplexity_connector.cli.app import app, small
from perplexity_connector.sandbox import GOOD_KEY, Sandbox

CODE = """
import sys
from perplexity_connector.__main__ import main
sys.argv = ["perplexity-connector", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
sys.stderr.write(" ".join(sys.modules))
"""
FOR_RUNS = {
    *("asyncio", "concurrent.futures", "ssl", "logging"),
    *(
        "httpx",
        "aiohttp",
        "pydantic",
        "jsonschema",
        "jsonschema_rs",
        "referencing",
        "pluggy",
    ),
    *(
        "rich",
        "sqlalchemy",
        "sqlite3",
        "stamina",
        "tenacity",
        "cryptography",
        "filelock",
        "platformdirs",
        "starlette",
        "uvicorn",
        "mcp",
        "prefect",
    ),
    *(
        f"perplexity_connector.host.{name}"
        for name in (
            "credentials",
            "flows",
            "ledger",
            "runs.runs",
            "tables",
            "sync",
            "validation.schema_validator",
            "validation.to_json",
        )
    ),
    *(
        f"perplexity_connector.cli.{name}"
        for name in (
            *("asking", "completing", "connecting", "where"),
            *("connections", "flow_running", "history", "records"),
            *("resuming", "running"),
            *("table_running", "targets", "workbench"),
        )
    ),
    *(
        f"perplexity_connector.contract.{name}"
        for name in ("connector", "context", "envelope", "manifest")
    ),
    *(
        f"perplexity_connector.{name}"
        for name in ("plugin", "sandbox", "workbench", "adapters")
    ),
}
SEARCH = """
import asyncio, sys
from perplexity_connector.host import Host
async def search(url, key):
    async with Host(settings={"perplexity": {"base_url": url}}, environ={}) as host:
        connection = {"connection_name": "Test", "api_key": key}
        return await host.run("perplexity", "execute_search", {"query": "moon"}, connection=connection)
envelope = asyncio.run(search(*sys.argv[1:]))
assert envelope["status"] == "succeeded", envelope
sys.stderr.write(" ".join(sys.modules))
"""


def imported(code: str, *arguments: str) -> set[str]:
    """What a fresh process has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "command",
    [
        ["actions"],
        ["actions", "--json"],
        ["describe", "execute_search"],
        ["describe", "execute_search", "--json"],
    ],
)
def test_looking_around_imports_nothing_that_a_run_needs(command: list[str]) -> None:
    """Neither an event loop nor HTTP, validation, retries, encryption or a server; and of ours, only what it uses."""
    assert imported(CODE, *command) & FOR_RUNS == set()


def test_the_collector_leaves_the_imports_alone() -> None:
    """Neither a search for garbage during a command nor the one at its end looks through them."""
    code = CODE.replace(
        "sys.modules)", 'map(str, [__import__("gc").get_freeze_count()]))'
    )
    assert min(map(int, imported(code, "--version"))) > 0


@pytest.mark.parametrize(
    ("word", "made"), [("actions", ["actions"]), ("runs", ["runs"]), ("mcp", ["mcp"])]
)
def test_only_the_command_that_was_typed_is_made(
    word: str, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser would make all of them, with every option."""
    monkeypatch.setattr(sys, "argv", ["perplexity-connector", word])
    command: Any = typer.main.get_command(small(app))
    assert list(command.commands) == made


@pytest.mark.parametrize("words", [[], ["--help"], ["ask"]])
def test_any_other_word_has_all_commands(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help lists them, and a mistake names them."""
    monkeypatch.setattr(sys, "argv", ["perplexity-connector", *words])
    assert small(app) is app


def test_help_imports_no_more() -> None:
    """It does not even look for connectors."""
    assert imported(CODE, "--help") & FOR_RUNS == set()


@pytest.mark.parametrize("command", [["runs"], ["usage", "--json"]])
def test_looking_at_the_ledger_imports_neither_http_nor_validation(
    command: list[str],
) -> None:
    """Only the database, which has its own use for asyncio."""
    found = imported(CODE, *command)
    assert found & FOR_RUNS <= {
        *("asyncio", "concurrent.futures", "filelock", "logging", "platformdirs"),
        *("sqlalchemy", "sqlite3", "ssl"),
        *("perplexity_connector.cli.history", "perplexity_connector.cli.records"),
        *("perplexity_connector.host.credentials", "perplexity_connector.host.ledger"),
    }


def test_a_good_search_imports_nothing_that_it_does_not_use() -> None:
    """Where form, input and output are plainly good, jsonschema has nothing to say.

    There is neither a ledger nor a stored connection.
    """
    with Sandbox() as sandbox:
        found = imported(SEARCH, sandbox.url, GOOD_KEY)
    assert found & {"jsonschema", "referencing", "cryptography", "filelock"} == set()
    # With aiohttp there, httpx is for a proxy alone; its import takes a sixth of all this.
    assert found & {"httpx", "click", "rich", "pygments"} == set()
    own = ("ledger.entries", "credentials.store", "limits.shared_limiter")
    assert found & {f"perplexity_connector.host.{name}" for name in own} == set()
    assert {"aiohttp", "perplexity_connector.host.runs.runs"} <= found
