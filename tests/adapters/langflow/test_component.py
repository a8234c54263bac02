"""The nodes, over a stand-in for Langflow's classes; `.ci/hosts` runs the same with Langflow itself."""

import asyncio
import importlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr

from perplexity_connector.adapters import langflow
from perplexity_connector.host import Host
from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.paths import ROOT

QUESTION = "How far away is the Moon?"


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The two nodes, as Langflow loads them."""
    monkeypatch.syspath_prepend(Path(__file__).with_name("stand_in"))
    return importlib.import_module(
        "perplexity_connector.adapters.langflow.bundle.perplexity"
    )


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that the nodes speak to."""
    with Sandbox() as running:
        monkeypatch.setenv("PERPLEXITY_BASE_URL", running.url)
        monkeypatch.delenv("PERPLEXITY_API_KEY", raising=False)
        yield running


def test_the_extension_is_what_the_connector_is() -> None:
    """Its file says the same version and name as the manifest, and the entry point leads to it."""
    folder = Path(langflow.__file__).parent
    extension = json.loads((folder / "extension.json").read_text(encoding="utf-8"))
    manifest = Host().describe("perplexity", "execute_search")["connector"]
    assert extension["version"] == manifest["version"]
    assert extension["bundles"][0]["display_name"] == manifest["title"]
    assert (folder / extension["bundles"][0]["path"] / "perplexity.py").is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    assert (
        project["entry-points"]["langflow.extensions"]["perplexity"]
        == langflow.__name__
    )


def test_every_action_of_the_palette_is_a_node(nodes: ModuleType) -> None:
    """With the words of the manifest, and nothing written for it but its name."""
    found = {entry["action"]: entry for entry in Host().actions()}
    for node in (nodes.CreateChatCompletion, nodes.ExecuteSearch):
        entry = found.pop(node.action[1])
        assert (node.display_name, node.description) == (
            entry["title"],
            entry["summary"],
        )
        assert node.documentation.startswith("https://")
    assert not found


def test_a_search_hands_on_rows_text_and_data_of_one_run(
    nodes: ModuleType, sandbox: Sandbox
) -> None:
    """However many outputs are asked for, the provider is asked once; the next run asks again."""
    node = nodes.ExecuteSearch(query="moon distance", api_key=SecretStr(GOOD_KEY))

    async def outputs() -> tuple[object, ...]:
        node._pre_run_setup()
        return await node.as_rows(), await node.as_message(), await node.as_data()

    rows, message, data = asyncio.run(outputs())
    assert rows.rows[0]["rank"] == 1  # type: ignore[attr-defined]
    assert rows.rows[0]["url"] in message.text  # type: ignore[attr-defined]
    assert data.data["results"] == rows.rows  # type: ignore[attr-defined]
    assert node.status is data
    assert len(sandbox.requests) == 1
    asyncio.run(outputs())
    assert len(sandbox.requests) == 2


def test_rows_and_messages_of_other_nodes_fill_the_form(
    nodes: ModuleType, sandbox: Sandbox
) -> None:
    """A table takes data, a text input takes a message."""
    schema = importlib.import_module("lfx.schema")
    before = schema.Data({"role": "System", "content": "Be brief."})
    node = nodes.CreateChatCompletion(
        messages=[before], messages_next=schema.Message(QUESTION), api_key=GOOD_KEY
    )
    message = asyncio.run(node.as_message())
    assert "384,400 km" in message.text
    assert sandbox.billed_runs == 1


def test_an_answer_is_shown_as_it_is_written(
    nodes: ModuleType, sandbox: Sandbox
) -> None:
    """Piece by piece, its sources last; the data comes from the same run."""
    node = nodes.CreateChatCompletion(
        messages_next=QUESTION, stream=True, api_key=GOOD_KEY, shown=True
    )

    async def outputs() -> tuple[object, ...]:
        return await node.as_message(), await node.as_data()

    message, data = asyncio.run(outputs())
    assert len(node.pieces) > 2
    assert node.live == message.text  # type: ignore[attr-defined]
    assert message.text.startswith(data.data["content"])  # type: ignore[attr-defined]
    assert data.data["citations"][0] in node.pieces[-1]  # type: ignore[attr-defined]
    assert sandbox.billed_runs == 1


def test_a_failed_run_raises_in_words_and_shows_no_key(
    nodes: ModuleType, sandbox: Sandbox
) -> None:
    """Streaming or not; the error has the code that Langflow shows beside it."""
    failed = importlib.import_module(
        "perplexity_connector.adapters.langflow.component"
    ).ActionFailedError
    key = "pplx-test-wrong"
    for shown in (False, True):
        node = nodes.CreateChatCompletion(
            messages_next=QUESTION, stream=shown, api_key=SecretStr(key), shown=shown
        )
        with pytest.raises(failed) as raised:
            asyncio.run(node.as_message())
        assert raised.value.code == "invalid_credentials"
        assert key not in str(raised.value) + repr(raised.value) + repr(node)
    assert sandbox.billed_runs == 0
