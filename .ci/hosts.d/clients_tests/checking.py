"""What every client of this folder calls, and how its answers are judged. Standard library alone."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

CHAT = "perplexity-create_chat_completion"
SEARCH = "perplexity-execute_search"
QUESTION = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}
QUERY = {"query": "moon", "max_results": 2}
URL = sys.argv[1] if len(sys.argv) > 1 else ""
_SCHEMAS = Path(__file__).parents[3] / "schemas"


def with_nulls(arguments: dict, action: str) -> dict:
    """Return the arguments, with null for every other field of the action, as some frameworks send them."""
    file = _SCHEMAS / f"{action}.v1.input.schema.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    return dict.fromkeys(schema["properties"]) | arguments


CHAT_WITH_NULLS = with_nulls(QUESTION, "create_chat_completion")
SEARCH_WITH_NULLS = with_nulls(QUERY, "execute_search")


def accept(package: str, names: list[str], chat: object, search: object) -> None:
    """Print the versions and the result; fail if a tool is missing or an answer is not ours."""
    assert {CHAT, SEARCH} <= set(names), names
    assert "384,400 km" in str(chat), chat
    assert "https://moon.example" in str(search), search
    versions = f"{package} {version(package)}"
    if package != "mcp":
        versions += f" with mcp {version('mcp')}"
    print(f"{versions}: listed {len(names)} tools; chat and search answered")
