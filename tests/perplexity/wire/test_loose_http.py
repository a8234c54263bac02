"""Answers that break small rules of HTTP: both transports read them, since a run may have been paid for."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiohttp.client_proto import ResponseHandler

from perplexity_connector.contract import ActionContext, ConnectorError, Secret
from perplexity_connector.perplexity.actions.create_chat_completion import (
    create_chat_completion,
)
from perplexity_connector.perplexity.wire import aiohttp_protocol, transport
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from tests.perplexity.actions.wire import SHOWN, events, final, framed
from tests.perplexity.wire.loopback import (
    Loopback,
    Script,
    chunked,
    hang_up,
    http,
    then,
)

BODY = b'{"a": 1}'
CHUNKS = b"8\r\n" + BODY + b"\r\n0\r\n\r\n"
CHUNKED = "transfer-encoding: chunked"
LENGTH = "content-length: 8"
MANY = [f"x-policy-{number}: value" for number in range(1500)]

over_either = pytest.mark.usefixtures("either")


@pytest.fixture(params=["aiohttp", "httpx"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transport, without the developer's proxies."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "httpx":
        monkeypatch.setattr(transport, "find_spec", lambda _: None)


def wire(*lines: str, body: bytes) -> bytes:
    """An answer with exactly these headers and bytes."""
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body


def whole(answer: bytes) -> Script:
    """Send it in one piece, and hang up."""
    return then(answer, hang_up)


def byte_by_byte(answer: bytes) -> Script:
    """Send each byte by itself, and hang up."""

    async def script(writer: asyncio.StreamWriter) -> None:
        for at in range(len(answer)):
            writer.write(answer[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    return script


def cut_both_ways(
    answers: Mapping[str, bytes],
) -> list[tuple[str, Callable[[bytes], Script]]]:
    """Each answer in one piece, and byte by byte unless it is long."""
    short = [name for name in answers if len(answers[name]) < 10_000]
    return [
        *[(name, whole) for name in answers],
        *[(name, byte_by_byte) for name in short],
    ]


READABLE: Mapping[str, bytes] = {
    "a length beside chunks": wire(LENGTH, CHUNKED, body=CHUNKS),
    "chunks beside a length": wire(CHUNKED, LENGTH, body=CHUNKS),
    "a wrong length beside chunks": wire("content-length: 99", CHUNKED, body=CHUNKS),
    "a length twice": wire(LENGTH, LENGTH, body=BODY),
    "a length twice in one line": wire("content-length: 8, 8", body=BODY),
    "bytes after the last chunk": wire(CHUNKED, body=CHUNKS + b"garbage\r\n\r\n"),
    "line ends after the last chunk": wire(CHUNKED, body=CHUNKS + b"\r\n\r\n"),
    "an answer after the last chunk": wire(CHUNKED, body=CHUNKS + http(500)),
    "bytes after the length": wire(LENGTH, body=BODY + b"\r\nxx"),
    "bytes after a closing answer": wire(LENGTH, "connection: close", body=BODY + b"x"),
    "trailers": wire(CHUNKED, body=CHUNKS[:-2] + b"x-a: b\r\n\r\n"),
    "1,500 headers": wire(*MANY, LENGTH, body=BODY),
    "1,500 headers, chunks": wire(*MANY, CHUNKED, body=CHUNKS),
    "line feeds in the head": b"HTTP/1.1 200 OK\ncontent-length: 8\n\n" + BODY,
    "a folded header": wire("x-a: b\r\n content-length: 3", LENGTH, body=BODY),
    "a notice before it": b"HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n"
    + wire(LENGTH, body=BODY),
    "no length": wire(body=BODY),
}


async def asked(client: Client) -> object:
    """What one request gives."""
    ctx = ActionContext(connection={"api_key": Secret("pplx-x")})
    async with client.ask("POST", "/search", ctx, {"query": "x"}) as answer:
        return await answer.json()


@over_either
@pytest.mark.parametrize(("answer", "cut"), cut_both_ways(READABLE))
def test_an_answer_that_breaks_a_small_rule_is_read(
    answer: str, cut: Callable[[bytes], Script]
) -> None:
    """In one piece and byte by byte."""

    async def main() -> object:
        async with (
            Loopback(cut(READABLE[answer])) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            return await asked(client)

    assert asyncio.run(main()) == {"a": 1}


async def connections(answer: bytes) -> int:
    """How many connections two requests one after the other take."""
    async with (
        Loopback(answer) as server,
        Client(Endpoint(base_url=server.url)) as client,
    ):
        for _ in range(2):
            assert await asked(client) == {"a": 1}
        return server.connections


@over_either
def test_such_an_answer_leaves_its_connection_to_the_next() -> None:
    """Nothing of it is left over."""
    assert asyncio.run(connections(wire(CHUNKED, body=CHUNKS))) == 1
    assert asyncio.run(connections(wire(LENGTH, LENGTH, body=BODY))) == 1
    assert asyncio.run(connections(wire(LENGTH, CHUNKED, body=CHUNKS))) == 1


def test_a_connection_with_bytes_too_many_is_not_used_again() -> None:
    """Over aiohttp: they would be read as the next answer."""
    assert asyncio.run(connections(wire(CHUNKED, body=CHUNKS + b"garbage"))) == 2
    assert asyncio.run(connections(wire(LENGTH, body=BODY + b"garbage"))) == 2


def test_bytes_that_come_later_close_the_connection() -> None:
    """Over aiohttp: also after the answer was read, while nothing is asked."""

    async def main() -> int:
        async def late(writer: asyncio.StreamWriter) -> None:
            writer.write(wire(LENGTH, body=BODY))
            await writer.drain()
            await read.wait()
            writer.write(b"garbage")
            await writer.drain()

        read = asyncio.Event()
        async with (
            Loopback(late, late, http()) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            assert await asked(client) == {"a": 1}
            read.set()
            while not server.hung_up:  # noqa: ASYNC110 - the server notices by itself
                await asyncio.sleep(0)
            assert await asked(client) == {"a": 1}
            return server.connections

    assert asyncio.run(main()) == 2


UNREADABLE: Mapping[str, bytes] = {
    "two lengths": wire(LENGTH, "content-length: 9", body=BODY),
    "no number as a length": wire("content-length: +8", body=BODY),
    "no size of a chunk": wire(CHUNKED, body=b"x\r\n" + BODY),
    "another protocol": b"220 smtp.example ready\r\n",
    "a head without an end": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-le",
}


@over_either
@pytest.mark.parametrize(("answer", "cut"), cut_both_ways(UNREADABLE))
def test_an_answer_that_cannot_be_read_is_a_broken_connection(
    answer: str, cut: Callable[[bytes], Script]
) -> None:
    """At once, and never an answer of the wrong shape: a run that is known is fetched then."""

    async def main() -> None:
        async with (
            Loopback(cut(UNREADABLE[answer])) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            await asked(client)

    with pytest.raises(ConnectorError) as caught:
        asyncio.run(asyncio.wait_for(main(), 20))
    assert (caught.value.code, caught.value.effect) == ("unavailable", "unknown")


def chat(*answers: bytes | Script) -> tuple[str, list[str], list[str]]:
    """A chat's content, the codes of its warnings, and its requests."""

    async def main() -> tuple[str, list[str], list[str]]:
        async with (
            Loopback(*answers) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            ctx = ActionContext(connection={"api_key": Secret("pplx-x")})
            question = {"role": "user", "content": "x"}
            form: Any = {"model": "sonar", "messages": [question]}
            result = await create_chat_completion(client, form, ctx)
            heads = [head.split(" ")[0] for head, _ in server.requests]
            codes = [warning.code for warning in result.warnings]
            return str(result.output["content"]), codes, heads

    return asyncio.run(asyncio.wait_for(main(), 20))


STREAM = [b"%x\r\n%b\r\n" % (len(event), event) for event in framed(events())]


@over_either
@pytest.mark.parametrize(
    "answer",
    [
        wire("content-length: 7", CHUNKED, body=b"".join([*STREAM, b"0\r\n\r\n"])),
        wire(CHUNKED, body=b"".join([*STREAM, b"0\r\n\r\ngarbage"])),
        wire(*MANY, CHUNKED, body=b"".join([*STREAM, b"0\r\n\r\n"])),
    ],
    ids=["a length beside chunks", "bytes after the last chunk", "1,500 headers"],
)
def test_a_chat_behind_such_a_gateway_is_whole(answer: bytes) -> None:
    """It is neither fetched again nor asked twice."""
    assert chat(whole(answer)) == (SHOWN, [], ["POST"])


@over_either
@pytest.mark.parametrize("malformed", [b"x\r\ngarbage", b"-5\r\n", b"\r\n\r\n"])
def test_a_run_behind_a_malformed_chunk_is_fetched(malformed: bytes) -> None:
    """Its id is known, so a parser that gives up is no more than a broken stream."""
    start = wire(CHUNKED, body=b"".join(STREAM[:4]))

    async def broken(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(malformed)
        await writer.drain()
        await asyncio.Event().wait()

    found = http(200, json.dumps(final()).encode())
    assert chat(broken, found) == (SHOWN, ["recovered"], ["POST", "GET"])
    assert chat(then(start + malformed, hang_up), found)[0] == SHOWN


def test_an_answer_in_one_piece_goes_to_the_parser_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its head and its body together, where the body has a length."""
    given: list[bytes] = []
    parse = ResponseHandler.data_received

    def counted(handler: Any, data: bytes) -> None:
        given.append(data)
        parse(handler, data)

    monkeypatch.setattr(ResponseHandler, "data_received", counted)
    assert asyncio.run(connections(wire(LENGTH, body=BODY))) == 1
    assert given == [wire(LENGTH, body=BODY)] * 2


def test_an_older_aiohttp_has_no_limit_of_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then none is given to it."""
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(
        ResponseHandler,
        "set_response_params",
        lambda _, **options: given.append(options),
    )

    async def main() -> None:
        loop = asyncio.get_running_loop()
        handler = aiohttp_protocol.TolerantHandler(loop)
        handler.set_response_params(read_until_eof=True)
        handler.set_response_params(max_headers=128)

    asyncio.run(main())
    assert given[0] == {"read_until_eof": True}
    assert int(str(given[1]["max_headers"])) > 1500


@pytest.mark.parametrize("is_long", [False, True], ids=["short", "long"])
def test_a_chunk_that_is_read_does_not_wake_the_parser(
    is_long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is woken after a pause only, while aiohttp would wake it after each chunk.

    There is a pause where an answer comes faster than it is read. It is whole in the end.
    """
    given: list[bytes] = []
    paused: list[bool] = []
    parse, pause = ResponseHandler.data_received, ResponseHandler.pause_reading

    def counted(handler: Any, data: bytes) -> None:
        given.append(data)
        parse(handler, data)

    def stopped(handler: Any) -> None:
        paused.append(True)
        pause(handler)

    monkeypatch.setattr(ResponseHandler, "data_received", counted)
    monkeypatch.setattr(ResponseHandler, "pause_reading", stopped)
    document = list(range(300_000 if is_long else 3_000))
    body = json.dumps(document).encode()
    pieces = (body[at : at + 250] for at in range(0, len(body), 250))
    ctx = ActionContext(connection={"api_key": Secret("pplx-x")})

    async def main() -> Any:
        async with (
            Loopback(chunked(pieces)) as server,
            Client(Endpoint(base_url=server.url)) as client,
            client.ask("GET", "/v1/models", ctx) as answer,
        ):
            while is_long and not paused:  # noqa: ASYNC110 - aiohttp has no event for it
                await asyncio.sleep(0)
            return await answer.json()

    assert asyncio.run(asyncio.wait_for(main(), 20)) == document
    assert bool(paused) == is_long
    assert given.count(b"") <= len(paused)
