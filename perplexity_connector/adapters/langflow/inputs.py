"""The form of a node, from the schemas of an action, and back: what was filled in as the input of a run.

Nothing here needs Langflow: an input is the name of one of Langflow's classes and the keywords it takes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import JsonObject, JsonValue, Secret
from perplexity_connector.contract.json import as_list, as_number, as_object, as_text

# What the handle of a table is called, after the table's own name.
_HANDLE = "_next"
_NAME = "connection_name"
# Langflow's classes, each with what it holds when nothing is filled in.
_TEXT: tuple[str, object] = ("MessageTextInput", "")
_KINDS: Mapping[str, tuple[str, object]] = {
    "boolean": ("BoolInput", False),
    "integer": ("IntInput", 0),
    "number": ("FloatInput", 0),
    "object": ("NestedDictInput", {}),
}
# Langflow's drop-down never lets go of a choice.
_OPEN = "Not set"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """One input of a node: the name of the class of Langflow that draws it, its own name and its other keywords."""

    kind: str
    name: str
    keywords: Mapping[str, object]


def inputs_of(described: JsonObject) -> Sequence[InputSpec]:
    """The inputs of an action: what a run needs, then the credential, then the rest, folded away."""
    schemas = as_object(described["schemas"])
    form = as_object(schemas["input"])
    names = [as_text(name) for name in as_list(form.get("required"))]
    specs = [
        spec
        for name, field in _properties(form).items()
        for spec in _inputs(name, field, described, required=name in names)
    ]
    basic = [spec for spec in specs if not spec.keywords["advanced"]]
    advanced = [spec for spec in specs if spec.keywords["advanced"]]
    return [*basic, *_credential(as_object(schemas["connection"])), *advanced]


def input_of(
    described: JsonObject, values: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """The input of a run: what was filled in, as its schema wants it; what was left blank is left out.

    What cannot be read stays as it is, so that validation points at its field.
    """
    form = as_object(as_object(described["schemas"])["input"])
    found: dict[str, JsonValue] = {}
    for name, field in _properties(form).items():
        value = _read(values.get(name), field, f"/{name}", described)
        if _blank_at_nought(field) and value == 0:
            continue
        if _next_row(name, field, described) and (
            text := as_text(values.get(name + _HANDLE)).strip()
        ):
            value = [
                *as_list(value),
                {**_next_row(name, field, described), _text_column(field): text},
            ]
        if not _blank(value):
            found[name] = value
    return found


def connection_of(
    described: JsonObject, values: Mapping[str, str]
) -> str | dict[str, str | Secret] | None:
    """The connection of a run: the key that was filled in, else the stored connection of that name, else None."""
    fields = _properties(as_object(as_object(described["schemas"])["connection"]))
    name = values.get(_NAME, "").strip()
    secrets = {
        field: Secret(text)
        for field in fields
        if field != _NAME and (text := values.get(field, "").strip())
    }
    return {_NAME: name or "Langflow", **secrets} if secrets else name or None


def _inputs(
    name: str, field: JsonObject, described: JsonObject, *, required: bool
) -> Iterator[InputSpec]:
    kind, own = _drawn(name, field, described, required=required)
    told = {
        "display_name": field.get("title"),
        "info": as_text(field.get("description")),
    }
    if _takes(field, "string") and _takes(field, "array"):
        # A list of Langflow's takes a lone text from an API call for a list of its letters, each a search to be paid.
        told["info"] = f'{told["info"]} Several as ["one", "another"].'
    advanced = not required and "default" not in field
    row = _next_row(name, field, described)
    if row:
        told_row = _told_row(field)
        keywords = {
            **told_row,
            "advanced": advanced,
            "tool_mode": required,
            "value": "",
        }
        yield InputSpec(kind="MultilineInput", name=name + _HANDLE, keywords=keywords)
    # A table that an edge can fill is not required of whoever fills in the form; validation has the last word.
    needed = {"required": required and not row, "advanced": advanced}
    tool = {"tool_mode": True} if required and kind == "MessageTextInput" else {}
    yield InputSpec(kind=kind, name=name, keywords={**told, **needed, **own, **tool})


def _drawn(
    name: str, field: JsonObject, described: JsonObject, *, required: bool
) -> tuple[str, dict[str, object]]:
    if options := _choices(field, f"/{name}", described):
        chosen = options.get(as_text(field.get("default")), "")
        unset = [] if required or chosen else [_OPEN]
        return "DropdownInput", {
            "options": [*unset, *options.values()],
            "value": chosen,
        }
    if _takes(field, "array") and not _takes(field, "string"):
        return _list(name, field, described)
    suggestions = as_list(field.get("examples"))
    if field.get("type") == "string" and len(suggestions) > 1:
        return "DropdownInput", {
            "options": list(suggestions),
            "combobox": True,
            "value": suggestions[0] if required else "",
        }
    kind, blank = _KINDS.get(as_text(field.get("type")), _TEXT)
    if (
        kind in ("IntInput", "FloatInput")
        and "default" not in field
        and not _blank_at_nought(field)
    ):
        kind, blank = _TEXT
    return kind, {"value": field.get("default", blank)}


def _list(
    name: str, field: JsonObject, described: JsonObject
) -> tuple[str, dict[str, object]]:
    columns = _properties(_items(field))
    if not columns:
        return "MessageTextInput", {"is_list": True, "value": field.get("default", [])}
    row = _next_row(name, field, described)
    schema = [
        _column(column, one, f"/{name}/*/{column}", row, described)
        for column, one in columns.items()
    ]
    return "TableInput", {"table_schema": schema, "value": field.get("default", [])}


def _column(
    name: str, field: JsonObject, pointer: str, row: JsonObject, described: JsonObject
) -> dict[str, JsonValue]:
    options = _choices(field, pointer, described)
    told = {
        "name": name,
        "display_name": field.get("title"),
        "description": field.get("description"),
        "type": "str",
    }
    chosen = {
        "options": list(options.values()),
        "default": options.get(as_text(row.get(name)), ""),
    }
    return told | (chosen if options else {"default": "", "edit_mode": "modal"})


def _credential(form: JsonObject) -> Iterator[InputSpec]:
    for name, field in _properties(form).items():
        told = {"display_name": field.get("title"), "required": False, "value": ""}
        if field.get("format") == "password":
            info = f"{as_text(field.get('description'))} Left blank: the connection named below, or the server's own."
            yield InputSpec(
                kind="SecretStrInput",
                name=name,
                keywords={**told, "info": info, "advanced": False},
            )
        else:
            info = "The name of a connection stored on the server, in place of a key."
            yield InputSpec(
                kind="StrInput",
                name=name,
                keywords={**told, "info": info, "advanced": True},
            )


def _told_row(field: JsonObject) -> dict[str, object]:
    items = _items(field)
    column = as_object(_properties(items).get(_text_column(field)))
    info = f"Comes after the rows of {as_text(field.get('title'))}. {as_text(column.get('description'))}"
    return {"display_name": f"Next {as_text(items.get('title')).lower()}", "info": info}


def _next_row(name: str, field: JsonObject, described: JsonObject) -> JsonObject:
    """The row that a lone text becomes: the last one of the action's first example; empty where there is none."""
    first = next(
        (as_object(example) for example in as_list(described.get("examples"))), {}
    )
    rows = as_list(first.get(name))
    return as_object(rows[-1]) if rows and _text_column(field) else {}


def _text_column(field: JsonObject) -> str:
    """The one column of a table that takes any text; empty when there is none, or more than one."""
    columns = _properties(_items(field)).items()
    texts = [
        column
        for column, one in columns
        if one.get("type") == "string" and "enum" not in one
    ]
    return texts[0] if len(texts) == 1 else ""


def _choices(field: JsonObject, pointer: str, described: JsonObject) -> dict[str, str]:
    """What may be chosen, each value with what people read; a yes or no that may stay open is a choice too."""
    labels = as_object(as_object(described["labels"]).get(pointer))
    values = [as_text(value) for value in as_list(field.get("enum"))]
    if field.get("type") == "boolean" and "default" not in field:
        values = ["true", "false"]
    return {value: as_text(labels.get(value)) or value for value in values}


def _read(
    value: JsonValue, field: JsonObject, pointer: str, described: JsonObject
) -> JsonValue:
    if isinstance(value, str):
        return _read_text(value, field, pointer, described)
    if not _takes(field, "array"):
        return value
    return [
        item
        for one in as_list(value)
        if not _blank(item := _read_item(one, field, pointer, described))
    ]


def _read_item(
    value: JsonValue, field: JsonObject, pointer: str, described: JsonObject
) -> JsonValue:
    items = _items(field)
    if not isinstance(value, Mapping):
        return _read(value, items, f"{pointer}/*", described)
    cells = {
        name: _read(value.get(name), cell, f"{pointer}/*/{name}", described)
        for name, cell in _properties(items).items()
    }
    return {name: cell for name, cell in cells.items() if not _blank(cell)}


def _read_text(
    text: str, field: JsonObject, pointer: str, described: JsonObject
) -> JsonValue:
    choices = _choices(field, pointer, described)
    by_label = {label: value for value, label in choices.items()} | (
        {_OPEN: ""} if choices else {}
    )
    text = by_label.get(text, text)
    listed = text.lstrip().startswith("[") and _takes(field, "array")
    if not text.strip() or (_takes(field, "string") and not listed):
        return text
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _properties(schema: JsonObject) -> dict[str, JsonObject]:
    return {
        name: as_object(field)
        for name, field in as_object(schema.get("properties")).items()
    }


def _branches(field: JsonObject) -> Sequence[JsonObject]:
    return [field, *(as_object(branch) for branch in as_list(field.get("anyOf")))]


def _takes(field: JsonObject, kind: str) -> bool:
    return any(branch.get("type") == kind for branch in _branches(field))


def _items(field: JsonObject) -> JsonObject:
    return next(
        (
            as_object(branch["items"])
            for branch in _branches(field)
            if "items" in branch
        ),
        {},
    )


def _blank_at_nought(field: JsonObject) -> bool:
    """Whether 0, which is Langflow's blank for a number, cannot be meant here; else a number is typed in as text."""
    least = as_number(field.get("minimum"))
    return "default" not in field and least is not None and least > 0


def _blank(value: JsonValue) -> bool:
    return not value.strip() if isinstance(value, str) else value in (None, [], {})
