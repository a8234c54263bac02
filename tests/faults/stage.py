"""Runs a row: a new host, real sockets, the proxy, a sandbox, and ears on everything that is said on the way."""

import asyncio
import json
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, aclosing, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread, get_ident
from typing import Any, Self
from unittest.mock import patch

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from perplexity_connector import plugin
from perplexity_connector.contract import (
    ActionContext,
    ActionHandler,
    ActionResult,
    Connector,
    ConnectorError,
    FieldError,
    JsonObject,
    Observation,
    hookimpl,
    repeating,
)
from perplexity_connector.host import Host
from perplexity_connector.host.catalogue import catalogue
from perplexity_connector.host.catalogue.discovery import Discovery, discover
from perplexity_connector.host.plugins import loading
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from perplexity_connector.perplexity.actions import provider_run, searcher
from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.faults.proxy import HOST, Asked, FaultProxy
from tests.faults.reachable import reachable
from tests.faults.row import CHAT, QUESTION, Row, Target, Want
from tests.paths import ROOT

SENTINEL = "pplx-sEnTiNeL-0123456789/+abc"
# Letters and digits alone, as a real key has them: this one could pass for an id.
PLAIN_SENTINEL = "pplx-sEnTiNeLx0123456789abcdefABCDEF"
CONNECTION: dict[str, Any] = {"connection_name": "Sentinel", "api_key": SENTINEL}
MANIFEST = ROOT / "connector.yaml"
# Turns of an event loop in which a run reads all that was sent to it; it needs some tens.
_TURNS = 1000
# The stand-ins' own threads: what they log is not ours.
_STAND_INS = ("fault-proxy", "perplexity-sandbox", "untrusted")


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a row's run showed, outside and inside."""

    envelope: Mapping[str, Any]
    events: list[dict[str, Any]]
    states: list[Any]
    errors: list[ConnectorError]
    contexts: list[ActionContext]
    records: list[logging.LogRecord]
    observed: list[Observation]
    asked: list[Asked]
    sent: int
    billed: int
    strangers: int
    host: str

    @property
    def text(self) -> str:
        """All text that a listener was told."""
        return "".join(event.get("text", "") for event in self.events)


@dataclass(slots=True)
class Spy:
    """Perplexity's plugin, with an eye on what its handlers are handed and what they raise."""

    errors: list[ConnectorError] = field(default_factory=list[ConnectorError])
    contexts: list[ActionContext] = field(default_factory=list[ActionContext])

    @hookimpl
    def load_connector(
        self, connector_id: str, settings: Mapping[str, str]
    ) -> Connector | None:
        """The real connector, watched."""
        found = plugin.load_connector(connector_id, settings)
        return found and _Watched(found, self)


@dataclass(slots=True)
class _Watched:
    connector: Connector
    spy: Spy

    def check(self, action_id: str, version: int, input: Any) -> list[FieldError]:
        return list(self.connector.check(action_id, version, input))

    def action(self, action_id: str, version: int) -> ActionHandler:
        handler = self.connector.action(action_id, version)

        async def watched(input: Any, ctx: ActionContext) -> ActionResult:
            self.spy.contexts.append(ctx)
            try:
                return await handler(input, ctx)
            except ConnectorError as error:
                self.spy.errors.append(error)
                raise

        return watched

    async def __aenter__(self) -> Self:
        await self.connector.__aenter__()
        return self

    async def __aexit__(self, *trouble: object) -> None:
        await self.connector.__aexit__(*trouble)  # type: ignore[arg-type]


class _Ears(logging.Handler):
    """Keeps every record of every logger that is not the stand-ins' own."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.threadName not in _STAND_INS:
            self.heard.append(record)


@dataclass(slots=True)
class Observer:
    """An observer of the host's, which keeps every report."""

    observed: list[Observation] = field(default_factory=list[Observation])

    def observe(self, observation: Observation) -> None:
        """Keep it."""
        self.observed.append(observation)


@contextmanager
def ears() -> Iterator[list[logging.LogRecord]]:
    """Every log record at DEBUG, while entered."""
    root, handler = logging.getLogger(), _Ears()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.heard
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class Stage:
    """A sandbox, a proxy before it, another origin, and ports that fail by themselves. Runs one row after another."""

    def __init__(self) -> None:
        """Nothing runs before it is entered."""
        self._stack = ExitStack()
        self._kept: dict[str, Outcome] = {}

    def __enter__(self) -> Self:
        """Everything listens."""
        enter = self._stack.enter_context
        self.sandbox = enter(Sandbox())
        self.stranger = enter(FaultProxy(self.sandbox.port))
        self.proxy = enter(
            FaultProxy(
                self.sandbox.port,
                dict.fromkeys((SENTINEL, PLAIN_SENTINEL), GOOD_KEY),
                self.stranger.url,
            )
        )
        self._folder = Path(enter(TemporaryDirectory()))
        self._authority = _one_authority(self._folder)
        self._ports = {
            Target.CLOSED: enter(_closed_port()),
            Target.FULL: enter(_full_port()),
        }
        return self

    def __exit__(self, *trouble: object) -> None:
        """Nothing listens any more."""
        self._stack.close()

    def base_url(self, target: Target) -> str:
        """Where a row's requests go."""
        if target is Target.UNTRUSTED and target not in self._ports:
            self._ports[target] = self._stack.enter_context(_untrusted(self._folder))
        port = self._ports.get(target, self.proxy.port)
        return f"{'https' if target in {Target.TLS_PROXY, Target.UNTRUSTED} else 'http'}://{HOST}:{port}"

    def run(self, row: Row, key: str = SENTINEL, *, debug: bool = False) -> Outcome:
        """One run of a row, in a host and a loop of its own."""
        scene, others = self.proxy.play(*row.rules), self.stranger.play()
        billed = self._billed(row)
        spy, states, events = Spy(), list[Any](), list[dict[str, Any]]()
        observer = Observer()
        clock = _Clock()

        def keep(state: Any) -> None:
            states.append(state)
            scene.kept.set()

        with ears() as records:
            host = Host(
                settings={
                    "perplexity": {
                        "base_url": self.base_url(row.target),
                        **row.settings,
                    }
                },
                retries=row.retries,
                environ={},
                observers=[observer],
            )
            host.register(spy, MANIFEST)
            connection = CONNECTION | {"api_key": key}

            async def carry_out() -> tuple[dict[str, Any], str]:
                scene.reach_deadline = _reach_deadline(clock, spy)
                return await _carry_out(host, row, connection, keep, events)

            with _quick(self._authority), patch.object(time, "monotonic", clock):
                envelope, inside = asyncio.run(carry_out(), debug=debug)
        return Outcome(
            envelope=envelope,
            events=events,
            states=states,
            errors=spy.errors,
            contexts=spy.contexts,
            records=records,
            observed=observer.observed,
            asked=scene.asked,
            sent=scene.sent,
            billed=self._billed(row) - billed,
            strangers=others.connections,
            host=inside,
        )

    def outcome(self, row: Row, key: str = SENTINEL) -> Outcome:
        """What came of a row; each is run once for all tests."""
        name = f"{row.id} {key}"
        if name not in self._kept:
            self._kept[name] = self.run(row, key)
        return self._kept[name]

    def undisturbed(self, row: Row) -> Outcome:
        """What comes of a row's run when nothing goes wrong."""
        queries = ", ".join(row.queries)
        quiet = Row(
            cause="nothing",
            variant=queries,
            action=row.action,
            queries=row.queries,
            listen=True,
            want=Want(),
        )
        return self.outcome(quiet)

    def _billed(self, row: Row) -> int:
        return (
            self.sandbox.billed_runs
            if row.action == CHAT
            else self.sandbox.billed_searches
        )


class _Clock:
    """A `time.monotonic` that can be moved forward, for the thread that made it alone: a run's, not its stand-ins'."""

    def __init__(self) -> None:
        self._real = time.monotonic
        self._thread = get_ident()
        self._ahead = 0.0

    def __call__(self) -> float:
        return self._real() + (self._ahead if get_ident() == self._thread else 0.0)

    def move_to(self, deadline: float | None) -> None:
        assert deadline is not None
        self._ahead = max(0.0, deadline - self._real())


def _reach_deadline(clock: _Clock, spy: Spy) -> Callable[[], None]:
    """Return a function for other threads: it lets the deadline pass of the run on this event loop.

    First the run reads all that was sent to it, however long that takes.
    """
    loop = asyncio.get_running_loop()

    async def reach() -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        clock.move_to(spy.contexts[-1].deadline)

    def passed() -> None:
        asyncio.run_coroutine_threadsafe(reach(), loop)

    return passed


async def _carry_out(
    host: Host,
    row: Row,
    connection: Mapping[str, str],
    keep: Callable[[JsonObject], None],
    events: list[Any],
) -> tuple[dict[str, Any], str]:
    options: dict[str, Any] = {"connection": connection, "on_checkpoint": keep}
    if row.timeout is not None:
        options["timeout"] = row.timeout
    step = ("perplexity", row.action, step_input(row))
    async with host:
        if row.listen:
            async with aclosing(host.stream(*step, **options)) as items:
                async for item in items:
                    events.append(item)  # noqa: PERF401 - what came before a failure must be there after it
        else:
            envelope = await host.run(*step, **options)
            events.append({"envelope": envelope})
        inside = "\n".join(reachable(host))
    return events.pop()["envelope"], inside


def step_input(row: Row) -> dict[str, Any]:
    """The input of a row's step."""
    if row.action == CHAT:
        content = f"{row.words} {QUESTION}".strip()
        return {"model": "sonar", "messages": [{"role": "user", "content": content}]}
    queries = [f"{row.words} {query}".strip() for query in row.queries]
    return {"query": queries if len(queries) > 1 else queries[0]}


def _one_authority(folder: Path) -> Path:
    """A file with one certificate authority of the usual hundreds, which take their time to load."""
    file = folder / "authority.pem"
    first, end, _ = (
        Path(certifi.where())
        .read_text(encoding="utf-8")
        .partition("-----END CERTIFICATE-----")
    )
    file.write_text(first + end, encoding="utf-8")
    return file


@contextmanager
def _quick(authority: Path) -> Iterator[None]:
    """No waits between attempts and looks; what every new host would compile and load anew is kept."""
    with (
        patch.object(catalogue, "discover", _discovered),
        patch.object(loading, "SchemaValidator", _compiled),
        patch.object(repeating, "SHORTEST_S", 0.001),
        patch.object(repeating, "FIRST_BACK_OFF_S", 0.001),
        patch.object(provider_run, "_LONGEST_WAIT", 0.002),
        patch.object(searcher, "SHORTEST_WAIT_S", 0.001),
        patch.object(searcher, "USUAL_WAIT_S", 0.001),
        patch.dict("os.environ", {"SSL_CERT_FILE": str(authority)}),
    ):
        yield


@cache
def _discovered(_: object) -> Discovery:
    return discover()


def _compiled(schema: Any) -> SchemaValidator:
    return _compiled_text(json.dumps(schema))


@cache
def _compiled_text(schema: str) -> SchemaValidator:
    return SchemaValidator(json.loads(schema))


@contextmanager
def _closed_port() -> Iterator[int]:
    """A port that is taken, so that nobody else can listen there, and refuses."""
    with closing(socket.socket()) as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@contextmanager
def _full_port() -> Iterator[int]:
    """A port that lets nobody in: the kernel's queue for it is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.socket()))
        listener.bind((HOST, 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextmanager
def _untrusted(folder: Path) -> Iterator[int]:
    """A TLS server with a certificate of its own making, that keeps whatever it is sent to itself."""
    certificate = folder / "server.pem"
    certificate.write_bytes(_self_signed())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with closing(socket.create_server((HOST, 0))) as listener:
        server = Thread(
            target=_shake_hands, args=(listener, context), name="untrusted", daemon=True
        )
        server.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                continue


def _self_signed() -> bytes:
    """A key and a certificate for this machine that only it believes in."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, HOST)])
    today = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
    )
    builder = builder.serial_number(1).not_valid_before(today - timedelta(days=1))
    builder = builder.not_valid_after(today + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))])
    certificate = builder.add_extension(names, critical=False).sign(
        key, hashes.SHA256()
    )
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = serialization.Encoding.PEM
    return bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
