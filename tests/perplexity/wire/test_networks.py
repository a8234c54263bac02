"""The networks of companies: inspected TLS, proxies, exemptions; over both libraries and real sockets."""

import asyncio
import ssl
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import truststore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from perplexity_connector.contract import ActionContext, ConnectorError, Secret
from perplexity_connector.perplexity.actions.check_connection import examine
from perplexity_connector.perplexity.wire import transport, trust
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from perplexity_connector.perplexity.wire.proxies import chosen_proxy
from tests.perplexity.wire.loopback import Loopback, Script, http

KEY = "pplx-sentinelSENTINEL0123456789abcdef"
SECRET = "s3cretOfTheProxy"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CONTEXT = ActionContext(connection={"api_key": Secret(KEY)})


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own network."""
    for name in (*PROXIES, *trust.BUNDLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(params=["aiohttp", "httpx"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library."""
    if request.param == "httpx":
        monkeypatch.setattr(transport, "find_spec", lambda _: None)


class Authority:
    """A certificate authority, such as a company's."""

    def __init__(self, file: Path) -> None:
        """Write its certificate to a PEM file."""
        self.file = file
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "CA")])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        # Not critical: many companies have such a one, and newer Pythons refuse it unless they are asked not to.
        builder = self._certificate(self._name, self._key, days=1)
        signed = builder.add_extension(basic, critical=False).sign(
            self._key, hashes.SHA256()
        )
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def server(self, *, address: str = "127.0.0.1", days: int = 1) -> ssl.SSLContext:
        """A TLS server's context; its certificate is for an address and so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "server")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        builder = self._certificate(name, key, days).add_extension(
            names, critical=False
        )
        plain = (
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        chain = self.file.with_name(f"server-{address}-{days}.pem")
        chain.write_bytes(
            builder.sign(self._key, hashes.SHA256()).public_bytes(plain[0])
            + key.private_bytes(*plain)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    def _certificate(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
    ) -> x509.CertificateBuilder:
        end = datetime.now(UTC) + timedelta(days=days)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=end - timedelta(days=30),
            not_valid_after=end,
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The company's own authority, which no list has."""
    return Authority(tmp_path / "company.pem")


async def asked(url: str) -> object:
    """What one request to a base URL gives."""
    # A handshake that fails is the server's complaint as well.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with (
        Client(Endpoint(base_url=url)) as client,
        client.ask("POST", "/search", CONTEXT, {"query": "x"}) as answer,
    ):
        return await answer.json()


async def failed(url: str) -> ConnectorError:
    """The error that it ends with, which tells no secret."""
    with pytest.raises(ConnectorError) as caught:
        await asked(url)
    assert KEY not in f"{caught.value.to_dict()}"
    assert SECRET not in f"{caught.value.to_dict()}"
    return caught.value


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("address", "days", "bundle"),
    [("127.0.0.1", 1, ""), ("127.0.0.1", -1, "x"), ("127.0.0.9", 1, "x")],
    ids=["of an unknown authority", "expired", "of another server"],
)
def test_a_certificate_that_is_not_trusted_is_not_a_passing_failure(
    monkeypatch: pytest.MonkeyPatch,
    authority: Authority,
    address: str,
    days: int,
    bundle: str,
) -> None:
    """A second try would end the same. The words say what to set, and nothing was sent."""
    if bundle:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    async def main() -> ConnectorError:
        tls = authority.server(address=address, days=days)
        async with Loopback(http(), tls=tls) as provider:
            error = await failed(provider.url)
            assert provider.requests == []
            return error

    error = asyncio.run(main())
    assert (error.code, error.effect, error.retryable) == ("unavailable", "none", False)
    assert "SSL_CERT_FILE" in error.user_message


@pytest.mark.usefixtures("either")
def test_a_proxy_with_such_a_certificate_is_the_same(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    """TLS to the proxy is checked as that to the provider."""

    async def main() -> ConnectorError:
        async with Loopback(http(), tls=authority.server()) as proxy:
            monkeypatch.setenv("ALL_PROXY", proxy.url)
            return await failed("https://192.0.2.1")

    assert asyncio.run(main()).retryable is False


@pytest.mark.usefixtures("either")
def test_a_proxy_that_inspects_a_tunnel_needs_its_authority(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    """Such a proxy answers in the provider's place; with its bundle the run goes through it."""
    tls = authority.server(address="192.0.2.1")

    async def inspect(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(tls)

    async def main(answer: Script) -> object:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with Loopback(answer, http(body=b"[7]")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            return await asked("https://192.0.2.1")

    with pytest.raises(ConnectorError) as caught:
        asyncio.run(main(inspect))
    assert caught.value.retryable is False
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    assert asyncio.run(main(inspect)) == [7]


def test_a_connection_test_has_a_sentence_of_its_own_for_it(
    authority: Authority,
) -> None:
    """Not "could not be reached": the key is not the trouble, and waiting is no remedy."""

    async def main() -> object:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with (
            Loopback(http(), tls=authority.server()) as provider,
            Client(Endpoint(base_url=provider.url)) as client,
        ):
            untrusted = await examine(client, CONTEXT)
        async with Client(Endpoint(base_url="http://127.0.0.1:1")) as client:
            unreachable = await examine(client, CONTEXT)
        assert untrusted.outcome == unreachable.outcome == "unreachable"
        assert untrusted.message != unreachable.message
        return untrusted.next_step

    assert "SSL_CERT_FILE" in str(asyncio.run(main()))


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_first_variable_that_names_a_bundle_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: int
) -> None:
    """It replaces those after it, the system's folder, and everything else that would be trusted."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    good, other = Authority(tmp_path / "good.pem"), Authority(tmp_path / "other.pem")
    for name in names[place + 1 :]:
        monkeypatch.setenv(name, str(other.file))

    async def main() -> object:
        async with Loopback(http(body=b"[3]"), tls=good.server()) as provider:
            monkeypatch.setenv(names[place], f" {good.file}")
            assert await asked(provider.url) == [3]
            monkeypatch.setenv(names[place], str(other.file))
            for name in names[place + 1 :]:
                monkeypatch.setenv(name, str(good.file))
            return (await failed(provider.url)).retryable

    assert asyncio.run(main()) is False


def system_store(monkeypatch: pytest.MonkeyPatch, *files: Path) -> None:
    """These files are the certificates of this system."""
    nothing = ssl.DefaultVerifyPaths(None, None, "", "", "", "")  # type: ignore[arg-type]
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    monkeypatch.setattr(truststore._openssl, "_CA_FILE_CANDIDATES", list(files))


@pytest.mark.usefixtures("either")
def test_without_a_variable_the_systems_store_counts(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    """An administrator adds the company's authority there, for every program."""
    system_store(monkeypatch, authority.file)

    async def main() -> object:
        async with Loopback(http(body=b"[4]"), tls=authority.server()) as provider:
            return await asked(provider.url)

    assert asyncio.run(main()) == [4]


def made_by_default() -> bool:
    """Whether the context is the one for a machine without a store."""
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return trust.tls_context(lambda: other) is other


def test_without_the_extra_or_a_store_certifis_list_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Some containers have no certificates at all; a folder of them is a store too."""
    system_store(monkeypatch)
    assert made_by_default()
    folder: Any = tmp_path / "certs"
    folder.mkdir()
    paths = ssl.DefaultVerifyPaths(None, str(folder), "", "", "", "")  # type: ignore[arg-type]
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert made_by_default()
    (folder / "01234567.0").touch()
    assert not made_by_default()
    monkeypatch.setattr(trust, "find_spec", lambda _: None)
    assert made_by_default()


def test_other_systems_check_a_certificate_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On macOS and Windows the store cannot be read as a list: truststore asks the system."""
    monkeypatch.setattr(sys, "platform", "win32")
    assert isinstance(trust._system_store(), truststore.SSLContext)


@pytest.mark.parametrize("variable", trust.BUNDLES)
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nx"])
def test_a_bundle_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    content: bytes | None,
) -> None:
    """Nothing is sent with other authorities instead. The variable is named, its value is not."""
    file = tmp_path / SECRET
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(variable, str(file))
    error = asyncio.run(failed("https://192.0.2.1"))
    assert (error.code, error.effect) == ("invalid_input", "none")
    assert variable in error.user_message


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "value",
    [
        "gopher://me:{}@proxy.example",
        "http://me:{}@proxy.example:port",
        "http://me:{}@",
        "socks5://me:{}@127.0.0.1:1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """By the variable that it is from; a value may hold a password."""
    monkeypatch.setenv(variable, value.format(SECRET))
    # SOCKS is an extra of httpx.
    monkeypatch.setitem(sys.modules, "socksio", None)
    error = asyncio.run(failed("https://provider.example"))
    assert (error.code, error.effect) == ("invalid_input", "none")
    assert variable in error.user_message


def test_a_proxy_of_the_systems_settings_has_no_variable_to_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those of macOS and Windows."""
    proxies = "perplexity_connector.perplexity.wire.proxies"
    monkeypatch.setattr(f"{proxies}.getproxies", lambda: {"https": "ftp://x"})
    error = asyncio.run(failed("https://provider.example"))
    assert error.code == "invalid_input"
    assert "_proxy" not in error.user_message.lower()


@pytest.mark.parametrize(
    ("exempt", "host", "port", "is_direct"),
    [
        ("provider.example:8443", "provider.example", 8443, True),
        ("provider.example:8443", "provider.example", 443, False),
        ("a.example, .example", "provider.example", 443, True),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.7/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "provider.example", 443, False),
        ("2001:db8::/32", "2001:db8::5", 443, True),
        ("[2001:db8::5]", "2001:db8::5", 443, True),
        ("2001:db8::/32, 10.0.0.0/8", "10.1.2.3", 443, True),
        ("", "10.1.2.3", 443, False),
    ],
)
def test_no_proxy_takes_ports_and_networks(
    monkeypatch: pytest.MonkeyPatch,
    exempt: str,
    host: str,
    port: int,
    is_direct: bool,
) -> None:
    """Names with a port, addresses, and networks in CIDR notation, as curl takes them."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", exempt)
    assert (chosen_proxy("https", host, port) is None) is is_direct


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("exempt", ["{host}:{port}", "127.0.0.0/8"])
def test_an_exempted_port_or_network_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    """Over both transports; the proxy sees nothing."""
    # This machine is never reached over a proxy, unless it is taken for another one.
    monkeypatch.setattr(transport, "_is_loopback", lambda _: False)

    async def main() -> object:
        async with Loopback(http()) as proxy, Loopback(http(body=b"[2]")) as provider:
            host, _, port = provider.url.removeprefix("http://").partition(":")
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", exempt.format(host=host, port=port))
            answer = await asked(provider.url)
            assert proxy.connections == 0
            return answer

    assert asyncio.run(main()) == [2]
