"""Write `schemas/` and `documents.py` from the models, or list the files that differ.

`python -m perplexity_connector.perplexity.forms.emit [--check]`
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from perplexity_connector.contract import Envelope, Flow, Manifest
from perplexity_connector.perplexity.forms.connection import Connection
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.forms.outputs import (
    ChatEvent,
    ChatOutput,
    SearchOutput,
)
from perplexity_connector.perplexity.forms.portable import form_schema, record_schema
from perplexity_connector.perplexity.forms.typed_dicts import module_of

ROOT = Path(__file__).parents[3]
TYPES = "perplexity_connector/perplexity/forms/documents.py"
TYPED = {
    "ChatInput": "create_chat_completion.v1.input",
    "ChatOutput": "create_chat_completion.v1.output",
    "SearchInput": "execute_search.v1.input",
    "SearchOutput": "execute_search.v1.output",
}


def files() -> Mapping[str, str]:
    """Return the text of every emitted file by its path, the same bytes every time."""
    schemas = documents()
    types = module_of(
        {
            name: json.loads(schemas[f"{schema}.schema.json"])
            for name, schema in TYPED.items()
        }
    )
    return {f"schemas/{name}": text for name, text in schemas.items()} | {TYPES: types}


def documents() -> Mapping[str, str]:
    """Return every published schema by its file name."""
    schemas = {
        "connection": form_schema(Connection),
        "create_chat_completion.v1.input": form_schema(ChatInput),
        "create_chat_completion.v1.output": record_schema(ChatOutput),
        "create_chat_completion.v1.event": {
            "title": "Create Chat Completion event",
            "description": "One event of a streamed run.",
        }
        | record_schema(ChatEvent),
        "execute_search.v1.input": form_schema(SearchInput),
        "execute_search.v1.output": record_schema(SearchOutput),
        "envelope": record_schema(Envelope),
        "connector": record_schema(Manifest),
        "flow": record_schema(Flow),
    }
    return {f"{name}.schema.json": _text(schema) for name, schema in schemas.items()}


def drifted(root: Path) -> Sequence[str]:
    """Return the files below a root that differ, are missing, or are not emitted."""
    wanted = files()
    found = {path: _read(root / path) for path in wanted} | {
        f"schemas/{path.name}": _read(path) for path in root.glob("schemas/*.json")
    }
    return sorted(path for path, text in found.items() if wanted.get(path) != text)


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write the files, or with `--check` list those that differ and return 1 if any do."""
    if "--check" in arguments:
        paths = drifted(root)
        sys.stdout.writelines(f"{path} differs from the models\n" for path in paths)
        return 1 if paths else 0
    for path, text in files().items():
        (root / path).write_text(text, encoding="utf-8")
    return 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _text(schema: Mapping[str, object]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
