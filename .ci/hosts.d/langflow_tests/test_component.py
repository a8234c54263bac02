"""The nodes with `lfx` alone: found through the entry point, drawn, run on the sandbox, called as tools."""

import asyncio
import json
from collections.abc import Mapping

import pytest
from lfx.components.input_output import ChatInput, ChatOutput
from lfx.custom.utils import create_component_template
from lfx.extension.loader import load_installed_extensions
from lfx.graph import Graph
from lfx.schema import DataFrame, Message

from perplexity_connector.sandbox import GOOD_KEY, Sandbox

QUESTION = "How far away is the Moon?"


@pytest.fixture(scope="session")
def nodes() -> Mapping[str, type]:
    """The classes of our bundle, as Langflow loads them at its start."""
    (bundle,) = [
        found
        for found in load_installed_extensions()
        if found.bundle == "perplexity_connector"
    ]
    assert not bundle.errors
    return {component.class_name: component.klass for component in bundle.components}


@pytest.fixture(autouse=True)
def _on_the_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPLEXITY_BASE_URL", sandbox.url)
    monkeypatch.delenv("PERPLEXITY_API_KEY", raising=False)


def test_both_actions_are_drawn_from_their_schemas(nodes: Mapping[str, type]) -> None:
    """A table for the messages, drop-downs for choices, a secret for the key; handles of the right types."""
    chat, _ = create_component_template(
        component_extractor=nodes["CreateChatCompletion"]()
    )
    form = chat["template"]
    assert (
        form["messages"]["type"],
        form["api_key"]["password"],
        form["model"]["combobox"],
    ) == ("table", True, True)
    assert form["messages_next"]["input_types"] == ["Message"]
    assert form["search_recency_filter"]["options"][:2] == ["Not set", "Past hour"]
    assert (form["temperature"]["value"], form["max_tokens"]["type"]) == ("", "int")
    assert [(output["name"], output["types"]) for output in chat["outputs"]] == [
        ("text", ["Message"]),
        ("output", ["JSON"]),
    ]
    search, _ = create_component_template(component_extractor=nodes["ExecuteSearch"]())
    assert search["template"]["query"]["input_types"] == ["Message"]
    assert search["outputs"][0]["types"] == ["Table"]


def test_no_key_stands_in_what_a_node_shows(nodes: Mapping[str, type]) -> None:
    """Neither in its text nor in what Langflow traces of it."""
    node = nodes["ExecuteSearch"](query="moon", api_key=GOOD_KEY)
    assert GOOD_KEY not in repr(node) + str(node) + json.dumps(
        node.get_trace_as_metadata(), default=str
    )
    assert GOOD_KEY not in json.dumps(node.get_trace_as_inputs(), default=str)


def test_a_search_fills_a_data_frame(nodes: Mapping[str, type]) -> None:
    """One row for each page, its columns those of the schema."""
    rows = asyncio.run(
        nodes["ExecuteSearch"](query="moon distance", api_key=GOOD_KEY).as_rows()
    )
    assert isinstance(rows, DataFrame)
    assert {"title", "url", "snippet", "date", "query", "rank"} <= set(rows.columns)
    assert "https://moon.example/distance" in set(rows["url"])


def test_a_flow_feeds_a_question_in_and_an_answer_out(
    nodes: Mapping[str, type], sandbox: Sandbox
) -> None:
    """Chat Input, our node, Chat Output: run as Langflow runs a flow, paid once."""
    before = sandbox.billed_runs
    ask = ChatInput(_id="ask").set(input_value=QUESTION, should_store_message=False)
    node = nodes["CreateChatCompletion"](_id="chat").set(
        messages_next=ask.message_response, api_key=GOOD_KEY
    )
    answer = ChatOutput(_id="answer").set(
        input_value=node.as_message, should_store_message=False
    )
    graph = Graph(ask, answer)

    async def run() -> list[object]:
        return [result async for result in graph.async_start()]

    results = asyncio.run(run())
    last = next(
        r for r in results if getattr(getattr(r, "vertex", None), "id", "") == "answer"
    )
    message = last.result_dict.results["message"]  # type: ignore[attr-defined]
    assert isinstance(message, Message)
    assert "384,400 km" in message.text
    assert "https://moon.example/distance" in message.text
    assert sandbox.billed_runs == before + 1


def test_an_agent_is_given_one_tool_for_each_action(nodes: Mapping[str, type]) -> None:
    """Its only argument is what an agent should say; its answer is text."""
    (tool,) = asyncio.run(nodes["ExecuteSearch"](api_key=GOOD_KEY).to_toolkit())
    assert list(tool.args) == ["query"]
    told = asyncio.run(tool.ainvoke({"query": "moon distance"}))
    assert "https://moon.example/distance" in str(told)


def test_a_run_that_fails_says_where(nodes: Mapping[str, type]) -> None:
    """The field, what is wrong with it, and the code."""
    with pytest.raises(Exception, match="/max_results: ") as raised:
        asyncio.run(
            nodes["ExecuteSearch"](
                query="moon", max_results=50, api_key=GOOD_KEY
            ).as_data()
        )
    assert raised.value.code == "invalid_input"  # type: ignore[attr-defined]
