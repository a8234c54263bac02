"""docs/embedding.md is true: each of its blocks runs against a sandbox, and those for a framework are called by it."""

import ast
import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from perplexity_connector.host import SyncHost
from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.paths import ROOT
from tests.readme_blocks import Block, blocks_of

BLOCKS = blocks_of(ROOT / "docs" / "embedding.md")
SCRIPTS = [block for block in BLOCKS if not block.mark]
(FASTAPI, FLASK, CELERY, NOTEBOOK) = (block for block in BLOCKS if block.mark)
QUESTION = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox in Perplexity's place, and its key."""
    with Sandbox() as sandbox:
        monkeypatch.setenv("PERPLEXITY_BASE_URL", sandbox.url)
        monkeypatch.setenv("PERPLEXITY_API_KEY", GOOD_KEY)
        yield sandbox


def names_of(block: Block) -> dict[str, Any]:
    """What a block defines, once it has run."""
    names: dict[str, Any] = {"__name__": "block"}
    exec(compile(block.code, f"docs/embedding.md {block.mark}", "exec"), names)  # noqa: S102 - our own document
    return names


@pytest.mark.parametrize("block", SCRIPTS, ids=range(len(SCRIPTS)))
def test_a_block_runs_as_it_is_printed(
    block: Block, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says something, and nothing failed in it."""
    names_of(block)
    said = capsys.readouterr().out
    assert said or "problems" in block.code
    assert "failed" not in said
    assert "pplx-" not in said


def test_the_blocks_of_the_page_are_all_run() -> None:
    """An empty list would make the tests above say nothing."""
    assert len(SCRIPTS) == 8
    assert {block.language for block in BLOCKS} == {"python"}


def last_item(text: str) -> Any:
    """The last of some server-sent events."""
    return json.loads(text.strip().rpartition("data: ")[2])


def test_fastapi_streams_an_answer_and_stops_it() -> None:
    """Over one host, which is open as long as the application."""
    with TestClient(names_of(FASTAPI)["app"]) as client:
        answer = client.post("/chats/one", json=QUESTION)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert last_item(answer.text)["envelope"]["output"]["content"]
        assert client.delete("/chats/one").json() is False


def opened(names: dict[str, Any]) -> SyncHost:
    """The host that a block has opened, for the test to close it."""
    host = names["host"]()
    assert isinstance(host, SyncHost)
    return host


def test_flask_searches_and_streams_an_answer() -> None:
    """Over one host of the process."""
    names = names_of(FLASK)
    client = names["app"].test_client()
    try:
        found = client.post("/search", json={"query": "moon distance"}).get_json()
        assert found["status"] == "succeeded"
        text = client.post("/chat", json=QUESTION).get_data(as_text=True)
        assert last_item(text)["envelope"]["status"] == "succeeded"
    finally:
        opened(names).__exit__(None, None, None)


@pytest.mark.parametrize(
    ("query", "status", "runs"),
    [
        ("moon distance", "succeeded", 1),
        ("sandbox:unavailable moon", "failed", 4),
        ("x" * 9000, "failed", 1),
    ],
)
def test_celery_repeats_what_may_be_repeated(
    monkeypatch: pytest.MonkeyPatch, query: str, status: str, runs: int
) -> None:
    """A passing failure up to its own limit; a wrong input never. The host does not repeat by itself."""
    names = names_of(CELERY)
    asked: list[int] = []
    run = SyncHost.run

    def counted(host: SyncHost, *step: Any, **options: Any) -> Any:
        asked.append(options["attempt"])
        return run(host, *step, **options)

    monkeypatch.setattr(SyncHost, "run", counted)
    try:
        envelope = names["search"].apply(args=[query]).get()
    finally:
        opened(names).__exit__(None, None, None)
    assert envelope["status"] == status
    assert asked == list(range(1, runs + 1))


def test_a_notebooks_cell_runs() -> None:
    """With `await` outside a function, as IPython has it."""
    code = compile(
        NOTEBOOK.code, "notebook", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )

    async def cell() -> Any:
        names: dict[str, Any] = {}
        await eval(code, names)  # noqa: S307 - our own document
        return names["found"]

    assert asyncio.run(cell())["status"] == "succeeded"
