"""Write `schemas/` from the models, or list the files that differ.

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

FOLDER = Path(__file__).parents[3] / "schemas"


def documents() -> Mapping[str, str]:
    """Return every published schema by its file name, the same bytes every time."""
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


def drifted(folder: Path) -> Sequence[str]:
    """Return the schema files of a folder that differ, are missing, or are not emitted."""
    wanted = documents()
    found = {
        path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")
    }
    return sorted(
        name
        for name in wanted.keys() | found.keys()
        if wanted.get(name) != found.get(name)
    )


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Write the schemas, or with `--check` list the files that differ and return 1 if any do."""
    if "--check" in arguments:
        names = drifted(folder)
        sys.stdout.writelines(
            f"schemas/{name} differs from the models\n" for name in names
        )
        return 1 if names else 0
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


def _text(schema: Mapping[str, object]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
