"""What lies beneath the client: proxies and authorities from the usual variables, and what certainly was not sent."""

import asyncio
import errno
import hashlib
import logging
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from yarl import URL

from perplexity_connector.contract import ActionContext, ConnectorError, Secret
from perplexity_connector.perplexity.wire import httpx_network, transport, trust
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from perplexity_connector.perplexity.wire.exchange import (
    BrokenError,
    NotSentError,
    Request,
    UntrustedCertificateError,
)
from perplexity_connector.perplexity.wire.trust import BUNDLES
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

KEY = "pplx-sentinelSENTINEL0123456789abcdef"
VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    *BUNDLES,
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own network."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(params=["aiohttp", "httpx"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each transport."""
    name: str = request.param
    if name == "httpx":
        monkeypatch.setattr(transport, "find_spec", lambda _: None)
    return name


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is one of this machine, and the network's resolver is not asked."""
    real = socket.getaddrinfo

    def found(host: Any, *arguments: Any, **more: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        is_address = text.replace(".", "").isdigit() or ":" in text
        return real(text if is_address else "127.0.0.1", *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)


def elsewhere(url: str) -> str:
    """The address of a server here, under a name that is not of this machine."""
    return url.replace("127.0.0.1", "provider.example")


async def asked(url: str, **endpoint: float) -> object:
    """What one request to a base URL gives."""
    async with (
        Client(Endpoint(base_url=url, **endpoint)) as client,
        client.ask(
            "POST",
            "/search",
            ActionContext(connection={"api_key": Secret(KEY)}),
            {"query": "x"},
        ) as answer,
    ):
        return await answer.json()


async def failed(url: str, **endpoint: float) -> tuple[str, str]:
    """The code and the effect that it ends with."""
    with pytest.raises(ConnectorError) as caught:
        await asked(url, **endpoint)
    assert KEY not in f"{caught.value.to_dict()}"
    return caught.value.code.value, caught.value.effect.value


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """It is sent the whole address, and its own credentials beside ours."""

    async def main() -> None:
        async with Loopback(http(body=b"[1]")) as proxy, Loopback(http()) as provider:
            monkeypatch.setenv(
                variable, proxy.url.replace("http://", "http://me:word@")
            )
            url = elsewhere(provider.url)
            assert await asked(url) == [1]
            assert provider.connections == 0
            head = proxy.requests[0][0]
            assert head.startswith(f"POST {url}/search HTTP/1.1\r\n")
            assert "proxy-authorization: basic bwu6d29yza==\r\n" in head.lower()
            assert f"Bearer {KEY}" in head

    asyncio.run(main())


@pytest.mark.usefixtures("either")
def test_a_proxy_may_be_written_without_its_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As many are."""

    async def main() -> None:
        async with Loopback(http(body=b"[1]")) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url.removeprefix("http://"))
            assert await asked("http://provider.example") == [1]

    asyncio.run(main())


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    "exempt", ["provider.example", "*", "example.org,provider.example"]
)
def test_an_exempted_address_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    """NO_PROXY has the last word."""

    async def main() -> None:
        async with Loopback(http()) as proxy, Loopback(http(body=b"[2]")) as provider:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", exempt)
            assert await asked(elsewhere(provider.url)) == [2]
            assert proxy.connections == 0

    asyncio.run(main())


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1.2.3",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "LocalHost",
        "localhost.",
        "sandbox.localhost",
    ],
)
def test_this_machine_is_reached_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str, variable: str
) -> None:
    """The proxy is not touched, so that it sees no key; and a sandbox works behind it."""

    async def main() -> None:
        address = "::1" if host == "[::1]" else "0.0.0.0"  # noqa: S104 - all of 127.0.0.0/8
        async with (
            Loopback(http()) as proxy,
            Loopback(http(body=b"[5]"), address=address) as provider,
        ):
            monkeypatch.setenv(variable, proxy.url)
            assert await asked(provider.url.replace("127.0.0.1", host)) == [5]
            assert proxy.connections == 0

    asyncio.run(main())


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "a.localhost"])
def test_this_machine_is_reached_without_a_tunnel(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """With TLS as without."""

    async def main() -> None:
        async with Loopback(http()) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            assert await failed(f"https://{host}:1") == ("unavailable", "none")
            assert proxy.connections == 0

    asyncio.run(main())


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("host", ["localhost.example", "mylocalhost", "10.0.0.1"])
def test_a_name_that_only_looks_like_this_machine_goes_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """As every other one."""

    async def main() -> None:
        async with Loopback(http(body=b"[6]")) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            assert await asked(f"http://{host}") == [6]

    asyncio.run(main())


@pytest.mark.usefixtures("either")
def test_an_https_address_goes_through_a_tunnel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy that refuses it has not been sent the key, and nothing was begun."""

    async def main() -> None:
        async with Loopback(http(407, b"", "proxy-authenticate: basic")) as proxy:
            monkeypatch.setenv(
                "HTTPS_PROXY", proxy.url.replace("http://", "http://me:word@")
            )
            assert await failed("https://provider.example") == ("unavailable", "none")
            heads = [head for head, _ in proxy.requests]
            assert [head.split("\r\n")[0] for head in heads] == [
                "CONNECT provider.example:443 HTTP/1.1"
            ]
            assert "proxy-authorization: basic bwu6d29yza==\r\n" in heads[0].lower()
            assert KEY not in heads[0]

    asyncio.run(main())


@pytest.mark.usefixtures("either")
def test_a_proxy_that_is_not_there_means_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether the address is a plain one or not."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    for url in ("http://provider.example", "https://provider.example"):
        assert asyncio.run(failed(url)) == ("unavailable", "none")


def test_a_proxy_of_another_kind_is_left_to_httpx(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SOCKS is not spoken by aiohttp; httpx speaks it, or says what to install."""
    asked_for: list[httpx.Proxy | None] = []

    def plain_network(
        context: ssl.SSLContext, proxy: httpx.Proxy | None
    ) -> httpx.AsyncBaseTransport:
        assert context.verify_mode is ssl.CERT_REQUIRED
        asked_for.append(proxy)
        return httpx.MockTransport(lambda _: httpx.Response(200))

    monkeypatch.setattr(httpx_network, "plain_network", plain_network)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    transport.network("https://provider.example", 5)
    assert [proxy and proxy.url.scheme for proxy in asked_for] == ["socks5"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_speaks_http_is_used_over_aiohttp(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """Over TLS or not."""
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:1")
    for url in ("http://provider.example", "https://provider.example"):
        assert isinstance(transport.network(url, 5), transport.AiohttpNetwork)


def test_httpx_gets_the_time_out_for_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own transport is built without one, so each request carries it."""
    timeouts: list[Any] = []

    async def connect(
        pool: httpcore.AsyncConnectionPool, request: httpcore.Request
    ) -> httpcore.Response:
        del pool
        timeouts.append(request.extensions["timeout"])
        raise httpcore.ConnectTimeout

    monkeypatch.setattr(transport, "find_spec", lambda _: None)
    monkeypatch.setattr(httpcore.AsyncConnectionPool, "handle_async_request", connect)
    ended = asyncio.run(failed("http://127.0.0.1:1", connect_timeout=1.25))
    assert ended == ("unavailable", "none")
    assert timeouts == [{"connect": 1.25}]


@pytest.fixture
def server_tls(tmp_path: Path) -> ssl.SSLContext:
    """A TLS server's context; its certificate is in `server.pem`, and under its hash in a folder `authorities`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
    )
    builder = builder.serial_number(1).not_valid_before(today - timedelta(days=1))
    builder = builder.not_valid_after(today + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    pem = (
        builder.add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    plain = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain, folder = tmp_path / "server.pem", tmp_path / "authorities"
    chain.write_bytes(pem + key.private_bytes(*plain))
    folder.mkdir()
    # OpenSSL looks in a folder for the hash of the name in its canonical form, which is the DER without its outer head.
    digest = hashlib.sha1(name.public_bytes()[2:], usedforsecurity=False).digest()
    folder.joinpath(f"{int.from_bytes(digest[:4], 'little'):08x}.0").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("SSL_CERT_FILE", "server.pem"),
        ("SSL_CERT_DIR", "authorities"),
        ("SSL_CERT_FILE", ""),
    ],
)
def test_the_authorities_are_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    server_tls: ssl.SSLContext,
    variable: str,
    place: str,
) -> None:
    """A company's own authority is trusted where the usual variables name it, and nowhere else."""

    async def main() -> None:
        # The handshake that fails is the server's complaint as well.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with Loopback(http(body=b"[3]"), tls=server_tls) as provider:
            if place:
                monkeypatch.setenv(variable, str(tmp_path / place))
                assert await asked(provider.url) == [3]
            else:
                assert await failed(provider.url) == ("unavailable", "none")
                assert provider.requests == []

    asyncio.run(main())


@pytest.mark.usefixtures("either")
def test_a_proxy_may_be_reached_over_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server_tls: ssl.SSLContext
) -> None:
    """With the authorities of the environment, as for the provider."""

    async def main() -> None:
        async with Loopback(http(body=b"[1]"), tls=server_tls) as proxy:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            assert await asked("http://provider.example") == [1]

    asyncio.run(main())


@pytest.mark.usefixtures("either")
def test_one_tls_context_and_one_session_serve_all_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are what takes time; and on loopback, no authorities are loaded at all."""
    contexts: list[ssl.SSLContext] = []
    sessions: list[Any] = []
    make, session = trust.tls_context, aiohttp.ClientSession

    def context(default: Any) -> ssl.SSLContext:
        contexts.append(make(default))
        return contexts[-1]

    def opened(*arguments: Any, **more: Any) -> object:
        sessions.append(more)
        return session(*arguments, **more)

    monkeypatch.setattr(transport, "tls_context", context)
    monkeypatch.setattr(aiohttp, "ClientSession", opened)

    async def main(url: str) -> None:
        async with Client(Endpoint(base_url=url)) as client:
            for _ in range(3):
                with pytest.raises(ConnectorError):
                    async with client.ask(
                        "GET", "/x", ActionContext(connection={"api_key": KEY})
                    ):
                        pass

    asyncio.run(main("http://127.0.0.1:1"))
    assert (len(contexts), len(sessions) <= 1) == (0, True)
    asyncio.run(main("https://127.0.0.1:1"))
    assert (len(contexts), len(sessions) <= 2) == (1, True)


def test_the_session_is_made_before_a_request_has_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From its turn on, a request may have been sent: a first import must not fall in there."""
    seen: list[str] = []
    session = aiohttp.ClientSession

    def made(**options: Any) -> object:
        seen.append("session")
        return session(**options)

    @asynccontextmanager
    async def permit() -> AsyncIterator[None]:
        seen.append("turn")
        yield

    async def main() -> None:
        async with Client(Endpoint(base_url="http://127.0.0.1:1")) as client:
            ctx = ActionContext(connection={"api_key": KEY}, permit=permit)
            with pytest.raises(ConnectorError):
                async with client.ask("GET", "/x", ctx):
                    pass

    monkeypatch.setattr(aiohttp, "ClientSession", made)
    asyncio.run(main())
    assert seen == ["session", "turn"]


class Watched:
    """An error of aiohttp's that must not tell what it holds."""

    key = SimpleNamespace(host="h", port=1, is_ssl=False, ssl=True)
    request = aiohttp.RequestInfo(
        URL("http://h"),
        "POST",
        {"authorization": KEY},  # type: ignore[arg-type]
        URL("http://h"),
    )
    reason = OSError(errno.ECONNREFUSED, KEY)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aiohttp.ClientConnectorError(Watched.key, Watched.reason), NotSentError),  # type: ignore[arg-type]
        (
            aiohttp.ClientConnectorDNSError(Watched.key, Watched.reason),  # type: ignore[arg-type]
            NotSentError,
        ),
        (
            aiohttp.ClientConnectorSSLError(Watched.key, Watched.reason),
            NotSentError,
        ),
        (
            aiohttp.ClientConnectorCertificateError(Watched.key, Watched.reason),  # type: ignore[arg-type]
            UntrustedCertificateError,
        ),
        (
            aiohttp.ClientProxyConnectionError(Watched.key, Watched.reason),  # type: ignore[arg-type]
            NotSentError,
        ),
        (aiohttp.ClientHttpProxyError(Watched.request, ()), NotSentError),
        (aiohttp.ConnectionTimeoutError(KEY), NotSentError),
        (aiohttp.InvalidURL(KEY), NotSentError),
        (aiohttp.ServerDisconnectedError(KEY), BrokenError),
        (aiohttp.ClientOSError(errno.EPIPE, KEY), BrokenError),
        (aiohttp.ClientConnectionResetError(KEY), BrokenError),
        (aiohttp.ClientConnectionError(KEY), BrokenError),
        (aiohttp.SocketTimeoutError(KEY), BrokenError),
        (
            aiohttp.ClientResponseError(Watched.request, (), message=KEY),
            BrokenError,
        ),
        (aiohttp.ClientPayloadError(KEY), BrokenError),
        (ConnectionResetError(KEY), BrokenError),
        (RuntimeError(KEY), BrokenError),
    ],
)
def test_only_a_real_failure_to_connect_is_told_as_unsent(
    error: Exception, expected: type[Exception]
) -> None:
    """What is told so is repeated, and paid for twice if it is not so."""
    found = transport._failure(error)
    assert type(found) is expected
    assert KEY not in f"{found!r} {found}"


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    "answer",
    [hang_up, reset, then(b"HTTP/1.1 200", reset), then(b"\x00\xff\r\n\r\n", silence)],
)
def test_what_breaks_after_sending_may_have_been_done(answer: Script) -> None:
    """On a new connection, and on one that has served before."""

    async def main() -> None:
        async with (
            Loopback(http(), answer) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            ctx = ActionContext(connection={"api_key": KEY})
            async with client.ask("POST", "/search", ctx, {}) as good:
                assert await good.json() == {}
            with pytest.raises(ConnectorError) as caught:
                async with client.ask("POST", "/search", ctx, {}):
                    pass
            assert (caught.value.code.value, caught.value.effect.value) == (
                "unavailable",
                "unknown",
            )
            assert len(server.requests) == 2

    asyncio.run(main())


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("answer", [hang_up, reset])
def test_nothing_is_asked_twice(answer: Script) -> None:
    """Not even what may be repeated: whether it is repeated is for the caller to say."""

    async def main() -> None:
        async with (
            Loopback(http(), answer) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            ctx = ActionContext(connection={"api_key": KEY})
            async with client.ask("GET", "/x", ctx) as good:
                assert await good.json() == {}
            with pytest.raises(ConnectorError):
                async with client.ask("GET", "/x", ctx):
                    pass
            assert len(server.requests) == 2

    asyncio.run(main())


def test_what_had_come_before_a_reset_is_not_lost() -> None:
    """Even when nobody was reading just then: aiohttp by itself would forget it."""

    async def main() -> list[bytes]:
        broken = asyncio.Event()

        async def cut(writer: asyncio.StreamWriter) -> None:
            writer.write(chunked([b"first", b"second"], end=False))
            await writer.drain()
            writer.transport.abort()
            broken.set()

        pieces: list[bytes] = []
        async with Loopback(cut) as server:
            beneath = transport.network(server.url, 5)
            answer: Any = await beneath.send(Request("GET", server.url, {}, b""))
            await broken.wait()
            while answer._response.content.exception() is None:  # noqa: ASYNC110 - aiohttp tells nobody
                await asyncio.sleep(0)
            with pytest.raises(BrokenError):  # noqa: PT012 - it comes after the pieces
                while piece := await answer.read():
                    pieces.append(piece)
            await answer.aclose()
            await beneath.aclose()
        return pieces

    assert b"".join(asyncio.run(main())) == b"firstsecond"


def test_a_large_header_is_read(either: str) -> None:
    """Gateways set long ones; aiohttp by itself stops at 8 KiB."""
    del either

    async def main() -> object:
        async with Loopback(http(200, b"[4]", f"x-policy: {'y' * 30_000}")) as server:
            return await asked(server.url)

    assert asyncio.run(main()) == [4]


def test_others_still_hear_their_http_library(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only what is said of our own requests is held back."""
    monkeypatch.setattr(transport, "find_spec", lambda _: None)
    caplog.set_level(logging.DEBUG, "httpcore")

    async def main() -> None:
        async with Loopback(http()) as server, httpx.AsyncClient() as other:
            await asked(server.url)
            assert not [
                record for record in caplog.records if "headers" in record.getMessage()
            ]
            await other.get(server.url)

    asyncio.run(main())
    assert [record for record in caplog.records if "headers" in record.getMessage()]


def test_no_object_of_httpx_is_made_for_a_request_over_aiohttp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests, responses and headers of httpx took a tenth of a search."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    async def main() -> object:
        async with Loopback(http(body=b"[5]")) as server:
            for kind in (httpx.Request, httpx.Response, httpx.Headers):
                monkeypatch.setattr(kind, "__init__", refuse)
            return await asked(server.url)

    assert asyncio.run(main()) == [5]


def test_a_request_sets_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """For its first byte and for each piece that follows."""
    timers: list[object] = []

    async def main() -> None:
        beneath = httpx.MockTransport(lambda _: httpx.Response(200, json=[]))
        ctx = ActionContext(connection={"api_key": Secret(KEY)})
        async with Client(Endpoint(), beneath) as client:
            # Not its class: another thread of the tests may have a loop too.
            loop = asyncio.get_running_loop()
            set_timer = loop.call_at

            def counted(*arguments: Any, **more: Any) -> asyncio.TimerHandle:
                timers.append(arguments)
                return set_timer(*arguments, **more)

            monkeypatch.setattr(loop, "call_at", counted)
            async with client.ask("GET", "/x", ctx) as answer:
                assert await answer.json() == []

    asyncio.run(main())
    assert len(timers) == 1


def test_a_machine_without_a_store_has_the_authorities_that_httpx_brings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are better than none."""
    monkeypatch.setattr(trust, "_system_store", lambda: None)
    made: Any = transport.network("https://provider.example", 5)
    assert made._context.cert_store_stats()["x509"] > 0


def test_a_transport_that_was_never_used_closes() -> None:
    """There is nothing to close yet."""
    asyncio.run(transport.network("http://127.0.0.1:1", 5).aclose())


def test_aiohttp_is_imported_on_first_use_only() -> None:
    """A connector that is loaded to check an input needs none of it."""
    code = (
        "import sys; from perplexity_connector.plugin import load_connector;"
        "load_connector('perplexity', {}).check('execute_search', 1, {'query': 'x'});"
        "sys.exit('aiohttp' in sys.modules)"
    )

    async def main() -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        return await process.wait()

    assert asyncio.run(main()) == 0
