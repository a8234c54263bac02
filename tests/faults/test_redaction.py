"""The key is nowhere but in the request's own header: in no log, error, event, file or process argument."""

import asyncio
import base64
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from perplexity_connector import plugin
from perplexity_connector.contract import (
    ActionContext,
    Connector,
    ConnectorError,
    ErrorCode,
    OptionsPage,
    RequestSent,
    RunFinished,
    Secret,
    hookimpl,
)
from perplexity_connector.host import ConnectionStore, Host
from perplexity_connector.perplexity.connector import PerplexityConnector
from perplexity_connector.perplexity.wire import transport
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from perplexity_connector.sandbox import GOOD_KEY
from tests.faults.echoes import echoes, in_headers
from tests.faults.faults import Cut, answer, cut, held
from tests.faults.proxy import Fault, Rule, pass_on
from tests.faults.reachable import reachable
from tests.faults.redaction import (
    everything,
    forms,
    found,
    logged,
    of_error,
    said,
    variables,
)
from tests.faults.row import CHAT, SOME_TEXT, Want, chat, post, search
from tests.faults.rows import SECTIONS
from tests.faults.stage import (
    MANIFEST,
    PLAIN_SENTINEL,
    SENTINEL,
    Stage,
    ears,
    step_input,
)

both_keys = pytest.mark.parametrize(
    "key", [SENTINEL, PLAIN_SENTINEL], ids=["any signs", "letters and digits"]
)


@pytest.mark.parametrize("section", SECTIONS)
def test_no_run_of_the_matrix_says_the_key(stage: Stage, section: str) -> None:
    """Envelope, events, checkpoints, errors, contexts, the host's own objects, and every log record at DEBUG."""
    for row in SECTIONS[section]:
        assert found(SENTINEL, everything(stage.outcome(row))) == [], row.id


@pytest.mark.parametrize("section", SECTIONS)
def test_observers_see_each_request_of_a_run_and_no_content(
    stage: Stage, section: str
) -> None:
    """Every request that arrived is there, and neither a question, nor an answer, nor a page is."""
    for row in SECTIONS[section]:
        outcome = stage.outcome(row)
        sent = [each for each in outcome.observed if isinstance(each, RequestSent)]
        assert len(sent) >= len(outcome.asked), row.id
        assert {(each.method, each.path) for each in sent} >= {
            (each.method, each.path) for each in outcome.asked
        }, row.id
        assert isinstance(outcome.observed[-1], RunFinished), row.id
        shown = repr(outcome.observed).lower()
        assert [word for word in ("moon", "://", "far away") if word in shown] == [], (
            row.id
        )


def test_no_variable_that_a_crash_reporter_prints_has_the_key(stage: Stage) -> None:
    """In one row of each cause and action, whose error a plain pluggy host would report with its frames."""
    rows = {(row.cause, row.action): row for rows in SECTIONS.values() for row in rows}
    errors = [error for row in rows.values() for error in stage.outcome(row).errors]
    assert (
        found(SENTINEL, [text for error in errors for text in variables(error)]) == []
    )
    assert len(errors) > 40


async def _use_wrongly(host: Host, way: str) -> None:
    """Give a key in a way that is refused."""
    connection = {"connection_name": "Mine", "api_key": SENTINEL}
    unknown = connection | {"more": "x"}
    match way:
        case "run":
            connector = plugin.load_connector("perplexity", {})
            assert connector is not None
            handler = connector.action(CHAT, 1)
            ctx = ActionContext(connection={"api_key": f"{SENTINEL} x"})
            await handler(step_input(chat("x", Want())), ctx)
        case "add":
            host.connections.add("perplexity", unknown)
        case "add to nothing":
            host.connections.add("none", connection)
        case "replace":
            host.connections.add("perplexity", connection | {"api_key": GOOD_KEY})
            host.connections.replace_key("Mine", unknown)
        case "replace with nothing":
            host.connections.add("perplexity", connection)
            host.connections.replace_key("Mine", {"api_key": ""})
        case "test":
            await host.connections.test(connection, "none")
        case "options":
            await host.options("perplexity", "none", connection=connection)


@pytest.mark.parametrize(
    "way",
    [
        *("run", "add", "add to nothing"),
        *("replace", "replace with nothing", "test", "options"),
    ],
)
def test_an_error_about_a_connection_has_the_key_neither_in_its_chain_nor_in_a_variable(
    tmp_path: Path, way: str
) -> None:
    """Wherever it is given: the error of the host or of the connector, with its frames and all before it."""
    host = Host(environ={}, store=ConnectionStore(tmp_path, {}))

    async def use() -> None:
        async with host:
            await _use_wrongly(host, way)

    with pytest.raises(ConnectorError) as caught:
        asyncio.run(use())
    texts = [*of_error(caught.value), *variables(caught.value)]
    assert found(SENTINEL, texts) == []


def test_the_exception_of_a_foreign_plugin_is_not_in_the_chain() -> None:
    """Its text may hold the key, and so may its frames."""

    class Foreign(PerplexityConnector):
        async def list_options(self, *_: object) -> OptionsPage:
            raise ValueError(SENTINEL)

    class Plugin:
        @hookimpl
        def load_connector(self, connector_id: str, settings: object) -> Connector:
            del connector_id, settings
            return Foreign(Client(Endpoint()))

    host = Host(environ={})
    host.register(Plugin(), MANIFEST)

    async def use() -> None:
        async with host:
            await host.options("perplexity", "models")

    with pytest.raises(ConnectorError) as caught:
        asyncio.run(use())
    assert found(SENTINEL, of_error(caught.value)) == []


def test_the_matrix_is_listened_to_where_it_matters(stage: Stage) -> None:
    """The search is not in vain: every library on the way has spoken, and errors were raised."""
    outcomes = [stage.outcome(row) for rows in SECTIONS.values() for row in rows]
    names = {
        record.name.partition(".")[0]
        for outcome in outcomes
        for record in outcome.records
    }
    # The HTTP library is silent about our requests, over either transport, and stamina about retries.
    assert names >= {"asyncio", "automation_host"}
    assert "stamina" not in names
    codes = {error.code for outcome in outcomes for error in outcome.errors}
    assert len(codes) >= 10


@both_keys
def test_an_echo_is_not_passed_on(stage: Stage, key: str) -> None:
    """A provider that repeats the key in its errors, events, pages and broken bodies."""
    for row in echoes(key):
        outcome = stage.outcome(row, key)
        assert found(key, said(outcome)) == [], row.id
        assert found(key, logged(outcome.records)) == [], row.id


@both_keys
def test_an_echo_in_the_head_is_not_passed_on(stage: Stage, key: str) -> None:
    """A provider that repeats the key in its headers or its reason; not even the HTTP library logs it."""
    for row in in_headers(key):
        outcome = stage.outcome(row, key)
        assert found(key, said(outcome)) == [], row.id
        assert found(key, logged(outcome.records)) == [], row.id


@both_keys
def test_not_even_httpx_logs_an_echo(
    stage: Stage, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where only httpx's own transport is installed, which would log heads at DEBUG."""
    monkeypatch.setattr(transport, "find_spec", lambda _: None)
    for row in (*echoes(key), *in_headers(key)):
        outcome = stage.run(row, key)
        assert found(key, everything(outcome)) == [], row.id


def test_debugging_the_event_loop_says_no_key(stage: Stage) -> None:
    """Debug mode describes tasks, sockets and slow callbacks."""
    rows = [
        chat("debug", Want(), listen=True),
        chat("debug", Want(), post(cut(Cut.RESET, events=SOME_TEXT))),
        search(
            "debug",
            Want(),
            Rule("POST ", answer(503, b"", {"retry-after": "0"}), last=2),
        ),
    ]
    for row in rows:
        assert found(SENTINEL, everything(stage.run(row, debug=True))) == []


PLACES: dict[str, Any] = {
    "plain": str,
    "JSON": lambda key: json.dumps({"x": key}),
    "JSON in JSON": lambda key: json.dumps(json.dumps({"x": key})),
    "a slash escaped": lambda key: key.replace("/", "\\/"),
    "URL": lambda key: f"https://x/?k={quote(key, safe='')}",
    "path": quote,
    "bytes": lambda key: repr(key.encode()),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64, one off": lambda key: base64.b64encode(f"x{key}y".encode()).decode(),
    "base64, two off": lambda key: base64.b64encode(f"xy{key}z".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(
        f"Bearer {key}".encode()
    ).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_search_finds_the_key_in_any_form(place: str) -> None:
    """Each form in the midst of other text; and another key is not taken for it."""
    for key in (SENTINEL, PLAIN_SENTINEL):
        assert found(key, [f"before {PLACES[place](key)} after"])
        assert not found(
            key, [f"before {PLACES[place]('pplx-quite-another-one')} after"]
        )
        assert all(len(form) > 20 for form in forms(key))


def test_the_search_looks_into_errors_records_and_objects() -> None:
    """A key in any of them is found."""
    message = "told"
    error = ConnectorError(ErrorCode.INTERNAL, message)
    error.__cause__ = ValueError(SENTINEL)
    assert found(SENTINEL, of_error(error))
    hidden = ConnectorError(ErrorCode.INTERNAL, message)
    hidden.__context__ = ValueError(SENTINEL)
    hidden.__suppress_context__ = True
    assert found(SENTINEL, of_error(hidden))
    with ears() as records:
        logging.getLogger("somebody").debug("a %s", SENTINEL)
        logging.getLogger("somebody").debug("b", extra={"more": SENTINEL})
    assert len(found(SENTINEL, logged(records))) >= 3
    assert found(SENTINEL, reachable([{"a": (SENTINEL,)}]))
    assert not found(SENTINEL, reachable([{"a": Secret(SENTINEL)}]))


_CHAT = ("create_chat_completion", "--example")
_SEARCH = ("execute_search", "query=moon")
_BROKEN_OFF = post(cut(Cut.CLOSE, events=SOME_TEXT))
COMMANDS: Mapping[str, tuple[Sequence[str], str, Fault, Sequence[Rule]]] = {
    # What is asked for, the request that is held while the test looks around, what becomes of it, and other faults.
    "good": ((*_CHAT, "--json"), "POST ", pass_on, ()),
    "refused": (
        _SEARCH,
        "POST ",
        answer(401, json.dumps({"error": SENTINEL}).encode()),
        (),
    ),
    "broken": ((*_CHAT, "--stream", "--json"), "POST ", cut(Cut.CLOSE, events=0), ()),
    "recorded": ((*_CHAT, "--stream"), "GET ", pass_on, (_BROKEN_OFF,)),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_the_key_to_nobody(
    stage: Stage, tmp_path: Path, name: str
) -> None:
    """Not on its streams, nor among its arguments while it runs, nor in any file that it keeps then or later."""
    words, on, fault, others = COMMANDS[name]
    reached, release = threading.Event(), threading.Event()
    stage.proxy.play(*others, Rule(on, held(reached, release, fault)))
    command = [sys.executable, "-m", "perplexity_connector", "run", *words]
    with subprocess.Popen(
        command,
        env=_environment(stage, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert reached.wait(30)
        during = [_arguments(process.pid), *_files(tmp_path)]
        release.set()
        streams = process.communicate(timeout=30)
    later = _files(tmp_path)
    texts = [text.decode("utf-8", "replace") for text in (*streams, *during, *later)]
    assert found(SENTINEL, texts) == []
    assert any(streams)
    # The ledger, before the end too for a run that waits for its checkpoint.
    assert any(words[0].encode() in file for file in later)
    if name == "recorded":
        assert any(words[0].encode() in file for file in during[1:])


def _files(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


def _environment(stage: Stage, home: Path) -> dict[str, str]:
    """Everything that a command may write goes to `home`."""
    places = dict.fromkeys(
        (
            "HOME",
            "XDG_STATE_HOME",
            "XDG_DATA_HOME",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
        ),
        str(home),
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PERPLEXITY_")
    }
    own = {"PERPLEXITY_API_KEY": SENTINEL, "PERPLEXITY_BASE_URL": stage.proxy.url}
    # Every byte that Python itself would say about an object left open, too.
    return {**kept, **places, **own, "PYTHONDEVMODE": "1"}


def _arguments(pid: int) -> bytes:
    """What `ps` shows of a process, where the system has such a place."""
    file = Path(f"/proc/{pid}/cmdline")
    return file.read_bytes() if file.exists() else b""
