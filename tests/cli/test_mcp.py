"""`perplexity-connector mcp`: what it takes, what it refuses; what it serves is in tests/adapters/mcp."""

import asyncio
import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from mcp import Client

from perplexity_connector.adapters import mcp as adapter
from perplexity_connector.cli import mcp, output
from perplexity_connector.contract import ConnectorError, ErrorCode
from tests.cli.conftest import Command
from tests.cli.fakes import DESCRIPTION, FakeHost
from tests.cli.ledger import FakeLedger

KEY = "pplx-test-good"
SEARCH: dict[str, Any] = {"query": "moon distance"}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No connection and no token in the environment; logging as it was."""
    for variable in ("PERPLEXITY_API_KEY", "PERPLEXITY_BASE_URL", mcp.TOKEN):
        monkeypatch.delenv(variable, raising=False)
    root = logging.getLogger()
    handlers, filters = (
        list(root.handlers),
        [list(handler.filters) for handler in root.handlers],
    )
    yield
    root.handlers[:] = handlers
    for handler, kept in zip(handlers, filters, strict=True):
        handler.filters[:] = kept


def visited(monkeypatch: pytest.MonkeyPatch, results: list[bool | None]) -> None:
    """Searches once with every server that says where it is, keeps whether that failed, and presses Ctrl-C."""
    say: Callable[[str], None] = output.say

    async def search(url: str) -> None:
        async with Client(url) as client:
            results.append((await client.call_tool("execute_search", SEARCH)).is_error)

    def visit(url: str) -> None:
        try:
            asyncio.run(search(url))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    def tell(line: str) -> None:
        say(line)
        url = next(
            word for word in line.replace(";", "").split() if word.startswith("http")
        )
        threading.Thread(target=visit, args=[url]).start()

    monkeypatch.setattr(mcp, "say", tell)


def test_it_serves_a_private_sandbox_over_http_until_ctrl_c(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no key at all; it says where it is, on stderr, and ends as it should."""
    results: list[bool | None] = []
    visited(monkeypatch, results)
    outcome = command("mcp", "--http", "0", "--sandbox")
    assert (outcome.code, outcome.out) == (0, "")
    assert "Serving MCP at http://127.0.0.1:" in outcome.err
    assert results == [False]


def test_a_stored_connection_is_used_by_its_name(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its case; the key stands nowhere."""
    assert command("connect", "Mine", "--no-test", stdin=f"{KEY}\n".encode()).code == 0
    given: list[adapter.Connections] = []
    make_server = adapter.make_server

    def make(host: object, connections: adapter.Connections, **more: Any) -> object:
        given.append(connections)
        return make_server(host, connections, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(adapter, "make_server", make)
    results: list[bool | None] = []
    visited(monkeypatch, results)
    monkeypatch.setenv("PERPLEXITY_BASE_URL", "http://127.0.0.1:9")
    outcome = command("mcp", "--http", "0", "--connection", "mine")
    assert (outcome.code, given, results) == (0, [{"perplexity": "Mine"}], [True])
    assert KEY not in outcome.err


def test_without_a_port_it_serves_its_own_client(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over stdin and stdout."""
    served: list[Any] = []

    async def serve_stdio(server: object) -> None:
        served.append(server)

    monkeypatch.setattr(adapter, "serve_stdio", serve_stdio)
    outcome = command("mcp")
    assert (outcome.code, outcome.out, outcome.err, len(served)) == (0, "", "", 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--http", "0", "--host", "192.0.2.1"], mcp.TOKEN),
        (["--connection", "no-such"], "none"),
        (["--connection", "Mine", "--sandbox"], "--sandbox"),
        (["--host", "127.0.0.1"], "--http"),
        (["--allow-host", "tools.example"], "--http"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_what_cannot_be_served_so_is_a_mistake_of_usage(
    command: Command, arguments: list[str], told: str
) -> None:
    """It says what to do instead."""
    outcome = command("mcp", *arguments)
    assert outcome.code == 2
    assert told in outcome.err


@pytest.mark.parametrize("token", ["two words", " ", "s\u00e9same"])
def test_a_token_that_no_client_can_send_is_a_mistake_of_usage(
    command: Command, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    """At the start, by the name of its variable and without the token."""
    monkeypatch.setenv(mcp.TOKEN, token)
    outcome = command("mcp", "--http", "0")
    assert outcome.code == 2
    assert mcp.TOKEN in outcome.err
    assert token.strip() not in outcome.err or not token.strip()


def test_the_operators_options_reach_the_server(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for each call, and further names."""
    given: list[Any] = []
    make_server = adapter.make_server

    def make(*what: object, timeout: float | None) -> object:
        given.append(timeout)
        return make_server(*what)  # type: ignore[arg-type]

    async def serve_http(
        server: object, options: adapter.HttpOptions, ready: object
    ) -> None:
        del server, ready
        given.extend(options.names)

    monkeypatch.setattr(adapter, "make_server", make)
    monkeypatch.setattr(adapter, "serve_http", serve_http)
    names = ("--allow-host", "tools.example", "--allow-host", "host.docker.internal")
    assert command("mcp", "--http", "0", "--timeout", "30", *names).code == 0
    assert given == [30, "tools.example", "host.docker.internal"]


def test_a_port_that_is_taken_is_a_mistake_of_usage(command: Command) -> None:
    """Another one has to be chosen."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = command("mcp", "--http", str(taken.getsockname()[1]))
    assert outcome.code == 2


def test_a_connector_without_a_sandbox_is_never_reached_for_real(
    command: Command, host: FakeHost
) -> None:
    """The server does not start, rather than mix a sandbox and a real service."""
    host.description = {"connector": {"id": "toy", "sandbox": None}}
    assert command("mcp", "--sandbox").code == 2


def test_with_a_sandbox_only_connectors_that_have_one_are_served(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others are named on stderr: a call would reach their real service."""

    async def serve_stdio(server: object) -> None:
        del server

    other = {"id": "other\x1b", "sandbox": None}
    monkeypatch.setattr(adapter, "serve_stdio", serve_stdio)
    monkeypatch.setattr(host, "connectors", lambda: [other, DESCRIPTION["connector"]])
    host.entries = ()
    outcome = command("mcp", "--sandbox")
    assert outcome.code == 0
    assert outcome.err.startswith("other ")
    assert host.options[0] == {}
    assert list(host.options[-1]["connectors"] or ()) == ["toy"]
    assert host.options[-1]["sandbox"]
    assert host.options[-1]["ledger"] is ledger


def test_without_the_extra_it_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line; v1 of the SDK does not do."""
    monkeypatch.setattr(
        mcp, "find_spec", lambda name: None if name == "mcp_types" else find_spec(name)
    )
    outcome = command("mcp")
    assert (outcome.code, outcome.out) == (1, "")
    assert "perplexity-connector[mcp]" in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_log_is_one_line_without_a_traceback_or_control_characters(
    command: Command,
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A traceback may hold what a client sent, and a name in a manifest may rewrite the screen."""

    async def serve_stdio(server: object) -> None:
        del server
        try:
            int("input")
        except ValueError:
            logging.getLogger("mcp").exception("%s broke\nin two lines.", "\x1b[2Jit")

    logging.getLogger().handlers.clear()
    monkeypatch.setattr(adapter, "serve_stdio", serve_stdio)
    monkeypatch.setattr(host, "connectors", list)
    host.entries = [{"connector": "toy", "action": "\x1b]0;look\x07"}]
    host.description = ConnectorError(ErrorCode.INTERNAL, "No \x1b[31mschema.")
    lines = command("mcp").err.splitlines()
    assert len(lines) == 2
    assert not re.search("[\x00-\x1f]", "".join(lines))
    assert "look is left out" in lines[0]
    assert lines[1] == "ERROR: [2Jit broke in two lines."
