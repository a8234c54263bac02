"""Blanks, and values that are given as text: one rule through every door of the connector.

The page's door is in tests/workbench/page/test_page_form.py.
"""

import asyncio
import functools
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pluggy
import pytest

from perplexity_connector.__main__ import main
from perplexity_connector.adapters.mcp import make_server
from perplexity_connector.contract import (
    PROJECT_NAME,
    ActionContext,
    ConnectorError,
    ConnectorSpecs,
    Secret,
)
from perplexity_connector.host import Host, SyncHost
from tests.adapters.mcp.stage import Session
from tests.doors.cases import BLANKS, TEXTS, Blanks, Text

# An action, its input, and the fields that are given as text.
Door = Callable[[str, Mapping[str, Any], Mapping[str, str]], list[str]]

KEY = "pplx-test-good"


class Provider(ThreadingHTTPServer):
    """Refuses every request, and keeps its body."""

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Refusal)
        self.bodies: list[str] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def taken(self) -> list[str]:
        """The bodies since the last call, sorted, since queries are sent at the same time."""
        bodies, self.bodies = sorted(self.bodies), []
        return bodies


class _Refusal(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(json.dumps(body, sort_keys=True))
        self.send_response(400)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider of this module."""
    with Provider() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def hosted(provider: Provider) -> Iterator[Mapping[str, Door]]:
    """The ways through one open host, and through one MCP server."""
    environ = {"PERPLEXITY_BASE_URL": provider.url, "PERPLEXITY_API_KEY": KEY}
    server = make_server(Host(environ=environ), {})
    with SyncHost(environ=environ) as host, Session(server, "auto") as client:
        yield {
            "host": functools.partial(_run, host),
            "flow": functools.partial(_run_flow, host),
            "MCP": functools.partial(_call, client),
        }


@pytest.fixture
def doors(
    provider: Provider,
    hosted: Mapping[str, Door],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Mapping[str, Door]:
    """Each way to run an action: gives the pointers of the fields that were refused."""
    monkeypatch.setenv("PERPLEXITY_BASE_URL", provider.url)
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)

    def command(
        action: str, input: Mapping[str, Any], texts: Mapping[str, str]
    ) -> list[str]:
        assignments = [f"{name}={text}" for name, text in texts.items()]
        arguments = ["run", action, *assignments, "--json", "--input"]
        monkeypatch.setattr(sys, "argv", ["", *arguments, json.dumps(input)])
        with pytest.raises(SystemExit):
            main()
        return _refused(json.loads(capsys.readouterr().out)["error"])

    pluggy_door = functools.partial(_run_plainly, provider.url)
    check = functools.partial(_check, provider.url)
    return {
        "plain pluggy": pluggy_door,
        "check": check,
        "command line": command,
        **hosted,
    }


def _refused(error: Any) -> list[str]:
    return sorted(field["pointer"] for field in error["fields"])


@functools.cache
def _plugins() -> pluggy.PluginManager:
    plugins = pluggy.PluginManager(PROJECT_NAME)
    plugins.add_hookspecs(ConnectorSpecs)
    plugins.load_setuptools_entrypoints("automation_host.plugins")
    return plugins


def _connector(url: str) -> Any:
    return _plugins().hook.load_connector(
        connector_id="perplexity", settings={"base_url": url}
    )


def _run_plainly(
    url: str, action: str, input: Mapping[str, Any], texts: Mapping[str, str]
) -> list[str]:
    async def run() -> list[str]:
        async with _connector(url) as connector:
            context = ActionContext(connection={"api_key": Secret(KEY)})
            with pytest.raises(ConnectorError) as refusal:
                await connector.action(action, 1)({**input, **texts}, context)
        return _refused(refusal.value.to_dict())

    return asyncio.run(run())


def _check(
    url: str, action: str, input: Mapping[str, Any], texts: Mapping[str, str]
) -> list[str]:
    """Check an input. Where it is good it is sent, so that this is a door like the others."""
    found = _connector(url).check(action, 1, {**input, **texts})
    refused = sorted(error.pointer for error in found)
    return refused or _run_plainly(url, action, input, texts)


def _run(
    host: SyncHost, action: str, input: Mapping[str, Any], texts: Mapping[str, str]
) -> list[str]:
    envelope = host.run("perplexity", action, {**input, **texts})
    return _refused(envelope["error"])


def _call(
    client: Session, action: str, input: Mapping[str, Any], texts: Mapping[str, str]
) -> list[str]:
    result: Any = client.do(lambda mcp: mcp.call_tool(action, {**input, **texts}))
    return _refused(result.meta["automation-host/envelope"]["error"])


def _run_flow(
    host: SyncHost, action: str, input: Mapping[str, Any], texts: Mapping[str, str]
) -> list[str]:
    step = {"id": "a", "connector": "perplexity", "action": action, "input": input}
    bindings = {f"/{name}": [text] for name, text in texts.items()}
    flow: Any = {"flow_version": 1, "steps": [{**step, "bindings": bindings}]}
    try:
        done: Any = host.run_flow(flow)
    except ConnectorError as error:
        found = _refused(error.to_dict())
        return [pointer.removeprefix("/steps/0/input") for pointer in found]
    return _refused(done["steps"][0]["envelope"]["error"])


@pytest.mark.parametrize("case", BLANKS, ids=lambda case: case.name)
def test_a_blank_counts_as_not_given_at_every_door(
    doors: Mapping[str, Door], provider: Provider, case: Blanks
) -> None:
    """The provider gets the same request as without it; a required one is refused before that."""
    if not case.refused:
        doors["plain pluggy"](case.action, case.counts_as, {})
    expected = provider.taken()
    for name, door in doors.items():
        assert (name, door(case.action, case.input, {})) == (name, case.refused)
        assert (name, provider.taken()) == (name, expected)


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: f"{case.field}={case.text}")
def test_a_door_of_text_reads_it_by_the_schema(
    doors: Mapping[str, Door], provider: Provider, case: Text
) -> None:
    """The provider gets the same request as for the value."""
    doors["plain pluggy"](case.action, case.base | {case.field: case.read_as}, {})
    expected = provider.taken()
    assert expected
    for name in ("command line", "MCP", "flow"):
        base = {key: value for key, value in case.base.items() if key != case.field}
        assert (name, doors[name](case.action, base, {case.field: case.text})) == (
            name,
            [],
        )
        assert (name, provider.taken()) == (name, expected)


def test_the_host_converts_no_text(
    doors: Mapping[str, Door], provider: Provider
) -> None:
    """A caller of the host has types, and so the text is meant."""
    assert doors["host"]("execute_search", {}, {"query": '["moon"]'}) == []
    assert json.loads(provider.taken()[0])["query"] == '["moon"]'
    refused = doors["host"]("execute_search", {"query": "a"}, {"max_results": "5"})
    assert refused == ["/max_results"]
