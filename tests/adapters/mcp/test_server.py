"""The server in this process, with the toy as its connector: no action is known by name."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import jsonschema_rs
import pytest
from mcp import Client, MCPError
from mcp_types import CallToolRequestParams, Tool

from perplexity_connector.adapters.mcp import make_server
from perplexity_connector.adapters.mcp.results import ENVELOPE
from perplexity_connector.adapters.mcp.tools import ActionTool
from perplexity_connector.contract import (
    ActionContext,
    ActionHandler,
    ActionResult,
    ConnectorError,
    ErrorCode,
)
from perplexity_connector.host import Host
from tests.adapters.mcp.stage import ERAS, WITH_ENVELOPE, Progress
from tests.host.stage import CONNECTION, changed, toy_host
from tests.own_clock import OwnClock
from tests.toy.toy import ToyPlugin

T = TypeVar("T")


def served(
    host: Host,
    work: Callable[[Client], Awaitable[T]],
    mode: str = "auto",
    connections: Mapping[str, Any] | None = None,
) -> T:
    """What `work` gives with a client of a server in this process."""

    async def connected() -> T:
        server = make_server(
            host, {"toy": CONNECTION} if connections is None else connections
        )
        async with Client(server, mode=mode) as client:
            return await work(client)

    return asyncio.run(connected())


def call(
    host: Host,
    arguments: Mapping[str, Any],
    progress: Progress | None = None,
    **more: Any,
) -> Any:
    """The result of greeting somebody. A token for progress is sent by clients over a wire alone."""
    if progress is not None:
        more["mode"] = "legacy"
    return served(
        host,
        lambda client: client.call_tool(
            "greet", dict(arguments), progress_callback=progress
        ),
        **more,
    )


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"type": "object", "required": {"text": 1}}',
        '{"type": "object", "required": 5}',
        '{"type": "object", "properties": []}',
        '{"type": "string"}',
        '{"properties": {"text": {"enum": 5}}}',
    ],
)
def test_a_connector_with_a_broken_schema_takes_no_tool_of_another_away(
    tmp_path: Path, text: str
) -> None:
    """Its own action is left out."""
    manifest = changed(tmp_path, lambda text: text.replace("id: toy", "id: broken"))
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace("id: count", "id: lost"),
        encoding="utf-8",
    )
    (tmp_path / "schemas" / "count.v1.input.schema.json").write_text(
        text, encoding="utf-8"
    )
    host = toy_host()
    host.register(ToyPlugin(), manifest)

    async def work(client: Client) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    for mode in ERAS:
        names = served(host, work, mode)
        assert {"toy-greet", "broken-greet", "toy-count"} <= set(names)
        assert "broken-lost" not in names


def test_every_icon_and_link_of_a_tool_is_a_uri() -> None:
    """The protocol's schema says so, and strict clients drop the whole list otherwise."""

    async def work(client: Client) -> list[str]:
        tools = (await client.list_tools()).tools
        return [icon.src for tool in tools for icon in tool.icons or ()]

    judge = jsonschema_rs.validator_for({"format": "uri"}, validate_formats=True)
    icons = served(toy_host(), work)
    assert len(icons) >= 4
    assert [icon for icon in icons if not judge.is_valid(icon)] == []


@pytest.mark.parametrize("mode", ERAS)
def test_any_connector_is_projected_from_its_manifest(mode: str) -> None:
    """Names, words, schemas, traits and icon; the newest version alone."""

    async def work(client: Client) -> Any:
        return (await client.list_tools()).tools

    host = toy_host()
    greet, count = (
        tool
        for tool in served(host, work, mode)
        if tool.name in ("toy-greet", "toy-count")
    )
    schemas = host.describe("toy", "greet")["schemas"]
    assert (greet.title, count.title) == ("Greet", "Count")
    assert greet.description.startswith("Greet somebody.")
    published: Any = copy.deepcopy(schemas["input"])
    # Google's SDK does not take them: tests/adapters/mcp/test_schemas.py.
    del published["properties"]["since"]["format"]
    published.pop("additionalProperties", None)
    assert greet.input_schema.items() <= published.items()
    assert published.keys() - greet.input_schema.keys() <= {"$schema", "$id"}
    assert greet.output_schema["properties"] == schemas["output"]["properties"]
    assert ("billed" in greet.description, "billed" in count.description) == (
        True,
        False,
    )
    hints = count.annotations
    assert (
        hints.read_only_hint,
        hints.destructive_hint,
        hints.idempotent_hint,
        hints.open_world_hint,
    ) == (
        True,
        False,
        True,
        False,
    )
    # The handshake's version of the protocol has icons since 2025-11-25 only.
    assert greet.icons[0].src.startswith("data:image/svg+xml")


@pytest.mark.parametrize("mode", ERAS)
def test_a_description_ends_with_the_hints_for_all_inputs(mode: str) -> None:
    """An agent reads nothing else before it calls. An action without hints has none."""

    async def work(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in served(toy_host(), work, mode)}
    assert tools["toy-greet"].description.endswith(" Say how often, with a cool tone.")
    assert tools["toy-count"].description.endswith(" s.")
    chat = tools["perplexity-create_chat_completion"]
    assert "max_tokens" in chat.description


def test_a_connector_that_cannot_be_loaded_is_listed() -> None:
    """Without hints. A call says why."""
    assert "toy-greet" in listed_names(toy_host(object()))


def listed_names(host: Host) -> set[str]:
    """The names of the tools that a client sees."""

    async def work(client: Client) -> set[str]:
        return {tool.name for tool in (await client.list_tools()).tools}

    return served(host, work)


def test_tools_keep_their_names_when_another_connector_is_installed(
    tmp_path: Path,
) -> None:
    """The long name is listed and always taken; the short one is taken while it is unique."""
    host = toy_host()
    before = listed_names(host)
    other = changed(
        tmp_path,
        lambda text: text.replace("id: toy", "id: other").replace(
            "id: count", "id: reckon"
        ),
    )
    host.register(ToyPlugin(), other)
    after = listed_names(host)
    assert {"toy-greet", "toy-count"} <= before < after
    assert {"other-greet", "other-reckon"} <= after

    async def work(client: Client) -> None:
        for name in ("toy-count", "count"):
            result = await client.call_tool(name, {"text": "abc"})
            assert result.structured_content, name
        assert not (await client.call_tool("toy-greet", {"name": "Ada"})).is_error
        with pytest.raises(MCPError, match="other-greet"):
            await client.call_tool("greet", {"name": "Ada"})

    served(host, work, connections={"toy": CONNECTION, "other": CONNECTION})


@pytest.mark.parametrize("mode", ERAS)
def test_a_call_gives_the_output_and_keeps_the_rest_apart(mode: str) -> None:
    """Structured content is the output; warnings are in the text; the envelope is for who asks."""
    result = call(toy_host(), {"name": "Ada"}, mode=mode)
    assert result.structured_content == {"text": "Hello, Ada!"}
    (content,) = result.content
    assert "It was polite." in content.text
    assert ENVELOPE not in (result.meta or {})
    asking: Any = served(
        toy_host(),
        lambda client: client.call_tool("greet", {"name": "Ada"}, meta=WITH_ENVELOPE),
        mode,
    )
    envelope = asking.meta[ENVELOPE]
    assert (envelope["status"], envelope["usage"]) == ("succeeded", {"words": 2})
    assert "output" not in envelope


def test_pieces_of_the_answer_are_told_to_whoever_asks() -> None:
    """Without a progress callback nobody listens, and the answer is the same."""
    progress = Progress()
    told = call(toy_host(), {"name": "Ada"}, progress)
    assert progress.words == ["Hello", ", ", "Ada", "!"]
    assert progress.numbers == sorted(set(progress.numbers))
    assert (
        told.structured_content == call(toy_host(), {"name": "Ada"}).structured_content
    )


def test_progress_is_reported_at_least_every_ten_seconds() -> None:
    """Where the client gave a token; the numbers rise, and the words are only those of the run."""

    async def greet(_: Any, ctx: ActionContext) -> ActionResult:
        await asyncio.sleep(25)
        ctx.emit({"type": "status", "message": "Thinking"})
        await asyncio.sleep(25)
        return ActionResult(output={"text": "a"})

    times: list[float] = []

    class Timed(Progress):
        async def __call__(self, *what: Any) -> None:
            times.append(clock.now)
            await super().__call__(*what)

    async def work() -> None:
        server = make_server(toy_host(ToyPlugin(greet=greet)), {"toy": CONNECTION})
        async with Client(server, mode="legacy") as client:
            times.append(clock.now)
            await client.call_tool("greet", {"name": "Ada"}, progress_callback=progress)  # type: ignore[arg-type]
            times.append(clock.now)

    clock, progress = OwnClock(), Timed()
    clock.run(work())
    assert max(after - before for before, after in pairwise(times)) <= 10.5
    assert progress.numbers == sorted(set(progress.numbers))
    assert [word for word in progress.words if word] == ["Thinking"]


def test_events_with_nothing_to_tell_make_no_progress() -> None:
    """Searches and words on the state do."""
    events: list[Any] = [
        {"type": "search.queries", "queries": ["a", "b"]},
        {"type": "search.results", "results": [{}, {}]},
        {"type": "status", "message": "Thinking"},
        {"type": "status"},
        {"type": "text.delta", "text": ""},
    ]

    async def greet(_: Any, ctx: ActionContext) -> ActionResult:
        for event in events:
            ctx.emit(event)
        return ActionResult(output={"text": "a"})

    progress = Progress()
    call(toy_host(ToyPlugin(greet=greet)), {"name": "Ada"}, progress)
    assert [word for word in progress.words if word] == progress.words
    assert [
        part in str(word)
        for part, word in zip(("a; b", "2", "Thinking"), progress.words, strict=True)
    ] == [True] * 3


def failing(**parts: Any) -> ActionHandler:
    """A handler that fails so."""

    async def greet(_: Any, ctx: ActionContext) -> ActionResult:
        del ctx
        raise ConnectorError(ErrorCode.UPSTREAM_FAILED, "It failed.", **parts)

    return greet


@pytest.mark.parametrize("mode", ERAS)
def test_a_failed_run_is_an_error_without_structured_content(mode: str) -> None:
    """What had been received is in the words, since it may have been paid for."""
    result = call(
        toy_host(ToyPlugin(greet=failing(partial={"text": "Half a greeting"}))),
        {"name": "Ada"},
        mode=mode,
    )
    assert result.is_error
    assert "structured_content" not in result.model_fields_set
    assert "upstream_failed" in result.content[0].text
    assert "Half a greeting" in result.content[0].text


def test_a_refusal_names_the_field() -> None:
    """By schema and by the connector's own word."""
    result = call(toy_host(), {"name": "x" * 50, "no_such": 1})
    assert result.is_error
    assert "/name: Use a nickname." in result.content[0].text
    assert "/no_such: " in result.content[0].text


@pytest.mark.parametrize("name", ["toolCallId", "sessionId"])
def test_what_a_known_client_adds_to_the_arguments_is_dropped(name: str) -> None:
    """Other unknown fields are errors, and a tool that has such a field gets it."""
    assert not call(toy_host(), {"name": "Ada", name: "call_1"}).is_error
    assert call(toy_host(), {"name": "Ada", "action": "call_1"}).is_error
    taking = ActionTool(
        tool=Tool(name="t", input_schema={"properties": {name: {}}}),
        connector="c",
        action="a",
        version=1,
        has_headers=False,
    )
    assert taking.arguments_of({name: "call_1"}) == {name: "call_1"}


def test_no_arguments_are_an_empty_input() -> None:
    """Which the action judges."""
    result: Any = served(toy_host(), lambda client: client.call_tool("greet"))
    assert "/name: " in result.content[0].text


def test_a_tool_that_is_not_there_is_an_error_of_the_protocol() -> None:
    """It names those that are."""

    async def work(client: Client) -> None:
        with pytest.raises(MCPError, match="greet"):
            await client.call_tool("no_such", {})

    served(toy_host(), work)


def test_a_connector_without_a_connection_has_the_environments() -> None:
    """As the host has it."""
    host = toy_host(environ={"TOY_TOKEN": "toy-secret-token"})
    assert not call(host, {"name": "Ada"}, connections={}).is_error
    assert (
        "invalid_credentials"
        in call(toy_host(), {"name": "Ada"}, connections={}).content[0].text
    )


@pytest.mark.parametrize("headers", [{}, {"mcp-session-id": "s"}])
def test_a_client_that_closes_its_connection_stops_its_run(
    headers: Mapping[str, str],
) -> None:
    """The rest of a body is no such end. The run is cancelled once, and the handler ends without a cancellation."""
    log: list[str] = []
    begun = asyncio.Event()

    async def greet(_: Any, ctx: ActionContext) -> Any:
        del ctx
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("stopped")

    async def receive() -> Mapping[str, Any]:
        await begun.wait()
        log.append("received")
        return {"type": "http.request" if len(log) == 1 else "http.disconnect"}

    async def serve() -> None:
        plugin = ToyPlugin(greet=greet)
        server = make_server(toy_host(plugin), {"toy": CONNECTION})
        entry = server.get_request_handler("tools/call")
        assert entry
        request = SimpleNamespace(headers=headers, receive=receive)
        async with server.lifespan(server):
            params = CallToolRequestParams(name="greet", arguments={"name": "Ada"})
            with pytest.raises(MCPError):
                await entry.handler(SimpleNamespace(meta=None, request=request), params)  # type: ignore[arg-type]
            assert not server.has_run("s")

    asyncio.run(serve())
    assert log == ["received", "received", "stopped"]


def test_a_run_takes_no_longer_than_the_operator_allows() -> None:
    """Though its manifest would."""

    async def greet(_: Any, ctx: ActionContext) -> ActionResult:
        del ctx
        await asyncio.sleep(100)
        raise AssertionError

    async def work() -> Any:
        host = toy_host(ToyPlugin(greet=greet))
        server = make_server(host, {"toy": CONNECTION}, timeout=3)
        async with Client(server) as client:
            return await client.call_tool("greet", {"name": "Ada"})

    result = OwnClock().run(work())
    assert "(timeout)" in result.content[0].text


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("listening", [True, False])
def test_a_cancelled_call_lets_its_run_come_to_an_end(
    mode: str, listening: bool
) -> None:
    """The run is cancelled once, and what it does then is not cut short."""
    log: list[str] = []
    begun = asyncio.Event()

    async def greet(_: Any, ctx: ActionContext) -> Any:
        del ctx
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            log.append("stopped")

    async def work(client: Client) -> None:
        progress = Progress() if listening else None
        running = asyncio.create_task(
            client.call_tool("greet", {"name": "Ada"}, progress_callback=progress)
        )
        await begun.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert not (await client.call_tool("count", {"text": "abc"})).is_error

    plugin = ToyPlugin(greet=greet)
    served(toy_host(plugin), work, mode)
    assert log == ["stopped"]
    assert plugin.loaded[0].log == ["opened", "closed"]


def test_a_server_that_ends_waits_for_its_runs() -> None:
    """A transport may be gone before them; the host is closed after them."""
    log: list[str] = []
    begun = asyncio.Event()

    async def greet(_: Any, ctx: ActionContext) -> Any:
        del ctx
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append(plugin.loaded[0].log[-1])

    async def serve() -> None:
        server = make_server(toy_host(plugin), {"toy": CONNECTION})
        entry = server.get_request_handler("tools/call")
        assert entry
        async with server.lifespan(server):
            params = CallToolRequestParams(name="greet", arguments={"name": "Ada"})
            call = asyncio.ensure_future(
                entry.handler(SimpleNamespace(meta=None, request=None), params)  # type: ignore[arg-type]
            )
            await begun.wait()
        with pytest.raises(asyncio.CancelledError):
            await call

    plugin = ToyPlugin(greet=greet)
    asyncio.run(serve())
    assert log == ["opened"]
