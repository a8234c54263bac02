"""The workbench on the sandbox: only what is stopped in the page is stopped at the provider."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from perplexity_connector.host import ConnectionStore, Host
from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from perplexity_connector.workbench.server import WorkbenchServer
from tests.workbench.entering import session_header


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One that takes its time with each event."""
    with Sandbox(delta_seconds=0.01) as sandbox:
        yield sandbox


@contextmanager
def workbench(
    sandbox: Sandbox, folder: Path
) -> Iterator[tuple[WorkbenchServer, httpx.Client]]:
    """A workbench on that sandbox, and a client that is its page; at the end everything of it is over."""
    host = Host(
        settings={"perplexity": {"base_url": sandbox.url}},
        environ={"PERPLEXITY_API_KEY": GOOD_KEY},
        store=ConnectionStore(folder, {}),
    )
    listening = threading.Event()
    server = WorkbenchServer(
        host, port=0, sandbox=True, ready=lambda _: listening.set()
    )
    thread = threading.Thread(target=server.serve_until_stopped, daemon=True)
    thread.start()
    assert listening.wait(20)
    url = server.address.partition("/#")[0]
    headers = {"Origin": url, **session_header(server.address)}
    with httpx.Client(base_url=url, headers=headers, timeout=20) as page:
        try:
            yield server, page
        finally:
            server.should_exit = True
            thread.join()


def asked(words: str) -> Any:
    """A run of one question."""
    messages = [{"role": "user", "content": words}]
    step = {"id": "ask", "connector": "perplexity", "action": "create_chat_completion"}
    return {
        "flow": {
            "flow_version": 1,
            "steps": [step | {"input": {"model": "sonar", "messages": messages}}],
        }
    }


def cancelled(sandbox: Sandbox) -> bool:
    """Whether the one run that was paid for was cancelled at the provider."""
    posts = [request.path for request in sandbox.requests if request.method == "POST"]
    return sandbox.billed_runs == 1 and len(posts) == 2 and posts[1].endswith("/cancel")


def test_text_arrives_in_many_pieces_and_adds_up(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The packets of the answer are read one by one, as the provider sends them."""
    with (
        workbench(sandbox, tmp_path) as (_, page),
        page.stream("POST", "/api/runs", json=asked("sandbox:slow")) as run,
    ):
        packets = list(run.iter_raw())
    items = [json.loads(line) for line in b"".join(packets).splitlines()]
    assert len(packets) > 50
    texts = [item["text"] for item in items if item["type"] == "text.delta"]
    assert "".join(texts) == items[-2]["envelope"]["output"]["content"]


def test_a_run_whose_page_leaves_goes_on_at_the_provider(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Another page gets its whole answer; it was paid for once."""
    flow_id = f"flow_{'0' * 32}"
    run = {**asked("sandbox:slow"), "flow_id": flow_id}
    with workbench(sandbox, tmp_path) as (_, page):
        with page.stream("POST", "/api/runs", json=run) as answer:
            first = next(answer.iter_lines())
        lines = page.get(f"/api/flow-runs/{flow_id}/items").text.splitlines()
    assert lines[0] == first
    assert json.loads(lines[-1])["status"] == "succeeded"
    assert [one.path for one in sandbox.requests if one.path.endswith("/cancel")] == []
    assert sandbox.billed_runs == 1


@pytest.mark.parametrize("way", ["cancel", "end"])
def test_a_run_that_is_stopped_is_cancelled_at_the_provider(
    sandbox: Sandbox, tmp_path: Path, way: str
) -> None:
    """By asking, or by ending the server; it was paid for once."""
    with (
        workbench(sandbox, tmp_path) as (server, page),
        page.stream("POST", "/api/runs", json=asked("sandbox:slow")) as run,
    ):
        lines = run.iter_lines()
        run_id = json.loads(next(lines))["run_id"]
        assert any('"text.delta"' in line for line in lines)
        if way == "cancel":
            assert page.post(f"/api/runs/{run_id}/cancel").json() == {"cancelled": True}
        if way == "end":
            server.should_exit = True
        *_, finished, last = map(json.loads, lines)
        assert finished["envelope"]["status"] == last["status"] == "cancelled"
        assert finished["envelope"]["partial"]["content"]
    assert cancelled(sandbox)
