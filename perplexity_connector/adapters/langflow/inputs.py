"""The form of a node: drawn from the schemas of an action, and read back as the input of a run.

Nothing here needs Langflow: an input is the name of a Langflow class and its keywords.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.contract import JsonObject, JsonValue, Secret
from perplexity_connector.contract.json import is_blank
from perplexity_connector.contract.readers import (
    as_list,
    as_number,
    as_object,
    as_objects,
    as_text,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import ActionDescription

# Added to the name of a table, this is the name of the input for its next row.
_NEXT = "_next"
_NAME = "connection_name"
_ClassAndKeywords: TypeAlias = tuple[str, dict[str, object]]
# Langflow's class for each type, with its blank value.
_TEXT: tuple[str, object] = ("MessageTextInput", "")
_KINDS: Mapping[str, tuple[str, object]] = {
    "boolean": ("BoolInput", False),
    "integer": ("IntInput", 0),
    "number": ("FloatInput", 0),
    "object": ("NestedDictInput", {}),
}
# Langflow's drop-down cannot be emptied, so this choice means "empty".
_NOT_SET = "Not set"
# A cell of a table is always a text.
_AS_LIST = 'Write ["one", "another"].'


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """One input of a node: the Langflow class that draws it, its name, its other keywords."""

    kind: str
    name: str
    keywords: Mapping[str, object]


def inputs_of(described: "ActionDescription") -> Sequence[InputSpec]:
    """Return the inputs of an action: basic ones, then the credential, then advanced ones."""
    schemas = described["schemas"]
    required = as_list(schemas["input"].get("required"))
    specs = [
        spec
        for field in _input_fields(described)
        for spec in _inputs(field, required=field.name in required)
    ]
    basic = [spec for spec in specs if not spec.keywords["advanced"]]
    advanced = [spec for spec in specs if spec.keywords["advanced"]]
    return [*basic, *_credential(schemas["connection"]), *advanced]


def input_of(
    described: "ActionDescription", values: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return the input of a run: the values of the form, typed by the schema, without blanks.

    A value that cannot be read stays as it is, so that validation points at its field.
    """
    found: dict[str, JsonValue] = {}
    for field in _input_fields(described):
        value = _read(values.get(field.name), field)
        if field.is_blank_at_zero() and value == 0:
            continue
        row = field.next_row()
        text = as_text(values.get(field.name + _NEXT)).strip()
        if row and text:
            value = [*as_list(value), {**row, field.text_column(): text}]
        if not is_blank(value):
            found[field.name] = value
    return found


def connection_of(
    described: "ActionDescription", values: Mapping[str, str]
) -> str | dict[str, str | Secret] | None:
    """Return the connection of a run: a given key, else a stored connection's name, or None."""
    schema = described["schemas"]["connection"]
    name = values.get(_NAME, "").strip()
    secrets = {}
    for field in as_object(schema.get("properties")):
        text = values.get(field, "").strip()
        if text and field != _NAME:
            secrets[field] = Secret(text)
    return {_NAME: name or "Langflow", **secrets} if secrets else name or None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """A field of the form, or an item or a column of one.

    `pointer` is its place in the input, with `*` for any item. `labels` holds the words for the
    choices of all fields, by pointer. `example` is its value in the action's first example.
    """

    name: str
    schema: JsonObject
    pointer: str
    labels: Mapping[str, Mapping[str, str]]
    example: JsonValue

    def text(self, keyword: str) -> str:
        """Return the text of a keyword of the schema."""
        return as_text(self.schema.get(keyword))

    def properties(self) -> Sequence["_Field"]:
        """Return the fields of an object."""
        example = as_object(self.example)
        return [
            _Field(
                name=name,
                schema=as_object(schema),
                pointer=f"{self.pointer}/{name}",
                labels=self.labels,
                example=example.get(name),
            )
            for name, schema in as_object(self.schema.get("properties")).items()
        ]

    def branches(self) -> Sequence[JsonObject]:
        """Return the schema, and each alternative in it."""
        return [self.schema, *as_objects(self.schema.get("anyOf"))]

    def takes(self, kind: str) -> bool:
        """Return whether the field takes values of a type."""
        return any(branch.get("type") == kind for branch in self.branches())

    def item(self) -> "_Field":
        """Return any item of a list."""
        schema: JsonObject = {}
        for branch in self.branches():
            schema = schema or as_object(branch.get("items"))
        return replace(
            self,
            schema=schema,
            pointer=f"{self.pointer}/*",
            example=None,
        )

    def columns(self) -> Sequence["_Field"]:
        """Return the columns of a table, which is a list of objects."""
        return self.item().properties()

    def text_column(self) -> str:
        """Return the one column that takes any text; empty if several do, or none does."""
        texts = [
            column.name
            for column in self.columns()
            if column.schema.get("type") == "string" and "enum" not in column.schema
        ]
        return texts[0] if len(texts) == 1 else ""

    def next_row(self) -> JsonObject:
        """Return the row that a lone text becomes: the example's last one, or an empty one."""
        rows = as_list(self.example)
        return as_object(rows[-1]) if rows and self.text_column() else {}

    def choices(self) -> dict[str, str]:
        """Return the values to choose from, each with its label.

        A boolean without a default is a choice too: it may stay unset.
        """
        labels = self.labels.get(self.pointer, {})
        values = [as_text(value) for value in as_list(self.schema.get("enum"))]
        if self.schema.get("type") == "boolean" and "default" not in self.schema:
            values = ["true", "false"]
        return {value: labels.get(value) or value for value in values}

    def is_blank_at_zero(self) -> bool:
        """Return whether 0, which is Langflow's blank number, is not a valid value here."""
        least = as_number(self.schema.get("minimum"))
        return "default" not in self.schema and least is not None and least > 0


def _input_fields(described: "ActionDescription") -> Sequence[_Field]:
    form = _Field(
        name="",
        schema=described["schemas"]["input"],
        pointer="",
        labels=described["labels"],
        example=next(iter(described["examples"]), None),
    )
    return form.properties()


def _inputs(field: _Field, *, required: bool) -> Iterator[InputSpec]:
    advanced = not required and "default" not in field.schema
    row = field.next_row()
    if row:
        yield _next_row_input(field, advanced=advanced, required=required)
    info = field.text("description")
    if field.takes("string") and field.takes("array"):
        # One text, since Langflow's list input takes a text from an API call for a list of letters. Each letter
        # would be a paid search.
        info = f'{info} For several, write ["one", "another"].'
    kind, own_keywords = _input_class(field, required=required)
    keywords = {
        "display_name": field.schema.get("title"),
        "info": info,
        # The next row's input can fill a table. Validation has the last word.
        "required": required and not row,
        "advanced": advanced,
        **own_keywords,
    }
    if required and kind == "MessageTextInput":
        keywords["tool_mode"] = True
    yield InputSpec(
        kind=kind,
        name=field.name,
        keywords=keywords,
    )


def _next_row_input(
    field: _Field,
    *,
    advanced: bool,
    required: bool,
) -> InputSpec:
    item = field.item()
    descriptions = {
        column.name: column.text("description") for column in item.properties()
    }
    info = f"Added after the rows of {field.text('title')}. {descriptions[field.text_column()]}"
    keywords = {
        "display_name": f"Next {item.text('title').lower()}",
        "info": info,
        "advanced": advanced,
        "tool_mode": required,
        "value": "",
    }
    return InputSpec(
        kind="MultilineInput",
        name=field.name + _NEXT,
        keywords=keywords,
    )


def _input_class(field: _Field, *, required: bool) -> _ClassAndKeywords:
    """Return the Langflow class for a field, and the keywords of that class."""
    schema = field.schema
    if choices := field.choices():
        chosen = choices.get(field.text("default"), "")
        unset = [] if required or chosen else [_NOT_SET]
        labels = [*unset, *choices.values()]
        return "DropdownInput", {"options": labels, "value": chosen}
    if field.takes("array") and not field.takes("string"):
        return _list_class(field)
    suggestions = as_list(schema.get("examples"))
    if schema.get("type") == "string" and len(suggestions) > 1:
        first = suggestions[0] if required else ""
        options = list(suggestions)
        return "DropdownInput", {"options": options, "combobox": True, "value": first}
    kind, blank = _KINDS.get(field.text("type"), _TEXT)
    is_number = kind in ("IntInput", "FloatInput")
    if is_number and "default" not in schema and not field.is_blank_at_zero():
        kind, blank = _TEXT
    return kind, {"value": schema.get("default", blank)}


def _list_class(field: _Field) -> _ClassAndKeywords:
    value = field.schema.get("default", [])
    columns = field.columns()
    if not columns:
        return "MessageTextInput", {"is_list": True, "value": value}
    row = field.next_row()
    table = [_column(column, row) for column in columns]
    return "TableInput", {"table_schema": table, "value": value}


def _column(field: _Field, next_row: JsonObject) -> dict[str, JsonValue]:
    """Return a column of Langflow's. New rows get the choice of `next_row`."""
    column = {
        "name": field.name,
        "display_name": field.schema.get("title"),
        "description": field.schema.get("description"),
        "type": "str",
    }
    if field.takes("array"):
        column["description"] = f"{field.text('description')} {_AS_LIST}"
    choices = field.choices()
    if not choices:
        return {**column, "default": "", "edit_mode": "modal"}
    usual = as_text(next_row.get(field.name))
    options = list(choices.values())
    return {
        **column,
        "options": options,
        "default": choices.get(usual, ""),
    }


def _credential(form: JsonObject) -> Iterator[InputSpec]:
    for name, schema in as_object(form.get("properties")).items():
        field = as_object(schema)
        is_secret = field.get("format") == "password"
        info = "The name of a connection stored on the server, in place of a key."
        if is_secret:
            info = (
                f"{as_text(field.get('description'))} "
                "If blank: the connection named below, or the server's own."
            )
        yield InputSpec(
            kind="SecretStrInput" if is_secret else "StrInput",
            name=name,
            keywords={
                "display_name": field.get("title"),
                "required": False,
                "value": "",
                "info": info,
                "advanced": not is_secret,
            },
        )


def _read(value: JsonValue, field: _Field) -> JsonValue:
    if isinstance(value, str):
        return _read_text(value, field)
    if not field.takes("array"):
        return value
    items = [_read_item(item, field.item()) for item in as_list(value)]
    return [item for item in items if not is_blank(item)]


def _read_item(value: JsonValue, field: _Field) -> JsonValue:
    if not isinstance(value, Mapping):
        return _read(value, field)
    cells = {
        column.name: _read(value.get(column.name), column)
        for column in field.properties()
    }
    return {name: cell for name, cell in cells.items() if not is_blank(cell)}


def _read_text(text: str, field: _Field) -> JsonValue:
    choices = field.choices()
    by_label = {label: value for value, label in choices.items()}
    if choices:
        by_label[_NOT_SET] = ""
    text = by_label.get(text, text)
    is_list = text.lstrip().startswith("[") and field.takes("array")
    if not text.strip() or (field.takes("string") and not is_list):
        return text
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
