"""Make the input of each row from templates: texts in which `{name}` is the cell of a column.

A name in braces is a cell only where it is exactly a column; `{{name}}` is the text `{name}`. Other
braces stay, as in a prompt with JSON in it.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.validation.assignments import (
    NO_PLACE,
    field_path,
    set_value,
    typed_value,
)
from perplexity_connector.host.validation.text_values import parse_json, to_text

_BRACES = re.compile(r"\{\{([^{}]*)\}\}|\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class _Cell:
    """The cell of a column."""

    column: str


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of an input; at least one part is a cell."""

    parts: Sequence[str | _Cell]

    def of(self, cells: Mapping[str, JsonValue]) -> JsonValue:
        """Return it for a row. A cell alone stays as it is: text is text, also if it looks like JSON."""
        if len(self.parts) == 1:
            return _value(self.parts[0], cells)
        return "".join(to_text(_value(part, cells)) for part in self.parts)


def compile_templates(
    templates: Mapping[str, str], columns: Collection[str], schema: JsonObject
) -> Callable[[Mapping[str, JsonValue]], dict[str, Any]]:
    """Return the function that makes a row's input from its cells.

    A template without a column is a fixed value, which is read by its schema; `FIELD:` is always
    JSON. Raises `ConnectorError` for a field without a place, broken JSON, or a near match.
    """
    skeleton: Any = {}
    for number, (field, template) in enumerate(templates.items(), start=1):
        # A number, since the field's name may be a key in the wrong place.
        label = f"Template {number}"
        path = field_path(field)
        if not path:
            message = f"{label} has no field: write it like query='{{company}} report'."
            raise refusal(message)
        parts = _parts(label, template, columns)
        read = _reader(label, parts, is_json=field.endswith(":"))
        try:
            skeleton = set_value(skeleton, schema, path, read)
        except LookupError:
            message = f"{label} {NO_PLACE}"
            raise refusal(message) from None
    return lambda cells: _filled(skeleton, cells)


def _parts(
    label: str, template: str, columns: Collection[str]
) -> Sequence[str | _Cell]:
    parts: list[str | _Cell] = []
    rest = 0
    for found in _BRACES.finditer(template):
        literal, name = found.groups()
        if literal in columns:
            parts += [template[rest : found.start()], f"{{{literal}}}"]
        elif name in columns:
            parts += [template[rest : found.start()], _Cell(name)]
        else:
            _refuse_near_match(label, name, columns)
            continue
        rest = found.end()
    return [part for part in (*parts, template[rest:]) if part]


def _refuse_near_match(label: str, name: str | None, columns: Collection[str]) -> None:
    if name and (nearest := did_you_mean(name, columns)):
        message = (
            f"{label} has a name in braces that is almost a column.{nearest} "
            "For the text itself, write its braces twice, or use other ones."
        )
        raise refusal(message)


def _reader(
    label: str, parts: Sequence[str | _Cell], *, is_json: bool
) -> Callable[[JsonObject], JsonValue]:
    if not any(isinstance(part, _Cell) for part in parts):
        text = "".join(map(str, parts))
        return lambda schema: _fixed(label, text, schema, is_json=is_json)
    if is_json:
        message = (
            f"{label} has a column: a cell is text, so write FIELD= and not FIELD:=."
        )
        raise refusal(message)
    cell: Any = _Text(parts)
    return lambda _: cell


def _fixed(label: str, text: str, schema: JsonObject, *, is_json: bool) -> JsonValue:
    try:
        return parse_json(text) if is_json else typed_value(text, schema)
    except ValueError:
        message = f"{label} is not valid JSON."
        raise refusal(message) from None


def _filled(node: Any, cells: Mapping[str, JsonValue]) -> Any:
    if isinstance(node, _Text):
        return node.of(cells)
    if isinstance(node, dict):
        return {name: _filled(part, cells) for name, part in node.items()}
    if isinstance(node, list):
        return [_filled(item, cells) for item in node]
    return node


def _value(part: str | _Cell, cells: Mapping[str, JsonValue]) -> JsonValue:
    return cells.get(part.column, "") if isinstance(part, _Cell) else part
