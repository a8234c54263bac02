"""The one client, over real sockets where bytes matter and over a mock transport where only outcomes do."""

import asyncio
import gc
import gzip
import json
import logging
import socket
import weakref
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any, TypeVar

import httpx
import pytest

from perplexity_connector.contract import (
    ActionContext,
    ConnectorError,
    ErrorCode,
    JsonValue,
    Secret,
)
from perplexity_connector.perplexity.wire import client as client_module
from perplexity_connector.perplexity.wire import transport as transport_module
from perplexity_connector.perplexity.wire.client import Client, StreamingResponse
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from perplexity_connector.perplexity.wire.sse import Received, ServerEvent
from tests.perplexity.wire.loopback import (
    Loopback,
    Script,
    chunked,
    hang_up,
    http,
    reset,
    silence,
    then,
)
from tests.perplexity.wire.streams import RUN_ID, events, framed, response

KEY = "pplx-sentinelSENTINEL0123456789abcdef"
REQUEST_ID = "11111111-2222-4333-8444-555555555555"
SOON = 0.05
SSE = "content-type: text/event-stream"

T = TypeVar("T")


@pytest.fixture(autouse=True, params=["aiohttp", "httpx"])
def _transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds over either transport: the one of the `[host]` extra, and httpx's own where that is missing."""
    if request.param == "httpx":
        monkeypatch.setattr(transport_module, "find_spec", lambda _: None)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the developer's environment has no business here."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def context(key: str | Secret = KEY, **more: Any) -> ActionContext:
    """A context with a key."""
    return ActionContext(
        connection={"api_key": key if isinstance(key, Secret) else Secret(key)}, **more
    )


async def as_json(answer: StreamingResponse) -> Any:
    """The body as JSON."""
    return await answer.json()


async def as_events(answer: StreamingResponse) -> list[ServerEvent]:
    """The body as events."""
    return [single(event) async for group in answer.events() for event in group]


def single(event: Received) -> ServerEvent:
    """An event that is read at once, as each is without a form of its own."""
    assert isinstance(event, ServerEvent)
    return event


async def as_first_event(answer: StreamingResponse) -> ServerEvent:
    """The first event, then what is left at once."""
    async for event, *_ in answer.events():
        await answer.drain()
        return single(event)
    raise AssertionError


async def asked(
    client: Client,
    read: Callable[[StreamingResponse], Coroutine[Any, Any, T]],
    ctx: ActionContext | None = None,
    **body: Any,
) -> T:
    """One request, read this way: a POST where there is a body, else a GET."""
    method, sent = ("POST", body) if body else ("GET", None)
    async with client.ask(method, "/v1/agent", ctx or context(), sent) as answer:
        return await read(answer)


def over(
    *answers: bytes | Script,
    read: Callable[[StreamingResponse], Coroutine[Any, Any, T]] = as_json,
    times: int = 1,
    ctx: ActionContext | None = None,
    **endpoint: float,
) -> tuple[list[T], Loopback]:
    """What reading the answers of a raw server gives, one after the other, and the server."""

    async def main() -> tuple[list[T], Loopback]:
        async with (
            Loopback(*answers) as server,
            Client(Endpoint(base_url=server.url, **endpoint)) as client,
        ):
            return [
                await asked(client, read, ctx, x="é\ud800") for _ in range(times)
            ], server

    return asyncio.run(main())


def failed(*answers: bytes | Script, **more: Any) -> ConnectorError:
    """The error that the answer of a raw server gives."""
    with pytest.raises(ConnectorError) as caught:
        over(*answers, **more)
    assert KEY not in f"{caught.value.to_dict()} {caught.value!r}"
    return caught.value


def outcome(error: ConnectorError) -> tuple[str, str]:
    """Its code and effect."""
    return error.code.value, error.effect.value


def unreachable(request: httpx.Request) -> httpx.Response:
    """A network that must not be used."""
    raise AssertionError(request.url)


def mocked(
    handler: Callable[[httpx.Request], httpx.Response],
    ctx: ActionContext | None = None,
    **body: Any,
) -> Any:
    """What one request over a mock transport gives."""

    async def main() -> Any:
        async with Client(Endpoint(), httpx.MockTransport(handler)) as client:
            return await asked(client, as_json, ctx, **body)

    return asyncio.run(main())


def test_a_request_says_who_it_is_and_nothing_twice() -> None:
    """Key, product, JSON and no compression; text as ASCII, so that any of it can be sent."""
    found: Any
    found, server = over(http(body=b'{"a": 1}'))
    assert found == [{"a": 1}]
    head, body = server.requests[0]
    first, *lines = head.strip().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    names = [name.lower() for name, _ in headers]
    assert first == "POST /v1/agent HTTP/1.1"
    assert len(names) == len(set(names))
    sent = {name.lower(): value for name, value in headers}
    assert sent["authorization"] == f"Bearer {KEY}"
    assert sent["accept-encoding"] == "identity"
    assert sent["accept"] == sent["content-type"] == "application/json"
    assert (
        sent["user-agent"] == f"perplexity-connector/{version('perplexity-connector')}"
    )
    assert sent["x-pplx-integration"] == "perplexity-connector"
    assert body == b'{"x":"\\u00e9\\ud800"}'


def test_a_waiting_stream_holds_neither_its_request_nor_the_headers() -> None:
    """A thousand that wait would hold a thousand of each."""
    gone: list[weakref.ref[object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        response = httpx.Response(200, json={})
        gone.extend(map(weakref.ref, (request, request.headers, response)))
        return response

    async def main() -> list[object]:
        async with (
            Client(Endpoint(), httpx.MockTransport(answer)) as client,
            client.ask("POST", "/v1/agent", context(), {"x": 1}) as waiting,
        ):
            gc.collect()
            assert waiting.request_id is None
            return [found() for found in gone]

    assert asyncio.run(main()) == [None, None, None]


def test_a_request_without_a_body_has_none() -> None:
    """No content type for nothing."""

    async def main() -> Loopback:
        async with (
            Loopback(http()) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            assert await asked(client, as_json) == {}
            return server

    head, body = asyncio.run(main()).requests[0]
    assert head.startswith("GET /v1/agent HTTP/1.1\r\n")
    assert "content-type" not in head.lower()
    assert body == b""


def test_a_base_url_may_have_a_path() -> None:
    """A gateway's prefix stays before the provider's path."""

    async def main() -> str:
        async with (
            Loopback(http()) as server,
            Client(Endpoint(base_url=f"{server.url}/pplx")) as client,
        ):
            await asked(client, as_json)
            return server.requests[0][0]

    assert asyncio.run(main()).startswith("GET /pplx/v1/agent HTTP/1.1\r\n")


def test_each_request_carries_its_own_key() -> None:
    """One client serves many keys, plain or secret, trimmed of what was pasted along."""

    async def main() -> list[str]:
        async with (
            Loopback(http()) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            for connection in (
                {"api_key": Secret("pplx-a")},
                {"api_key": "pplx-b"},
                {"api_key": Secret(" pplx-c\n")},
            ):
                await asked(client, as_json, ActionContext(connection=connection))
            return [head for head, _ in server.requests]

    heads = asyncio.run(main())
    assert [
        f"Bearer pplx-{name}\r\n" in head
        for name, head in zip("abc", heads, strict=True)
    ] == [True] * 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """The key never travels to another place; to us it is an answer of the wrong kind."""

    async def main() -> tuple[ConnectorError, Loopback]:
        async with (
            Loopback(http()) as other,
            Loopback(http(status, b"", f"location: {other.url}/x")) as server,
        ):
            async with Client(Endpoint(base_url=server.url)) as client:
                with pytest.raises(ConnectorError) as caught:
                    await asked(client, as_json)
            return caught.value, other

    error, other = asyncio.run(main())
    assert (outcome(error), error.http_status) == (
        ("invalid_response", "unknown"),
        status,
    )
    assert other.connections == 0


@pytest.mark.parametrize("location", ["::", "https://[", "/\x7f"])
def test_a_redirect_to_nowhere_is_a_redirect_all_the_same(location: str) -> None:
    """What stands in its address is nobody's business."""
    assert outcome(failed(http(302, b"", f"location: {location}"))) == (
        "invalid_response",
        "unknown",
    )


def test_cookies_are_not_kept() -> None:
    """A jar shared by many keys would tie them together."""
    _, server = over(
        http(200, b"{}", "set-cookie: __cf_bm=SENTINEL; path=/", "set-cookie: b=c"),
        times=2,
    )
    assert len(server.requests) == 2
    assert all("cookie" not in head.lower() for head, _ in server.requests)


def test_a_connection_serves_again() -> None:
    """Requests one after the other share one connection."""
    _, server = over(http(), times=3)
    assert server.connections == 1


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "pplx-a\nb",
        "pplx-a\r\nx-evil: 1",
        "pplx a",
        "pplx-é",
        "pplx-\x00",
        "\u200bpplx",
    ],
)
def test_a_key_that_no_header_can_carry_is_refused_unsent(key: str) -> None:
    """An HTTP library would quote it in its error."""
    for connection in ({"api_key": Secret(key)}, {"api_key": key}):
        with pytest.raises(ConnectorError) as caught:
            mocked(unreachable, ActionContext(connection=connection))
        assert outcome(caught.value) == ("invalid_credentials", "none")
        assert not key.strip() or key not in f"{caught.value.to_dict()}"


def test_a_connection_without_a_key_is_refused_unsent() -> None:
    """As one whose key is empty."""
    with pytest.raises(ConnectorError) as caught:
        mocked(unreachable, ActionContext())
    assert outcome(caught.value) == ("invalid_credentials", "none")


def test_nothing_that_is_logged_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    """Neither ours nor the HTTP library's records, at their most talkative, nor the exceptions in them."""
    caplog.set_level(logging.DEBUG)
    over(http())
    failed(reset)
    assert caplog.records  # the event loop's own, at least
    assert KEY not in caplog.text
    assert all(KEY not in f"{record.__dict__}" for record in caplog.records)


def test_nobody_listening_is_unavailable_and_sure_to_be_unsent() -> None:
    """A connection that was refused cost nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    async def main() -> None:
        async with Client(Endpoint(base_url=url)) as client:
            await asked(client, as_json)

    with pytest.raises(ConnectorError) as caught:
        asyncio.run(main())
    assert outcome(caught.value) == ("unavailable", "none")
    assert caught.value.http_status is None


@pytest.mark.parametrize(
    ("error", "effect"),
    [
        (httpx.ConnectError, "none"),
        (httpx.ConnectTimeout, "none"),
        (httpx.ProxyError, "none"),
        (httpx.UnsupportedProtocol, "none"),
        (httpx.ReadError, "unknown"),
        (httpx.WriteError, "unknown"),
        (httpx.ReadTimeout, "unknown"),
        (httpx.RemoteProtocolError, "unknown"),
        (httpx.LocalProtocolError, "unknown"),
    ],
)
def test_only_what_surely_was_not_sent_has_no_effect(
    error: type[httpx.TransportError], effect: str
) -> None:
    """Everything after connecting may have reached the provider."""

    def broken(request: httpx.Request) -> httpx.Response:
        message = f"{request.headers}"
        raise error(message)

    with pytest.raises(ConnectorError) as caught:
        mocked(broken)
    assert outcome(caught.value) == ("unavailable", effect)
    assert KEY not in f"{caught.value.to_dict()} {caught.value.__cause__}"


@pytest.mark.parametrize(
    "answer",
    [
        hang_up,
        reset,
        then(b"HTTP/1.1 200 OK\r\ncontent-ty", hang_up),
        then(b"HTTP/1.1 200 OK\r\ncontent-ty", reset),
        then(b"220 smtp.example ready\r\n\r\n", hang_up),
    ],
    ids=[
        "closed",
        "reset",
        "half a head, closed",
        "half a head, reset",
        "another protocol",
    ],
)
def test_a_connection_that_breaks_after_sending_has_an_unknown_effect(
    answer: Script,
) -> None:
    """The provider may have begun the run."""
    assert outcome(failed(answer)) == ("unavailable", "unknown")


@pytest.mark.parametrize("read", [as_json, as_events])
@pytest.mark.parametrize("ending", [hang_up, reset], ids=["closed", "reset"])
@pytest.mark.parametrize(
    "start",
    [
        http(200, b'{"a": ', f"x-request-id: {REQUEST_ID}", length=99),
        chunked([b"data: 1\n\n"], f"x-request-id: {REQUEST_ID}", end=False),
    ],
    ids=["with a length", "in chunks"],
)
def test_a_body_that_breaks_off_is_unavailable(
    start: bytes, ending: Script, read: Any
) -> None:
    """With its request id and status, which support will ask for."""
    error = failed(then(start, ending), read=read)
    assert outcome(error) == ("unavailable", "unknown")
    assert (error.http_status, error.request_id) == (200, REQUEST_ID)


def test_an_answer_that_never_begins_is_a_timeout() -> None:
    """Nobody knows what became of the request."""
    error = failed(silence, first_byte_timeout=SOON)
    assert (outcome(error), error.http_status) == (("timeout", "unknown"), None)


@pytest.mark.parametrize("read", [as_json, as_events])
def test_an_answer_that_stalls_is_a_timeout(read: Any) -> None:
    """Silence under way is measured from piece to piece."""
    error = failed(
        then(chunked([b"data: 1\n"], end=False), silence), read=read, idle_timeout=SOON
    )
    assert (outcome(error), error.http_status) == (("timeout", "unknown"), 200)


class Slow(httpx.AsyncByteStream):
    """Six events, each after so many seconds on a clock that only this moves."""

    def __init__(self, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stop the running loop's clock."""
        self._seconds = seconds
        self._now = asyncio.get_running_loop().time()
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self._now)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The events; before each, time passes and the loop looks at its timers."""
        for _ in range(6):
            self._now += self._seconds
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            yield b"data: 1\n\n"


@pytest.mark.parametrize(("seconds", "expected"), [(0.9, 6), (1.1, None)])
def test_only_silence_ends_a_long_answer(
    monkeypatch: pytest.MonkeyPatch, seconds: float, expected: int | None
) -> None:
    """Each piece starts the idle clock anew, however long it takes in all."""

    async def main() -> int:
        slow = Slow(seconds, monkeypatch)
        transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=slow))
        async with Client(Endpoint(idle_timeout=1), transport) as client:
            return len(await asked(client, as_events))

    if expected:
        assert asyncio.run(main()) == expected
    else:
        with pytest.raises(ConnectorError) as caught:
            asyncio.run(main())
        assert outcome(caught.value) == ("timeout", "unknown")


@pytest.mark.parametrize("read", [as_json, as_events])
@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, deflate", "x"])
def test_a_packing_that_is_not_known_is_refused(encoding: str, read: Any) -> None:
    """Nothing can be read from it."""
    error = failed(http(200, b"{}", f"content-encoding: {encoding}"), read=read)
    assert outcome(error) == ("invalid_response", "unknown")


@pytest.mark.parametrize(
    "encoding",
    [
        "identity",
        "Identity",
        "",
        " ",
        "utf-8",
        "UTF-8",
        "none",
        "identity, identity",
        "identity\r\ncontent-encoding: identity",
        "gzip",
    ],
)
def test_a_body_that_is_not_packed_is_read_as_it_is(encoding: str) -> None:
    """Whatever a gateway calls it, even by a packing that it has undone itself."""
    name = f"content-encoding: {encoding}"
    assert over(http(200, b'{"a": 1}', name))[0] == [{"a": 1}]
    assert over(http(200, b"7", name))[0] == [7]
    assert over(http(200, b"7", "content-encoding: deflate"))[0] == [7]
    (found,), _ = over(http(200, framed(events()), name), read=as_events)
    assert len(found) == len(events())


def deflated(body: bytes, window: int) -> bytes:
    """A body packed by zlib with a window: with its head, or raw if it is negative."""
    packer = zlib.compressobj(wbits=window)
    return packer.compress(body) + packer.flush()


def members(body: bytes) -> bytes:
    """A body in two gzip members, with zeros after the last one."""
    half = len(body) // 2
    return gzip.compress(body[:half]) + gzip.compress(body[half:]) + b"\0" * 9


PACKINGS: dict[str, Any] = {
    "gzip": ("gzip", gzip.compress),
    "another case": ("GZip", gzip.compress),
    "its old name": ("x-gzip", gzip.compress),
    "after identity": ("identity, gzip", gzip.compress),
    "named twice": ("gzip, gzip", gzip.compress),
    "not named": ("", gzip.compress),
    "members": ("gzip", members),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", lambda body: deflated(body, -15)),
    "bytes after deflate": ("deflate", lambda body: zlib.compress(body) + b"x"),
}


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("packing", PACKINGS)
def test_a_body_that_was_packed_all_the_same_is_unpacked(
    packing: str, size: int
) -> None:
    """A paid answer is not thrown away because a gateway packed it; however its bytes arrive."""
    encoding, pack = PACKINGS[packing]
    header = f"content-encoding: {encoding}"

    def answer(body: bytes) -> bytes:
        packed = pack(body)
        pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
        return chunked(pieces, header)

    assert over(answer(PLAIN))[0] == [json.loads(PLAIN)]
    (found,), _ = over(answer(framed(events())), read=as_events)
    assert [json.loads(event.data) for event in found] == events()


def test_a_packed_stream_is_live() -> None:
    """Each event is there as soon as its bytes are, not at the end of the packing."""
    packer = zlib.compressobj(wbits=31)
    piece = packer.compress(b"data: 1\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    answer = then(chunked([piece], "content-encoding: gzip", end=False), silence)

    async def first(found: StreamingResponse) -> ServerEvent:
        event, *_ = await anext(found.events())
        return single(event)

    assert over(answer, read=first)[0] == [ServerEvent("", b"1")]


@pytest.mark.parametrize("read", [as_json, as_events])
@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"{}")[:10] + b"garbage",
        gzip.compress(b" " * 20_000_000),
        gzip.compress(b"x" * 20_000_000),
        gzip.compress(b"") * 10_001,
    ],
    ids=["damaged", "a bomb of blanks", "a bomb", "endless nothing"],
)
def test_what_cannot_be_unpacked_within_the_bound_is_an_invalid_response(
    body: bytes, read: Any
) -> None:
    """A few bytes may not become gigabytes."""
    error = failed(http(200, body, "content-encoding: gzip"), read=read)
    assert outcome(error) == ("invalid_response", "unknown")


def test_a_packed_body_that_is_cut_is_not_json() -> None:
    """Its end is missing, although the connection was fine."""
    body = gzip.compress(PLAIN)[:-30]
    error = failed(http(200, body, "content-encoding: gzip"))
    assert outcome(error) == ("invalid_response", "unknown")


@pytest.mark.parametrize("read", [as_json, as_events])
def test_a_body_without_end_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, read: Any
) -> None:
    """It is refused when it has grown too large, not kept until it is over."""
    monkeypatch.setattr(client_module, "MAX_BODY", 1000)

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(chunked([], end=False))
        while True:
            writer.write(b"64\r\n" + b": " + b"x" * 97 + b"\n" + b"\r\n")
            await writer.drain()

    assert outcome(failed(endless, read=read)) == ("invalid_response", "unknown")


def test_a_body_of_just_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself is allowed."""
    monkeypatch.setattr(client_module, "MAX_BODY", 10)
    assert over(http(200, b'"12345678"'))[0] == ["12345678"]
    assert outcome(failed(http(200, b'"123456789"'))) == ("invalid_response", "unknown")


def test_a_byte_order_mark_before_json_is_dropped() -> None:
    """Some gateways write one; beside blanks, too."""
    for start in (b"\xef\xbb\xbf", b"\n\xef\xbb\xbf "):
        assert over(http(200, start + b'{"a": 1}'))[0] == [{"a": 1}]


@pytest.mark.parametrize(
    "body", [b"", b"\xef\xbb", b"<html></html>", b"{", b'{"a": NaN}', b"\xff"]
)
def test_a_success_that_is_no_json_is_an_invalid_response(body: bytes) -> None:
    """And may have been paid for."""
    error = failed(http(200, body, f"x-request-id: {REQUEST_ID}"))
    assert (outcome(error), error.request_id) == (
        ("invalid_response", "unknown"),
        REQUEST_ID,
    )


@pytest.mark.parametrize("start", [b"", b"\n ", b"\xef\xbb\xbf"])
def test_a_page_of_html_is_no_stream(start: bytes) -> None:
    """A captive portal answers anything with 200."""
    kind = "content-type: Text/HTML; charset=utf-8"
    for answer in (
        http(200, start + b"<html></html>", kind),
        chunked([start + b"<", b"html></html>"], kind),
    ):
        error = failed(answer, read=as_events)
        assert outcome(error) == ("invalid_response", "unknown")


async def byte_by_byte(writer: asyncio.StreamWriter) -> None:
    """A recorded run, each byte in a chunk of its own."""
    writer.write(chunked([bytes([byte]) for byte in framed(events())], SSE))


@pytest.mark.parametrize(
    "answer",
    [
        http(200, framed(events()), SSE),
        chunked([framed(events())], SSE),
        chunked([framed([row]) for row in events()], SSE),
        http(200, framed(events()).replace(b"\n", b"\r\n"), SSE),
        http(200, framed(events()).rstrip(b"\n")),
        http(200, b"\xef\xbb\xbf" + framed(events()), SSE),
        chunked([b"\xef", b"\xbb", b"\xbf", framed(events())], SSE),
        http(200, b"\n\n" + framed(events()), SSE),
        http(200, framed(events()), "content-type: text/html"),
        http(200, b": hello\n\n" + framed(events()), "content-type: text/html"),
        byte_by_byte,
    ],
    ids=[
        "one piece",
        "one chunk",
        "chunks",
        "CRLF",
        "no last line end",
        "BOM",
        "BOM in pieces",
        "blank lines first",
        "called HTML",
        "called HTML, a comment first",
        "bytes",
    ],
)
def test_a_stream_is_the_same_however_it_arrives(answer: bytes | Script) -> None:
    """All its events, with their names and data."""
    (found,), _ = over(answer, read=as_events)
    assert [(event.name, json.loads(event.data)) for event in found] == [
        (row["type"], row) for row in events()
    ]


PLAIN = json.dumps(response()).encode()


@pytest.mark.parametrize(
    "answer",
    [
        http(200, PLAIN, "content-type: application/json"),
        http(200, PLAIN, SSE),
        http(200, PLAIN, "content-type: text/html"),
        http(200, b"\r\n  " + PLAIN),
        http(200, b"\xef\xbb\xbf" + PLAIN),
        chunked([b"\n\xef\xbb", b"\xbf ", PLAIN]),
        chunked([PLAIN[:1], PLAIN[1:7], PLAIN[7:]]),
        chunked([b"\n", b" ", PLAIN[:9], PLAIN[9:]]),
        chunked([b"{", b"\n\ndata: 1\n\n", b"}"]),
    ],
    ids=[
        "json",
        "wrong type",
        "called HTML",
        "blank first",
        "BOM",
        "BOM in pieces",
        "chunks",
        "blank chunks first",
        "looks like a stream inside",
    ],
)
def test_a_plain_body_where_a_stream_was_asked_for_is_one_event(answer: bytes) -> None:
    """A gateway that buffers gives the object whole, whatever it calls it."""
    (found,), _ = over(answer, read=as_events)
    assert len(found) == 1
    assert found[0].name == ""
    assert found[0].data.lstrip().startswith(b"{")
    assert found[0].data.endswith(b"}")


def test_an_empty_stream_has_no_events() -> None:
    """Nothing came: that is for the caller to judge."""
    assert over(http(200, b"", SSE), read=as_events)[0] == [[]]
    assert over(http(200, b" \n", SSE), read=as_events)[0] == [[]]


def test_a_stream_that_is_drained_leaves_its_connection_to_the_next() -> None:
    """What stands after the last event is read when it is there at once."""
    _, server = over(
        chunked([framed(events()), b": bye\n\n", b"data: late\n\n"], SSE),
        read=as_first_event,
        times=2,
    )
    assert server.connections == 1


def test_a_stream_that_does_not_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its connection is given up instead."""
    monkeypatch.setattr(client_module, "_DRAIN_SECONDS", SOON)
    unending = then(chunked([framed(events())], SSE, end=False), silence)
    found, server = over(unending, read=as_first_event, times=2)
    assert [event.name for event in found] == ["response.created"] * 2
    assert server.connections == 2


def test_a_stream_that_breaks_while_drained_is_no_matter() -> None:
    """Its last event has been heard."""
    found, _ = over(
        then(chunked([framed(events())], SSE, end=False), reset), read=as_first_event
    )
    assert found[0].name == "response.created"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b'{"error": {"type": "insufficient_quota"}}', "quota_exhausted"),
        (401, b"<html></html>", "invalid_credentials"),
        (400, b'{"error": {"type": "invalid_model"}}', "invalid_input"),
        (429, b"", "rate_limited"),
        (503, b"<html></html>", "unavailable"),
    ],
)
@pytest.mark.parametrize("read", [as_json, as_events])
def test_a_refusal_is_told_by_its_status_and_body(
    status: int, body: bytes, code: str, read: Any
) -> None:
    """Before anything of the answer is handed out."""
    error = failed(http(status, body, f"x-request-id: {REQUEST_ID}"), read=read)
    assert (error.code, error.http_status, error.request_id) == (
        code,
        status,
        REQUEST_ID,
    )


QUOTA = b'{"error": {"type": "insufficient_quota"}}'
HUGE = QUOTA[:-2] + b', "message": "' + b"x" * 1_000_000 + b'"}}'


@pytest.mark.parametrize(
    "answer",
    [
        http(401, QUOTA, "content-encoding: UTF-8"),
        http(401, gzip.compress(QUOTA), "content-encoding: gzip"),
        http(401, zlib.compress(QUOTA), "content-encoding: deflate"),
        http(401, b"\xef\xbb\xbf" + QUOTA),
    ],
    ids=["utf-8", "gzip", "deflate", "BOM"],
)
def test_a_refusal_in_odd_wrapping_is_read(answer: bytes) -> None:
    """Within its own, smaller bound."""
    error = failed(answer)
    assert (outcome(error), error.provider_code) == (
        ("quota_exhausted", "none"),
        "insufficient_quota",
    )


@pytest.mark.parametrize(
    "answer",
    [
        then(http(401, b'{"error"', length=99), hang_up),
        then(http(401, b'{"error"', length=99), reset),
        http(401, QUOTA, "content-encoding: br"),
        http(401, gzip.compress(QUOTA)[:-20], "content-encoding: gzip"),
        http(401, gzip.compress(QUOTA)[:12] + b"garbage", "content-encoding: gzip"),
        http(401, HUGE),
        http(401, gzip.compress(HUGE), "content-encoding: gzip"),
    ],
    ids=["closed", "reset", "br", "cut gzip", "damaged gzip", "huge", "huge gzip"],
)
def test_a_refusal_whose_body_is_of_no_use_is_told_by_its_status(
    answer: bytes | Script,
) -> None:
    """Broken off, packed in an unknown way, or huge: as good as an empty one."""
    error = failed(answer)
    assert (outcome(error), error.provider_code) == (
        ("invalid_credentials", "none"),
        None,
    )


class Host:
    """A host that notes when its limit is asked for, given back, and told of headers."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.notes: list[Any] = []

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """One request's permission."""
        self.notes.append("permitted")
        try:
            yield
        finally:
            self.notes.append("released")

    def observe(
        self, limit: int | None, remaining: int | None, resets_at: float | None
    ) -> None:
        """Take note of the headers."""
        self.notes.append((limit, remaining, resets_at))

    def refuse(self, retry_after: float | None) -> None:
        """Take note of a refusal."""
        self.notes.append(("refused", retry_after))

    def context(self, key: str = KEY) -> ActionContext:
        """A context of this host."""
        return context(
            key,
            permit=self.permit,
            observe_limit=self.observe,
            observe_refusal=self.refuse,
        )


RATE = (
    "x-ratelimit-limit: 50",
    "x-ratelimit-remaining: 0",
    "x-ratelimit-reset: 1790000000",
)


def test_a_permit_is_held_until_the_headers_are_there() -> None:
    """Not for the length of the answer; and the headers are told before it is given back."""
    host = Host()

    async def read(answer: StreamingResponse) -> Any:
        host.notes.append("reading")
        return await answer.json()

    over(http(200, b"{}", *RATE), read=read, ctx=host.context())
    assert host.notes == ["permitted", (50, 0, 1790000000.0), "released", "reading"]


@pytest.mark.parametrize(
    ("answer", "status"), [(http(200, b"{}"), 200), (http(503), 503), (b"", None)]
)
def test_a_request_is_observed_when_its_headers_are_there_or_it_has_failed(
    answer: bytes, status: int | None
) -> None:
    """Method, path without the host, status, and the milliseconds until then."""
    seen: list[tuple[str, str, int | None, float]] = []
    ctx = context(observe_request=lambda *request: seen.append(request))
    with suppress(ConnectorError):
        over(answer, ctx=ctx, first_byte_timeout=60 if status else 0.05)
    ((*request, milliseconds),) = seen
    assert request == ["POST", "/v1/agent", status]
    assert 0 < milliseconds < 60_000


def test_the_headers_of_a_refusal_are_told_too() -> None:
    """They matter most there."""
    host = Host()
    failed(http(429, b"", *RATE, "retry-after: 7"), ctx=host.context())
    assert host.notes == [
        "permitted",
        (50, 0, 1790000000.0),
        ("refused", 7.0),
        "released",
    ]
    host = Host()
    failed(http(500), ctx=host.context())
    assert host.notes == ["permitted", (None, None, None), "released"]


def test_a_refusal_inside_a_200_is_told_as_soon_as_it_is_read() -> None:
    """Other errors in the body are not refusals."""

    def notes(code: ErrorCode) -> list[Any]:
        host = Host()

        async def read(_: StreamingResponse) -> None:
            raise ConnectorError(code, "It was read.", retry_after=3.0)

        assert failed(http(200, b"{}"), read=read, ctx=host.context()).code is code
        return host.notes[3:]

    assert notes(ErrorCode.RATE_LIMITED) == [("refused", 3.0)]
    assert notes(ErrorCode.UNAVAILABLE) == []


@pytest.mark.parametrize(
    ("answer", "endpoint"),
    [(reset, {}), (silence, {"first_byte_timeout": SOON})],
    ids=["reset", "silence"],
)
def test_a_permit_is_given_back_when_the_request_fails(
    answer: Script, endpoint: dict[str, float]
) -> None:
    """Without headers, there is nothing to tell."""
    host = Host()
    failed(answer, ctx=host.context(), **endpoint)
    assert host.notes == ["permitted", "released"]


class Closable(httpx.AsyncByteStream):
    """A body that knows whether it was closed."""

    closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Nothing."""
        yield b""

    async def aclose(self) -> None:
        """Take note."""
        self.closed = True


@pytest.mark.parametrize("part", ["permit", "observe_limit"])
def test_an_answer_is_closed_when_the_host_stumbles_over_it(part: str) -> None:
    """A permit that is cancelled while it is given back, or an observer that fails, leaves no connection open."""
    body = Closable()

    @asynccontextmanager
    async def cancelled_at_the_end() -> AsyncIterator[None]:
        yield
        raise asyncio.CancelledError

    def cancelled(*headers: object) -> None:
        raise asyncio.CancelledError(*headers)

    parts: Any = {"permit": cancelled_at_the_end, "observe_limit": cancelled}
    ctx = context(**{part: parts[part]})
    with pytest.raises(asyncio.CancelledError):
        mocked(lambda _: httpx.Response(200, stream=body), ctx)
    assert body.closed


def test_no_permit_is_asked_for_a_request_that_cannot_be_sent() -> None:
    """A bad key takes nobody's turn."""
    host = Host()
    with pytest.raises(ConnectorError):
        mocked(unreachable, host.context("bad key"))
    assert host.notes == []


def test_giving_up_while_waiting_gives_the_permit_back() -> None:
    """A cancelled run leaves the host's limit as it was, and its connection closed."""
    host = Host()

    async def main() -> None:
        async with (
            Loopback(silence) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            task = asyncio.ensure_future(asked(client, as_json, host.context()))
            await server.asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert host.notes == ["permitted", "released"]


def test_a_caller_that_fails_closes_its_answer() -> None:
    """An answer that is not read to its end does not keep its connection."""

    async def main() -> int:
        async with Loopback(http(200, b"x" * 100, length=200), http()) as server:
            async with Client(Endpoint(base_url=server.url)) as client:
                with pytest.raises(KeyError):
                    async with client.ask("GET", "/x", context()):
                        raise KeyError
                assert await asked(client, as_json) == {}
            return server.connections

    assert asyncio.run(main()) == 2


def test_many_requests_run_at_the_same_time() -> None:
    """The pool sets no limit of its own: that is the host's affair."""
    together = 110

    async def main() -> list[JsonValue]:
        all_here = asyncio.Barrier(together)

        async def answer(writer: asyncio.StreamWriter) -> None:
            await all_here.wait()
            writer.write(http())

        async with (
            Loopback(answer) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            return await asyncio.gather(
                *[asked(client, as_json) for _ in range(together)]
            )

    assert asyncio.run(main()) == [{}] * together


def test_a_client_must_be_entered_first() -> None:
    """Whoever forgets is told so, as a programmer; leaving without entering is harmless."""

    async def main() -> None:
        client = Client(Endpoint())
        with pytest.raises(RuntimeError):
            await asked(client, as_json)
        await client.__aexit__(None, None, None)

    asyncio.run(main())


def test_an_answer_knows_its_request_id() -> None:
    """For the provider's support, where it looks like one."""

    async def read(answer: StreamingResponse) -> str | None:
        await answer.json()
        return answer.request_id

    assert over(http(200, b"{}", f"x-request-id: {REQUEST_ID}"), read=read)[0] == [
        REQUEST_ID
    ]
    assert over(http(200, b"{}", f"x-request-id: {KEY}"), read=read)[0] == [None]
    assert over(http(200, b"{}"), read=read)[0] == [None]


def test_a_run_over_the_wire_is_the_recorded_one() -> None:
    """The pieces fit: client, decoder and the recorded shape."""
    (found,), _ = over(
        chunked([framed([row]) for row in events()], SSE), read=as_events
    )
    assert json.loads(found[-1].data)["response"]["id"] == RUN_ID
