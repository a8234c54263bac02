"""The real workbench on its sandbox in a process of its own, and a Chromium that looks at it."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from perplexity_connector.host import ConnectionStore
from perplexity_connector.workbench.server import WorkbenchServer
from tests.host.stage import TOKEN, toy_host

CHROMIUM = Path("/usr/bin/chromium")
# The new tab of each context would load the two pages of an address bar, which takes longer than ours; and there would
# be a spare process for the next page. The last of these lists counts: the first names are Playwright's own.
UNUSED = [
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
]
FLAGS = [
    f"--disable-features={','.join(UNUSED)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
SEARCH, CHAT = "perplexity/execute_search", "perplexity/create_chat_completion"
_SECONDS = 30

Open = Callable[..., Page]


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """Where a workbench can be entered, and the sandbox behind it."""

    address: str
    sandbox: str = ""
    single_address: str = ""

    @property
    def origin(self) -> str:
        """The address without its token."""
        return self.address.partition("/#")[0]

    def billed(self) -> list[Any]:
        """The runs that the sandbox has begun, in order."""
        runs: list[Any] = httpx.get(f"{self.sandbox}/sandbox/state").json()["runs"]
        return runs


@contextmanager
def sandboxed(folder: Path) -> Iterator[Workbench]:
    """A workbench as a user starts it."""
    command = [
        sys.executable,
        "-m",
        "perplexity_connector",
        "workbench",
        "--sandbox",
        "--no-browser",
    ]
    own = {**os.environ, "AUTOMATION_HOST_HOME": str(folder / "home")}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        guard = threading.Timer(_SECONDS, process.kill)
        guard.start()
        assert process.stdout is not None
        assert process.stderr is not None
        address = re.search(
            r"http://\S+", next(line for line in process.stdout if "http://" in line)
        )
        sandbox = re.search(
            r"http://[^\s)]+",
            next(line for line in process.stderr if "http://" in line),
        )
        guard.cancel()
        assert address is not None
        assert sandbox is not None
        # Nothing more is said, but a full pipe would stop the process.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            yield Workbench(address=address[0], sandbox=sandbox[0])
        finally:
            process.terminate()


@contextmanager
def with_the_toy(folder: Path, port: int = 0) -> Iterator[Workbench]:
    """A workbench of this process whose host has the toy too."""
    listening = threading.Event()
    host = toy_host(store=ConnectionStore(folder, {}), environ={"TOY_TOKEN": TOKEN})
    server = WorkbenchServer(
        host, port=port, sandbox=False, ready=lambda _: listening.set()
    )
    thread = threading.Thread(target=server.serve_until_stopped, daemon=True)
    thread.start()
    try:
        assert listening.wait(_SECONDS)
        yield Workbench(address=server.address, single_address=server.single_address)
    finally:
        server.should_exit = True
        thread.join()


# One a module: Playwright's event loop would be in the way of the tests of other rooms.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for the tests of a module."""
    if not CHROMIUM.exists():
        pytest.fail(f"These tests need {CHROMIUM}: apt-get install chromium")
    expect.set_options(timeout=_SECONDS * 1000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """The workbench for all of these tests."""
    with sandboxed(tmp_path_factory.mktemp("workbench")) as started:
        yield started


@pytest.fixture
def open_page(browser: Browser, workbench: Workbench) -> Iterator[Open]:
    """Opens the page; no request of it may leave its origin, and its script may not break."""
    contexts, strays, broken = [], [], []

    def open_it(where: Workbench = workbench, **options: Any) -> Page:
        context = browser.new_context(
            viewport=options.pop("viewport", {"width": 1400, "height": 900}), **options
        )
        contexts.append(context)
        page: Any = context.new_page()
        page.set_default_timeout(_SECONDS * 1000)
        page.on(
            "request",
            lambda request: is_of(request.url, where) or strays.append(request.url),
        )
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and broken.append(message.text),
        )
        page.goto(where.address)
        expect(page.locator(".palette-card").first).to_be_visible()
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert strays == []
    assert broken == []


@pytest.fixture
def page(open_page: Open) -> Page:
    """The page of the workbench, wide and light."""
    return open_page()


def is_of(url: str, workbench: Workbench) -> bool:
    """Whether a request stays in the page's own origin; what the page holds in itself is no request."""
    return url.startswith(
        (f"{workbench.origin}/", "data:", f"blob:{workbench.origin}/")
    )
