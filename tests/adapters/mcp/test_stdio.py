"""Serving stdin and stdout from within this process, whose ends the tests hold."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import IO, Any

import pytest
from mcp_types import PARSE_ERROR

from perplexity_connector.adapters.mcp import make_server, serve_stdio
from perplexity_connector.adapters.mcp.stdio import _StdinLines
from tests.host.stage import CONNECTION, toy_host

HELLO: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What a client holds: one end to write to, one to read from."""

    stdin: IO[str]
    stdout: IO[str]
    of_server: tuple[IO[str], IO[str]]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Two pipes."""
    # What a server could not write to a client that left is still in its buffer.
    with suppress(BrokenPipeError), ExitStack() as stack:

        def pipe() -> tuple[IO[str], IO[str]]:
            reading, writing = os.pipe()
            reader = stack.enter_context(os.fdopen(reading, encoding="utf-8"))
            return reader, stack.enter_context(
                os.fdopen(writing, "w", encoding="utf-8")
            )

        (stdin, to_server), (to_client, stdout) = pipe(), pipe()
        yield Ends(stdin=to_server, stdout=to_client, of_server=(stdin, stdout))


def serve(ends: Ends) -> None:
    """Serve the toy until it is over. Pytest puts its own stdout back between a fixture and its test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", ends.of_server[0])
        patch.setattr(sys, "stdout", ends.of_server[1])
        asyncio.run(serve_stdio(make_server(toy_host(), {"toy": CONNECTION})))


def serve_while(ends: Ends, client: Callable[[], None]) -> None:
    """Serve the toy to a client in a thread of its own."""
    thread = threading.Thread(target=client)
    thread.start()
    serve(ends)
    thread.join()


def test_it_answers_line_by_line_until_stdin_ends(ends: Ends) -> None:
    """Then it ends by itself."""
    answers = []

    def client() -> None:
        print(json.dumps(HELLO), file=ends.stdin, flush=True)
        answers.append(json.loads(ends.stdout.readline()))
        ends.stdin.close()

    serve_while(ends, client)
    assert answers[0]["result"]["serverInfo"]["name"] == "perplexity-connector"


def test_every_line_is_answered(ends: Ends) -> None:
    """One that is no message, a batch, and half an emoji in a call."""
    answers: Any = []
    call = {"name": "greet", "arguments": {"name": "Ada \ud83d"}}
    calling = {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": call}
    pings = [{"jsonrpc": "2.0", "id": one, "method": "ping"} for one in (2, 3)]

    def client() -> None:
        for line in (json.dumps(HELLO), "{", json.dumps(pings), json.dumps(calling)):
            print(line, file=ends.stdin, flush=True)
        answers.extend(json.loads(ends.stdout.readline()) for _ in range(5))
        ends.stdin.close()

    serve_while(ends, client)
    found = {answer["id"]: answer for answer in answers}
    assert found.keys() == {1, None, 2, 3, 4}
    assert found[None]["error"]["code"] == PARSE_ERROR
    assert found[4]["result"]["structuredContent"] == {"text": "Hello, Ada ?!"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_stdin_is_open(
    ends: Ends, number: signal.Signals
) -> None:
    """The reader that still waits keeps nobody."""

    def client() -> None:
        print(json.dumps(HELLO), file=ends.stdin, flush=True)
        ends.stdout.readline()
        os.kill(os.getpid(), number)

    before = set(threading.enumerate())
    serve_while(ends, client)
    waiting = set(threading.enumerate()) - before
    # A worker of the library ends by itself, a moment after the loop.
    for thread in waiting:
        if not thread.daemon:
            thread.join()
    waiting &= set(threading.enumerate())
    assert [thread.name for thread in waiting] == ["mcp-stdin"]
    ends.stdin.close()


def test_a_client_that_reads_no_more_ends_it_quietly(
    ends: Ends, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nobody to answer."""
    ends.stdout.close()
    print(json.dumps(HELLO), file=ends.stdin, flush=True)
    serve(ends)
    assert capsys.readouterr() == ("", "")
    ends.stdin.close()


def test_any_other_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without a stdin cannot serve one."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(AttributeError):
        asyncio.run(serve_stdio(make_server(toy_host(), {})))


def test_a_line_that_comes_after_the_end_is_dropped(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that read it ends without a word."""
    told: list[threading.ExceptHookArgs] = []

    async def read() -> None:
        _StdinLines()

    before = set(threading.enumerate())
    monkeypatch.setattr(threading, "excepthook", told.append)
    monkeypatch.setattr(sys, "stdin", ends.of_server[0])
    asyncio.run(read())
    print("late", file=ends.stdin, flush=True)
    ends.stdin.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
    assert told == []
