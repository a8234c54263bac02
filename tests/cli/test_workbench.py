"""`workbench`: the server that the command starts, and the browser that it opens."""

import html
import os
import signal
import socket
import stat
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx
import pytest

from perplexity_connector.cli import hosts
from perplexity_connector.host import HostOptions
from perplexity_connector.workbench.server import WorkbenchServer
from tests.cli.conftest import Command
from tests.cli.fakes import DESCRIPTION, FakeHost
from tests.cli.ledger import FakeLedger
from tests.host.stage import toy_host
from tests.workbench.entering import exchange, session_header

Visit = Callable[[Callable[[httpx.Client, str], Any]], list[Any]]


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Stands in for the browser: once it is opened, does what it is told, notes what that gave, and presses Ctrl-C."""

    def told(work: Callable[[httpx.Client, str], Any]) -> list[Any]:
        notes: list[Any] = []

        def visited(place: str) -> None:
            try:
                file = Path(url2pathname(urlsplit(place).path))
                address = html.unescape(file.read_text(encoding="utf-8")).split('"')[-2]
                url = address.partition("/#")[0]
                headers = {"Origin": url, **session_header(address)}
                with httpx.Client(base_url=url, headers=headers, timeout=20) as page:
                    notes.append(file)
                    notes.append(work(page, address))
            finally:
                os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(webbrowser, "open", visited)
        return notes

    return told


def test_a_browser_is_opened_without_a_token_in_its_arguments(
    command: Command,
    visit: Visit,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a file that only the user can read, which works once and is gone in the end; the printed link works always."""
    asked: list[HostOptions] = []

    def make(options: HostOptions) -> Any:
        asked.append(options)
        return toy_host()

    monkeypatch.setattr(hosts, "make_host", make)

    def work(page: httpx.Client, address: str) -> Any:
        (file,) = notes
        modes = [stat.S_IMODE(one.stat().st_mode) for one in (file, file.parent)]
        sandbox = page.get("/api/catalogue").json()["sandbox"]
        return sandbox, modes, address, exchange(address).status_code

    notes = visit(work)
    outcome = command("workbench")
    file, (sandbox, modes, address, second) = notes
    assert (sandbox, second) == (False, 401)
    if sys.platform != "win32":
        assert modes == [0o600, 0o700]
    assert not file.exists()
    assert outcome.code == 0
    assert outcome.err == ""
    (printed,) = [word for word in outcome.out.split() if "#token=" in word]
    assert printed != address
    assert asked == [{"ledger": ledger}]


def test_the_sandbox_gets_no_key_but_a_test_key(
    command: Command, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the environment's connection; the store is empty, and a folder of its own that is gone afterwards."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-a-real-one")
    step = {
        "id": "one",
        "connector": "perplexity",
        "action": "execute_search",
        "input": {"query": "moon"},
    }

    def work(page: httpx.Client, _: str) -> Any:
        flow = {"flow_version": 1, "steps": [step]}
        test = {"connector": "perplexity", "connection": None}
        kept = {
            "connector": "perplexity",
            "fields": {"connection_name": "Mine", "api_key": "pplx-test-good"},
        }
        return [
            page.get("/api/catalogue").json()["sandbox"],
            page.get("/api/connections").json()["connections"],
            page.post("/api/connections/test", json=test).json()["status"]["outcome"],
            page.post("/api/connections", json=kept).json()["status"]["outcome"],
            page.post("/api/runs", json={"flow": flow}).text.count(
                '"status": "succeeded"'
            ),
        ]

    notes = visit(work)
    outcome = command("workbench", "--sandbox")
    assert notes[1:] == [[True, [], "ok", "ok", 2]]
    assert outcome.code == 0
    assert outcome.err.startswith(
        "Running against a private sandbox (http://127.0.0.1:"
    )
    assert command("connections", "--json").out.strip() == "[]"


def test_a_sandbox_wants_a_connector_that_can_be_pointed_at_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2."""
    monkeypatch.setattr(hosts, "make_host", lambda _: FakeHost(entries=()))
    outcome = command("workbench", "--sandbox", "--no-browser")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


def test_a_sandbox_leaves_out_connectors_that_have_none(
    command: Command, ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are named. The others get test credentials, in variables of their own, and a pace to watch."""
    asked: list[HostOptions] = []
    host: Any = FakeHost()
    toy = DESCRIPTION["connector"]
    monkeypatch.setattr(
        host, "connectors", lambda: [toy | {"id": "b", "sandbox": None}, toy]
    )
    monkeypatch.setenv("TOY_KEY", "a-real-key")

    def make(options: HostOptions) -> Any:
        asked.append(options)
        return host

    monkeypatch.setattr(hosts, "make_host", make)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = command("workbench", "--sandbox", "--no-browser", "--port", port)
    assert outcome.err.startswith("b ")
    options = asked[-1]
    assert list(options["connectors"] or ()) == ["toy"]
    assert options["environ"] == {"TOY_KEY": "test-good"}
    assert (options["ledger"], options["sandbox"]) == (ledger, True)
    assert "0.03" in (options["settings"] or {})["toy"]["base_url"]


def test_a_port_that_is_taken_is_said(command: Command) -> None:
    """Exit code 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = command(
            "workbench", "--no-browser", "--port", str(taken.getsockname()[1])
        )
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


def test_no_browser_is_opened_where_none_is_wanted(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is printed all the same."""
    opened: list[str] = []
    start = WorkbenchServer.startup

    async def start_and_stop(
        server: WorkbenchServer, sockets: list[socket.socket] | None = None
    ) -> None:
        await start(server, sockets)
        server.should_exit = True

    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(WorkbenchServer, "startup", start_and_stop)
    outcome = command("workbench", "--no-browser")
    assert (outcome.code, outcome.err, opened) == (0, "", [])
    assert "http://127.0.0.1:" in outcome.out


def test_the_address_through_a_proxy_or_a_tunnel_is_printed_too(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TLS, but for a tunnel, which ends on the reader's own machine; each with the token."""
    start = WorkbenchServer.startup

    async def start_and_stop(
        server: WorkbenchServer, sockets: list[socket.socket] | None = None
    ) -> None:
        await start(server, sockets)
        server.should_exit = True

    monkeypatch.setattr(WorkbenchServer, "startup", start_and_stop)
    names = ("bench.example.org", "localhost:9000", "localhost")
    options = [part for name in names for part in ("--allow-host", name)]
    outcome = command("workbench", "--no-browser", *options)
    own, *others = [word for word in outcome.out.split() if "#token=" in word]
    page, token = own.split("#")
    port = urlsplit(page).port
    assert others == [
        f"https://bench.example.org/#{token}",
        f"http://localhost:9000/#{token}",
        f"http://localhost:{port}/#{token}",
    ]


@pytest.mark.parametrize("name", ["", "https://x.example", "x y", "*", "x/"])
def test_an_allowed_host_must_be_a_name(command: Command, name: str) -> None:
    """Exit code 2, before anything is served."""
    outcome = command("workbench", "--no-browser", "--allow-host", name)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_without_a_browser_a_process_serves_until_ctrl_c() -> None:
    """It ends with 0, and without a word."""
    command = [
        sys.executable,
        "-m",
        "perplexity_connector",
        "workbench",
        "--no-browser",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as running:
        assert running.stdout
        address = next(
            word
            for word in running.stdout.readline().split()
            if word.startswith("http://127.0.0.1:")
        )
        assert [exchange(address).status_code for _ in range(2)] == [200, 200]
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (0, "")
