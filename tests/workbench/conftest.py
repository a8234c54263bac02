"""A workbench on a free port, over a host with the toy in it, and a page that has its session."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from perplexity_connector.host import ConnectionStore, Host, Ledger
from perplexity_connector.workbench.server import WorkbenchServer
from tests.host.stage import TOKEN, toy_host
from tests.toy.toy import ToyPlugin
from tests.workbench.entering import session_header


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A running workbench: its server, its host, its saved flows, and a client that came in by the address."""

    server: WorkbenchServer
    host: Host
    page: httpx.Client
    url: str
    flows: Path
    thread: threading.Thread

    def end(self) -> None:
        """End the server, as Ctrl-C does."""
        self.server.should_exit = True
        self.thread.join()

    def call(self, method: str, path: str, document: Any = None) -> httpx.Response:
        """What the page's own script would get."""
        return self.page.request(
            method, path, json=document, headers={"Origin": self.url}
        )

    def get(self, path: str) -> Any:
        """The JSON of an answer that must be good."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, document: Any) -> Any:
        """The JSON of an answer that must be good."""
        answer = self.call("POST", path, document)
        assert answer.status_code == 200, answer.text
        return answer.json()


Serve = Callable[..., Bench]


def page_in(folder: Path) -> Path:
    """A page of two files in a folder there, and a file beside it that is nobody's business."""
    static = folder / "static"
    static.mkdir()
    (static / "index.html").write_text(
        "<!doctype html><title>Workbench</title>", encoding="utf-8"
    )
    (static / "app.js").write_text("export {};", encoding="utf-8")
    (folder / "secret.txt").write_text("secret", encoding="utf-8")
    return static


@contextmanager
def served(folder: Path) -> Iterator[Serve]:
    """Serves workbenches until the end of the block, each with the plugin that it is given."""
    static = page_in(folder)
    with ExitStack() as stack:

        def start(
            plugin: ToyPlugin | None = None,
            *allowed: str,
            ledger: Ledger | None = None,
        ) -> Bench:
            plugin = plugin or ToyPlugin()
            host = toy_host(
                plugin,
                store=ConnectionStore(folder / "store", {}),
                environ={"TOY_TOKEN": TOKEN},
                ledger=ledger,
            )
            listening = threading.Event()
            server = WorkbenchServer(
                host,
                port=0,
                sandbox=False,
                ready=lambda _: listening.set(),
                static=static,
                allowed=allowed,
                flows=folder / "flows",
                ledger=ledger,
            )
            thread = threading.Thread(target=server.serve_until_stopped, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)
            assert listening.wait(20)
            url = server.address.partition("/#")[0]
            headers = session_header(server.address)
            page = stack.enter_context(
                httpx.Client(base_url=url, headers=headers, timeout=20)
            )
            return Bench(
                server=server,
                host=host,
                page=page,
                url=url,
                flows=folder / "flows",
                thread=thread,
            )

        yield start


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves workbenches until the end of the test."""
    with served(tmp_path) as start:
        yield start


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger in a file, in which nothing is recorded."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield ledger
    ledger.close()


@pytest.fixture
def bench(serve: Serve) -> Bench:
    """A workbench over the toy, and nothing stored in it."""
    return serve()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A workbench with a ledger, for all tests of a module that change nothing."""
    folder = tmp_path_factory.mktemp("guarded")
    ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    with served(folder) as start:
        yield start(ledger=ledger)
    ledger.close()
