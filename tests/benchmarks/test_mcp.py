"""The comparison with Perplexity's own MCP server: what it reads, and what a broken server gives."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from benchmarks.canned_wire import RESULTS
from benchmarks.mcp import Figure, check, cpu_of, lines, url_in
from benchmarks.mcp_client import SESSIONS, SINGLE, McpClient, last_event, result_of

GOOD: Mapping[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {"content": []}}
FAILED: Mapping[str, Any] = {**GOOD, "result": {"content": [], "isError": True}}
STREAM = "text/event-stream"


def result(pages: int, structured: int) -> Mapping[str, Any]:
    """A result with so many pages in its text, and in its structured content."""
    addresses = [f"https://pages.example/moon/{number}" for number in range(pages)]
    content = [{"type": "text", "text": " ".join(addresses)}]
    return {"content": content, "structuredContent": {"a": addresses[:structured]}}


def test_only_a_result_with_all_pages_counts() -> None:
    """As text and as structured content: else a server that does less would win."""
    check(result(RESULTS, RESULTS))
    for pages, structured in ((RESULTS, RESULTS - 1), (RESULTS + 1, RESULTS), (0, 0)):
        with pytest.raises(RuntimeError):
            check(result(pages, structured))


def test_the_cpu_of_a_process_is_read_behind_its_name() -> None:
    """User and system, its own and that of its children, in hundredths of a second here."""
    numbers = " ".join(map(str, range(3, 30)))
    assert cpu_of(f"7 (a ) name) S {numbers}") == pytest.approx(
        cpu_of(f"7 (node) S {numbers}")
    )
    assert cpu_of("7 (node) S 1 1 1 1 1 0 0 0 0 0 100 50 0 0 20") > 0


@pytest.mark.parametrize(("ours", "verdict"), [(0.7, "met"), (0.71, "MISSED")])
def test_the_target_is_held_against_what_was_found(ours: float, verdict: str) -> None:
    """Ours by the protocol that both speak, as a part of the official server's CPU."""
    table = list(
        lines(
            {
                "official": Figure(cpu=1.0, memory=1024),
                f"ours, {SESSIONS}": Figure(cpu=ours, memory=2048),
                f"ours, {SINGLE}": Figure(cpu=5.0, memory=2048),
            }
        )
    )
    assert len(table) == 4
    assert "2 MiB" in table[1]
    assert table[-1].endswith(verdict)


def test_a_server_that_ends_without_an_address_is_shown_in_its_own_words() -> None:
    """Its address is taken from the first line that has one."""
    assert (
        url_in(["starting\n", "at http://127.0.0.1:8/mcp; go\n"])
        == "http://127.0.0.1:8/mcp"
    )
    with pytest.raises(RuntimeError, match="no key"):
        url_in(["error: no key\n"])


def test_the_answer_is_the_last_event_of_a_stream() -> None:
    """Before it come pings and progress."""
    stream = ': ping\r\n\r\nevent: message\r\ndata: {"a": 1}\r\n\r\ndata: {"b": 2}\r\n'
    assert json.loads(last_event(stream)) == {"b": 2}
    assert last_event(": ping\r\n\r\n") == ""


@pytest.mark.parametrize(
    "body", ["", "{}", '{"id": 2, "result": {}}', '{"id": 1, "error": {"code": 1}}']
)
def test_an_answer_without_its_result_is_an_error(body: str) -> None:
    """No broken server is measured."""
    with pytest.raises(RuntimeError):
        result_of(body, 1)


@contextmanager
def answering(
    status: int, answers: Sequence[Mapping[str, Any]], kind: str = "application/json"
) -> Iterator[tuple[str, list[tuple[str, Any, Any]]]]:
    """A server with one status, and an answer for each request; and the requests that it got."""
    seen: list[tuple[str, Any, Any]] = []
    waiting = iter(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.append((self.command, dict(self.headers), json.loads(body or "null")))
            text = json.dumps(next(waiting, {}))
            answer = (f"data: {text}\n\n" if kind == STREAM else text).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("mcp-session-id", "s")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_DELETE = do_POST  # noqa: N815 - its base wants this name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/mcp", seen
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("kind", ["application/json", STREAM])
def test_the_client_opens_and_ends_its_session(kind: str) -> None:
    """It sends what the protocol asks for and nothing more, on one connection."""
    called = {**GOOD, "id": 2}
    with (
        answering(200, [GOOD, {}, called], kind) as (url, seen),
        McpClient(url) as client,
    ):
        assert client.call("find", {"query": "moon"}) == {"content": []}
    methods = [body and body["method"] for _, _, body in seen]
    assert methods == ["initialize", "notifications/initialized", "tools/call", None]
    assert [command for command, _, _ in seen][-1] == "DELETE"
    assert seen[2][1]["mcp-session-id"] == "s"


def test_by_the_newest_protocol_a_call_stands_alone() -> None:
    """Its headers and its `_meta` name the protocol."""
    with answering(200, [GOOD]) as (url, seen), McpClient(url, SINGLE) as client:
        client.call("find", {})
    _, headers, body = seen[0]
    assert body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == SINGLE
    assert headers["mcp-protocol-version"] == SINGLE
    assert headers["mcp-name"] == "find"


@pytest.mark.parametrize(
    ("status", "answers"), [(503, [GOOD]), (200, [FAILED]), (200, [{}])]
)
def test_a_call_that_fails_ends_the_benchmark(
    status: int, answers: Sequence[Mapping[str, Any]]
) -> None:
    """By its status, by its result, or without one."""
    with (
        answering(status, answers) as (url, _),
        McpClient(url, SINGLE) as client,
        pytest.raises(RuntimeError),
    ):
        client.call("find", {})
