"""The official MCP server, over stdio: all of its tools are called."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.prefix) / "node_modules/.bin/perplexity-mcp"
MESSAGES = [{"role": "user", "content": "How far away is the Moon?"}]
CALLS = {
    "perplexity_search": {"query": "moon distance", "max_results": 3},
    "perplexity_ask": {"messages": MESSAGES, "search_recency_filter": "year"},
    "perplexity_reason": {"messages": MESSAGES},
    "perplexity_research": {"messages": MESSAGES},
}


class Server:
    """One process of the server; each message is a line of JSON."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._asked = 0

    def send(self, method: str, params: dict) -> None:
        """Send a notification."""
        self._write({"method": method, "params": params})

    def ask(self, method: str, params: dict) -> dict:
        """Return the result of a request."""
        self._asked += 1
        self._write({"id": self._asked, "method": method, "params": params})
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("id") == self._asked:
                return message["result"]
        raise AssertionError(f"no answer to {method}")

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        self._process.wait(timeout=20)

    def _write(self, message: dict) -> None:
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


server = Server()
hello = server.ask(
    "initialize",
    {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
)
print("@perplexity-ai/mcp-server", hello["serverInfo"]["version"])
server.send("notifications/initialized", {})
tools = {tool["name"] for tool in server.ask("tools/list", {})["tools"]}
assert set(CALLS) <= tools, tools
for name, arguments in CALLS.items():
    result = server.ask("tools/call", {"name": name, "arguments": arguments})
    text = result["content"][0]["text"]
    assert not result.get("isError"), text
    assert "384,400" in text, text
    if name != "perplexity_search":
        assert "https://moon.example/distance" in text, text
    print(f"{name}:", " ".join(text.split())[:70])
server.close()
