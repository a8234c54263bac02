"""The tables of fields in the README, made from the schemas: `python -m tests.fields_table` writes them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.paths import ROOT, SCHEMAS

README = ROOT / "README.md"
ACTIONS = ("create_chat_completion", "execute_search")
_HEAD = ("| field | takes | meaning |", "|---|---|---|")
_TYPES = {
    "string": "text",
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "number": "number",
    "object": "object",
}
_Schema = Mapping[str, Any]


def with_tables(page: str) -> str:
    """The page with the table of each action between its two marks."""
    for action in ACTIONS:
        before, start, rest = page.partition(f"<!-- fields of {action} -->\n")
        _, end, after = rest.partition("<!-- end of fields -->")
        assert start, action
        assert end, action
        page = f"{before}{start}\n{table(schema_of(action))}\n\n{end}{after}"
    return page


def schema_of(action: str) -> _Schema:
    """The published input schema of an action."""
    path = SCHEMAS / f"{action}.v1.input.schema.json"
    schema: _Schema = json.loads(path.read_text(encoding="utf-8"))
    return schema


def table(schema: _Schema) -> str:
    """One row for each field at any depth, in the order of the form."""
    return "\n".join([*_HEAD, *_rows(schema, "")])


def _rows(schema: _Schema, inside: str) -> Iterator[str]:
    for name, field in schema["properties"].items():
        path = f"{inside}{name}"
        needed = ", required" if name in schema.get("required", []) else ""
        meaning = field["description"].replace("|", "\\|")
        yield f"| `{path}`{needed} | {_takes(field)} | {meaning} |"
        items = field.get("items", {})
        if "properties" in items:
            yield from _rows(items, f"{path}[].")
        if "properties" in field:
            yield from _rows(field, f"{path}.")


def _takes(field: _Schema) -> str:
    if "anyOf" in field:
        return ", or ".join(_takes(branch) for branch in field["anyOf"])
    if "enum" in field:
        return _any_of(field["enum"])
    if field["type"] == "array":
        return f"list of {_most(field)}{_items(field['items'])}"
    return f"{field.get('format', _TYPES[field['type']])}{_range(field)}"


def _most(field: _Schema) -> str:
    return f"at most {field['maxItems']} " if "maxItems" in field else ""


def _items(field: _Schema) -> str:
    return _any_of(field["enum"]) if "enum" in field else f"{_TYPES[field['type']]}s"


def _any_of(choices: Sequence[str]) -> str:
    *others, last = (f"`{choice}`" for choice in choices)
    return f"{', '.join(others)} or {last}"


def _range(field: _Schema) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    if most is not None:
        return f" from {least} to {most}"
    return "" if least is None else f" from {least}"


if __name__ == "__main__":
    page = README.read_text(encoding="utf-8")
    README.write_text(with_tables(page), encoding="utf-8")
