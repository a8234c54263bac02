"""A plain MCP client over HTTP: one kept connection, and as little as the protocol allows."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any, Self
from urllib.parse import urlsplit

# The newest version that begins with `initialize`, and the one in which each request stands alone.
SESSIONS = "2025-11-25"
SINGLE = "2026-07-28"
_SESSION = "mcp-session-id"
_VERSION = "mcp-protocol-version"
_NAME = {"name": "benchmark", "version": "1"}
_META = "io.modelcontextprotocol/"


class McpClient:
    """A client of one server, which calls one tool.

    * `_connection`, `_path`: the one connection, and the path of the server's URL.
    * `_version`: the version of the protocol, `SESSIONS` or `SINGLE`.
    * `_headers`: those of each request. They name the session, if the server opened one.
    * `_number`: the id of the last request.
    """

    def __init__(self, url: str, version: str = SESSIONS) -> None:
        """Use the server at this URL, by this version of the protocol."""
        where = urlsplit(url)
        self._connection = HTTPConnection(where.hostname or "", where.port)
        self._path = where.path
        self._version = version
        self._number = 0
        self._headers = {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
        }

    def __enter__(self) -> Self:
        """Open the session, where the protocol has sessions."""
        if self._version == SESSIONS:
            opening = {
                "protocolVersion": SESSIONS,
                "capabilities": {},
                "clientInfo": _NAME,
            }
            self._ask("initialize", opening)
        self._headers[_VERSION] = self._version
        if self._version == SESSIONS:
            self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    def __exit__(self, *trouble: object) -> None:
        """End the session."""
        if _SESSION in self._headers:
            self._connection.request("DELETE", self._path, headers=self._headers)
            self._connection.getresponse().read()
        self._connection.close()

    def call(self, tool: str, arguments: Mapping[str, object]) -> Mapping[str, Any]:
        """Return the result of a call. Raises `RuntimeError` if it has none, or says that the tool failed."""
        params: dict[str, object] = {"name": tool, "arguments": arguments}
        if self._version == SINGLE:
            self._headers |= {"mcp-method": "tools/call", "mcp-name": tool}
            params["_meta"] = {
                f"{_META}protocolVersion": SINGLE,
                f"{_META}clientCapabilities": {},
                f"{_META}clientInfo": _NAME,
            }
        result = self._ask("tools/call", params)
        if result.get("isError"):
            raise RuntimeError(result)
        return result

    def _ask(self, method: str, params: Mapping[str, object]) -> Mapping[str, Any]:
        self._number += 1
        request = {"id": self._number, "method": method, "params": params}
        return result_of(self._post({"jsonrpc": "2.0", **request}), self._number)

    def _post(self, message: Mapping[str, object]) -> str:
        """Return the body of the answer, as JSON whether it was streamed or not."""
        self._connection.request(
            "POST", self._path, json.dumps(message), headers=self._headers
        )
        answer = self._connection.getresponse()
        body = answer.read().decode()
        if not answer.status // 100 == 2:  # noqa: PLR2004 - a good status
            raise RuntimeError(answer.status, body)
        if session := answer.getheader(_SESSION):
            self._headers[_SESSION] = session
        kind = answer.getheader("content-type", "")
        return last_event(body) if kind.startswith("text/event-stream") else body


def last_event(stream: str) -> str:
    """Return the data of the last event of a stream: the answer to its request."""
    lines = [line for line in stream.splitlines() if line.startswith("data:")]
    return lines[-1].removeprefix("data:").strip() if lines else ""


def result_of(body: str, number: int) -> Mapping[str, Any]:
    """Return the result in an answer. Raises `RuntimeError` if it has none, or answers something else."""
    answer: Mapping[str, Any] = json.loads(body or "{}")
    if answer.get("id") != number or "result" not in answer:
        raise RuntimeError(body)
    result: Mapping[str, Any] = answer["result"]
    return result
