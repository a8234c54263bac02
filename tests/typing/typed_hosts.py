"""How embedders use Perplexity's actions through `typed`."""

from collections.abc import AsyncGenerator, Generator
from typing import assert_type

from perplexity_connector.contract import (
    EnvelopeOf,
    ErrorDocument,
    FieldError,
    FlowDocument,
    FlowHintDocument,
    Hint,
    JsonValue,
    RunFinishedItem,
    StreamItemOf,
)
from perplexity_connector.host import Host, SyncHost
from perplexity_connector.types import (
    ChatInput,
    ChatInputJSONSchema,
    ChatInputMessage,
    ChatInputResponseFormat,
    ChatInputUserLocation,
    ChatInputWebSearchOptions,
    ChatOutput,
    ChatOutputChoice,
    ChatOutputCost,
    ChatOutputMessage,
    ChatOutputSource,
    ChatOutputUsage,
    SearchInput,
    SearchOutput,
    SearchOutputFoundPage,
    SearchOutputMergedPage,
    SearchOutputQueryOutcome,
    TypedHost,
    TypedSyncHost,
    typed,
)

MESSAGE: ChatInputMessage = {"role": "user", "content": "How far away is the Moon?"}
QUESTION: ChatInput = {"model": "sonar", "messages": [MESSAGE]}
QUERY: SearchInput = {"query": ["moon", "jupiter"], "search_type": "fast"}


def an_input_from_its_parts() -> ChatInput:
    """An object inside an input has a type of its own."""
    place: ChatInputUserLocation = {"country": "US", "latitude": 37.77}
    search: ChatInputWebSearchOptions = {"user_location": place}
    answer: ChatInputJSONSchema = {"name": "distance", "schema": {"type": "object"}}
    shape: ChatInputResponseFormat = {"type": "json_schema", "json_schema": answer}
    return {
        "model": "sonar",
        "messages": [MESSAGE],
        "web_search_options": search,
        "response_format": shape,
    }


async def a_typed_host() -> None:
    """The ids of connector and action decide the types of the input and the output."""
    async with typed(Host()) as host:
        assert_type(host, TypedHost)
        chat = await host.run("perplexity", "create_chat_completion", QUESTION)
        assert_type(chat, EnvelopeOf[ChatOutput])
        found = await host.run("perplexity", "execute_search", QUERY, timeout=5)
        assert_type(found, EnvelopeOf[SearchOutput])
        chats = host.stream("perplexity", "create_chat_completion", QUESTION)
        assert_type(chats, AsyncGenerator[StreamItemOf[ChatOutput], None])
        assert_type(
            host.stream("perplexity", "execute_search", {"query": "moon"}),
            AsyncGenerator[StreamItemOf[SearchOutput], None],
        )
        assert_type(await host.run_flow({"flow_version": 1}), FlowDocument)
        errors = host.validate("perplexity", "create_chat_completion", QUESTION)
        assert_type(errors, list[FieldError])
        hints = host.hints("perplexity", "create_chat_completion", QUESTION)
        assert_type(hints, list[Hint])
        assert_type(host.flow_hints({}), list[FlowHintDocument])


def a_typed_blocking_host() -> None:
    """The same without `async`."""
    with typed(SyncHost()) as host:
        assert_type(host, TypedSyncHost)
        chat = host.run("perplexity", "create_chat_completion", QUESTION)
        assert_type(chat, EnvelopeOf[ChatOutput])
        found = host.run("perplexity", "execute_search", QUERY)
        assert_type(found, EnvelopeOf[SearchOutput])
        assert_type(
            host.stream("perplexity", "create_chat_completion", QUESTION),
            Generator[StreamItemOf[ChatOutput], None, None],
        )


def a_chat_that_succeeded_has_its_output(envelope: EnvelopeOf[ChatOutput]) -> None:
    """Without a cast."""
    if envelope["status"] == "succeeded":
        assert_type(envelope["output"]["content"], str)
        assert_type(envelope["output"]["search_results"], list[ChatOutputSource])
        assert_type(envelope["output"].get("parsed"), JsonValue)
        assert_type(envelope["output"]["choices"], list[ChatOutputChoice])
        assert_type(envelope["output"]["choices"][0]["message"], ChatOutputMessage)
        assert_type(envelope["output"]["usage"], ChatOutputUsage)
        assert_type(envelope["output"]["usage"].get("cost"), ChatOutputCost | None)
    else:
        assert_type(envelope["error"], ErrorDocument)


def a_search_that_succeeded_has_its_output(envelope: EnvelopeOf[SearchOutput]) -> None:
    """Likewise; a page may have no date."""
    if envelope["status"] == "succeeded":
        assert_type(envelope["output"]["results"], list[SearchOutputFoundPage])
        assert_type(envelope["output"]["results"][0]["date"], str | None)
        assert_type(envelope["output"]["queries"], list[SearchOutputQueryOutcome])
        merged = envelope["output"]["merged"]
        assert_type(merged, list[SearchOutputMergedPage] | None)


def a_stream_ends_with_the_output(item: StreamItemOf[ChatOutput]) -> None:
    """The last item has the envelope."""
    if item["type"] == "run.finished":
        assert_type(item, RunFinishedItem[ChatOutput])
        assert_type(item["envelope"], EnvelopeOf[ChatOutput])
    elif item["type"] == "text.delta":
        assert_type(item["text"], str)


def a_typed_envelope_is_an_envelope(envelope: EnvelopeOf[ChatOutput]) -> None:
    """Code for any connector takes it as an object."""
    anything: object = envelope
    assert anything


async def mistakes(host: TypedHost, envelope: EnvelopeOf[ChatOutput]) -> None:
    """Each of these is an error of both checkers."""
    MESSAGE["role"] = "robot"  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
    await host.run("perplexity", "execute_search", {"query": "x", "max": 5})  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await host.run("perplexity", "create_chat_completion", {"model": "sonar"})  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await host.run("perplexity", "execute_search", QUESTION)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await host.run("perplexity", "exec_search", QUERY)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await host.run("toy", "execute_search", QUERY)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await host.run("perplexity", "execute_search", QUERY, time_out=5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    envelope["output"]["content"]  # type: ignore[index]  # pyright: ignore[reportOptionalSubscript]
    if envelope["status"] == "succeeded":
        envelope["output"]["contents"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
        envelope["error"]["message"]  # type: ignore[index]  # pyright: ignore[reportOptionalSubscript]
