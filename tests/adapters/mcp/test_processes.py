"""The official client and a server in a process of its own, over both transports and in both eras of the protocol."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client, MCPError, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from perplexity_connector.adapters.mcp.schemas import tool_schema
from perplexity_connector.host import Host
from perplexity_connector.sandbox import Sandbox
from tests.adapters.mcp.stage import (
    CHAT,
    COMMAND,
    ERAS,
    QUESTION,
    SEARCH,
    SLOW,
    WITH_ENVELOPE,
    Progress,
    Served,
    Session,
    environment,
    http,
    in_client,
    stdio,
    stopped_runs,
    until,
)

SENTINEL = "pplx-test-wrong"


Connect = Callable[[str, str], Session]


@contextmanager
def a_server(
    transport: str, sandbox: Sandbox, key: str = "pplx-test-good"
) -> Iterator[StdioServerParameters | str]:
    """A server for a client to connect to."""
    if transport == "stdio":
        yield stdio(sandbox.url, key)
    else:
        with http(sandbox.url, PERPLEXITY_API_KEY=key) as served:
            yield served.url


@pytest.fixture(scope="module")
def connect(module_sandbox: Sandbox) -> Iterator[Connect]:
    """Connects a client over a transport, in an era: one for all tests, since a process takes its time to start."""
    with ExitStack() as stack:

        @cache
        def server(transport: str) -> StdioServerParameters | str:
            return stack.enter_context(a_server(transport, module_sandbox))

        @cache
        def connected(transport: str, mode: str) -> Session:
            return stack.enter_context(Session(server(transport), mode))

        yield connected


def text(result: CallToolResult) -> str:
    """The readable half of a result."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_both_actions_are_listed_and_called(
    sandbox: Sandbox, connect: Connect, transport: str, mode: str
) -> None:
    """Schemas arrive as listed, the output keeps its own, and the text has numbered sources and the cost."""

    async def work(client: Client) -> None:
        tools: Any = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == [CHAT, SEARCH]
        for name, arguments in (
            (CHAT, QUESTION),
            (SEARCH, {"query": ["moon", "jupiter"], "max_results": 2}),
        ):
            action = name.removeprefix("perplexity-")
            schemas = Host().describe("perplexity", action)["schemas"]
            assert tools[name].input_schema == tool_schema(schemas["input"])
            assert tools[name].output_schema == tool_schema(schemas["output"])
            result = await client.call_tool(name, arguments)
            assert not result.is_error
            Draft202012Validator(tools[name].output_schema).validate(
                result.structured_content
            )
            assert "https://moon.example" in text(result)
        assert tools[CHAT].annotations.idempotent_hint is False

    connect(transport, mode).do(work)
    assert sandbox.billed_runs == 1
    assert sandbox.billed_searches == 2


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.usefixtures("sandbox")
def test_the_answer_comes_piece_by_piece(
    connect: Connect, transport: str, mode: str
) -> None:
    """Progress rises; its words after the search are the answer, as it was written."""
    progress = Progress()

    async def work(client: Client) -> CallToolResult:
        return await client.call_tool(CHAT, QUESTION, progress_callback=progress)

    result = connect(transport, mode).do(work)
    assert progress.numbers == sorted(set(progress.numbers))
    assert "".join(map(str, progress.words)).endswith(
        result.structured_content["content"]
    )
    assert len(progress.words) > 20


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_client_that_cancels_stops_the_run_at_the_provider(
    sandbox: Sandbox, connect: Connect, transport: str, mode: str
) -> None:
    """It costs no more, and the server serves on."""
    progress = Progress()

    async def work(client: Client) -> None:
        call = asyncio.create_task(
            client.call_tool(CHAT, SLOW, progress_callback=progress)
        )
        await progress.begun.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert not (await client.call_tool(SEARCH, {"query": "moon"})).is_error
        await asyncio.to_thread(until, lambda: stopped_runs(sandbox) == 1)

    connect(transport, mode).do(work)
    assert sandbox.billed_runs == 1


def test_a_client_that_closes_its_connection_stops_the_run_at_the_provider(
    sandbox: Sandbox, served: Served
) -> None:
    """As n8n's Stop and its time-out do: no cancellation, and the session stays open."""
    script = Path(__file__).with_name("closing_client.mjs")
    with subprocess.Popen(
        ["node", script, served.url, CHAT, json.dumps(SLOW)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdout
        assert client.stdout.readline() == "closed\n"
        until(lambda: stopped_runs(sandbox) == 1)
    assert sandbox.billed_runs == 1


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_errors_say_which_field_and_how_to_mend_it(
    sandbox: Sandbox, connect: Connect, transport: str, mode: str
) -> None:
    """As a tool's error, in words and as data; nothing was sent to the provider."""

    async def work(client: Client) -> CallToolResult:
        with pytest.raises(MCPError):
            await client.call_tool("no_such_tool", {})
        return await client.call_tool(
            CHAT,
            {"model": "r1-1776", "messages": [{"role": "bot", "content": "?"}]},
            meta=WITH_ENVELOPE,
        )

    result: Any = connect(transport, mode).do(work)
    assert result.is_error
    assert result.structured_content is None
    error = result.meta["automation-host/envelope"]["error"]
    assert error["code"] == "invalid_input"
    assert {field["pointer"] for field in error["fields"]} == {
        "/model",
        "/messages/0/role",
    }
    assert "invalid_input" in text(result)
    assert all(
        f"{field['pointer']}: {field['message']}" in text(result)
        for field in error["fields"]
    )
    assert sandbox.requests == []


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_the_key_stands_in_no_answer(sandbox: Sandbox, transport: str) -> None:
    """Not even in the refusal of that key."""

    async def work(client: Client) -> str:
        listed = await client.list_tools()
        result: Any = await client.call_tool(
            SEARCH, {"query": "moon"}, meta=WITH_ENVELOPE
        )
        assert (
            result.meta["automation-host/envelope"]["error"]["code"]
            == "invalid_credentials"
        )
        return listed.model_dump_json() + result.model_dump_json()

    with a_server(transport, sandbox, SENTINEL) as server:
        assert SENTINEL not in in_client(server, work)


def begun(sandbox: Sandbox) -> "subprocess.Popen[str]":
    """A server over stdio whose chat has told of its progress."""
    process = subprocess.Popen(
        COMMAND,
        env=environment(sandbox.url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    client = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    call = {"name": CHAT, "arguments": SLOW, "_meta": {"progressToken": "p"}}
    assert process.stdin
    assert process.stdout
    for message in (
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    ):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    process.stdin.flush()
    assert any("notifications/progress" in line for line in process.stdout)
    return process


@pytest.mark.parametrize("end", ["eof", signal.SIGINT, signal.SIGTERM])
def test_a_server_over_stdio_ends_quietly_and_stops_its_runs(
    sandbox: Sandbox, end: str | signal.Signals
) -> None:
    """When its client leaves, or by a signal, even while the client keeps stdin open: nothing on stderr."""
    with begun(sandbox) as process:
        assert process.stdin
        assert process.stderr
        if isinstance(end, signal.Signals):
            process.send_signal(end)
        else:
            process.stdin.close()
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""
    until(lambda: stopped_runs(sandbox) == 1)


def test_stdout_carries_the_protocol_alone(sandbox: Sandbox) -> None:
    """Every line is a message, also after a line that is none; words for people go to stderr."""
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    with subprocess.Popen(
        [*COMMAND, "--sandbox"],
        env=environment(sandbox.url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(f"not JSON\n{json.dumps(hello)}\n")
        process.stdin.flush()
        first = process.stdout.readline()
        process.stdin.close()
        lines = [first, *process.stdout]
        assert "private sandbox" in process.stderr.read()
    assert process.returncode == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_over_http_stops_its_runs_when_it_is_stopped(
    sandbox: Sandbox, number: signal.Signals
) -> None:
    """The provider is asked to stop before the process ends."""
    progress = Progress()

    async def work(client: Client) -> None:
        call = asyncio.create_task(
            client.call_tool(CHAT, SLOW, progress_callback=progress)
        )
        await progress.begun.wait()
        served.process.send_signal(number)
        await asyncio.to_thread(served.process.wait, 20)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    with http(sandbox.url) as served:
        in_client(served.url, work)
        assert served.process.stderr
        assert "Traceback" not in served.process.stderr.read()
    assert stopped_runs(sandbox) == 1
