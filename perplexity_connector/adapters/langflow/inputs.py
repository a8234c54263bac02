"""The form of a node, from the schemas of an action, and back: what was filled in as the input of a run.

Nothing here needs Langflow: an input is the name of one of Langflow's classes and the keywords it takes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import JsonObject, JsonValue, Secret
from perplexity_connector.readable.shape import as_list, as_object, as_text

# What the handle of a table is called, after the table's own name.
_HANDLE = "_next"
_NAME = "connection_name"


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


def input_of(described: JsonObject, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The input of a run: what was filled in, as its schema wants it; what was left blank is left out.

    What cannot be read stays as it is, so that validation points at its field.
    """
    form = as_object(as_object(described["schemas"])["input"])
    found: dict[str, JsonValue] = {}
    for name, field in _properties(form).items():
        value = _read(values.get(name), field, f"/{name}", described)
        if _next_row(name, field, described) and (text := as_text(values.get(name + _HANDLE)).strip()):
            value = [*as_list(value), {**_next_row(name, field, described), _text_column(field): text}]
        if not _blank(value):
            found[name] = value
    return found


def connection_of(described: JsonObject, values: Mapping[str, str]) -> str | dict[str, str | Secret] | None:
    """The connection of a run: the key that was filled in, else the stored connection of that name, else None."""
    fields = _properties(as_object(as_object(described["schemas"])["connection"]))
    name = values.get(_NAME, "").strip()
    secrets = {field: Secret(text) for field in fields if field != _NAME and (text := values.get(field, "").strip())}
    return {_NAME: name or "Langflow", **secrets} if secrets else name or None


def _inputs(name: str, field: JsonObject, described: JsonObject, *, required: bool) -> Iterator[InputSpec]:
    kind, own = _drawn(name, field, described)
    told = {"display_name": field.get("title"), "info": field.get("description")}
    advanced = not required and "default" not in field
    row = _next_row(name, field, described)
    if row:
        told_row = _told_row(field)
        keywords = {**told_row, "advanced": advanced, "tool_mode": required, "value": ""}
        yield InputSpec(kind="MultilineInput", name=name + _HANDLE, keywords=keywords)
    # A table that an edge can fill is not required of whoever fills in the form; validation has the last word.
    needed = {"required": required and not row, "advanced": advanced}
    tool = {"tool_mode": True} if required and kind == "MessageTextInput" else {}
    yield InputSpec(kind=kind, name=name, keywords={**told, **needed, **own, **tool})


def _drawn(name: str, field: JsonObject, described: JsonObject) -> tuple[str, dict[str, object]]:
    if options := _choices(field, f"/{name}", described):
        chosen = options.get(as_text(field.get("default")), "")
        return "DropdownInput", {"options": list(options.values()), "value": chosen}
    if field.get("type") == "boolean":
        return "BoolInput", {"value": field["default"]}
    if (number := {"integer": "IntInput", "number": "FloatInput"}.get(as_text(field.get("type")))) is not None:
        return number, {"value": field.get("default", "")}
    if _takes(field, "array"):
        return _list(name, field, described)
    if field.get("type") == "object":
        return "NestedDictInput", {"value": field.get("default", {})}
    suggestions = as_list(field.get("examples"))
    if len(suggestions) > 1:
        return "DropdownInput", {"options": list(suggestions), "combobox": True, "value": suggestions[0]}
    return "MessageTextInput", {"value": field.get("default", "")}


def _list(name: str, field: JsonObject, described: JsonObject) -> tuple[str, dict[str, object]]:
    columns = _properties(_items(field))
    if not columns:
        return "MessageTextInput", {"is_list": True, "value": field.get("default", [])}
    row = _next_row(name, field, described)
    schema = [_column(column, one, f"/{name}/*/{column}", row, described) for column, one in columns.items()]
    return "TableInput", {"table_schema": schema, "value": field.get("default", [])}


def _column(
    name: str, field: JsonObject, pointer: str, row: JsonObject, described: JsonObject
) -> dict[str, JsonValue]:
    options = _choices(field, pointer, described)
    told = {"name": name, "display_name": field.get("title"), "description": field.get("description"), "type": "str"}
    chosen = {"options": list(options.values()), "default": options.get(as_text(row.get(name)), "")}
    return told | (chosen if options else {"default": "", "edit_mode": "modal"})


def _credential(form: JsonObject) -> Iterator[InputSpec]:
    for name, field in _properties(form).items():
        told = {"display_name": field.get("title"), "required": False, "value": ""}
        if field.get("format") == "password":
            info = f"{as_text(field.get('description'))} Left blank: the connection named below, or the server's own."
            yield InputSpec(kind="SecretStrInput", name=name, keywords={**told, "info": info, "advanced": False})
        else:
            info = "The name of a connection stored on the server, in place of a key."
            yield InputSpec(kind="StrInput", name=name, keywords={**told, "info": info, "advanced": True})


def _told_row(field: JsonObject) -> dict[str, object]:
    items = _items(field)
    column = as_object(_properties(items).get(_text_column(field)))
    info = f"Comes after the rows of {as_text(field.get('title'))}. {as_text(column.get('description'))}"
    return {"display_name": items.get("title"), "info": info}


def _next_row(name: str, field: JsonObject, described: JsonObject) -> JsonObject:
    """The row that a lone text becomes: the last one of the action's first example; empty where there is none."""
    first = next((as_object(example) for example in as_list(described.get("examples"))), {})
    rows = as_list(first.get(name))
    return as_object(rows[-1]) if rows and _text_column(field) else {}


def _text_column(field: JsonObject) -> str:
    """The one column of a table that takes any text; empty when there is none, or more than one."""
    columns = _properties(_items(field)).items()
    texts = [column for column, one in columns if one.get("type") == "string" and "enum" not in one]
    return texts[0] if len(texts) == 1 else ""


def _choices(field: JsonObject, pointer: str, described: JsonObject) -> dict[str, str]:
    """What may be chosen, each value with what people read; a yes or no that may stay open is a choice too."""
    labels = as_object(as_object(described["labels"]).get(pointer))
    values = [as_text(value) for value in as_list(field.get("enum"))]
    if field.get("type") == "boolean" and "default" not in field:
        values = ["true", "false"]
    return {value: as_text(labels.get(value)) or value for value in values}


def _read(value: JsonValue, field: JsonObject, pointer: str, described: JsonObject) -> JsonValue:
    if isinstance(value, str):
        return _read_text(value, field, pointer, described)
    if not _takes(field, "array"):
        return value
    # One query or several: Langflow has a list for both.
    items = [item for one in as_list(value) if not _blank(item := _read_item(one, field, pointer, described))]
    return items[0] if len(items) == 1 and _takes(field, "string") else items


def _read_item(value: JsonValue, field: JsonObject, pointer: str, described: JsonObject) -> JsonValue:
    items = _items(field)
    if not isinstance(value, Mapping):
        return _read(value, items, f"{pointer}/*", described)
    cells = {
        name: _read(value.get(name), cell, f"{pointer}/*/{name}", described)
        for name, cell in _properties(items).items()
    }
    return {name: cell for name, cell in cells.items() if not _blank(cell)}


def _read_text(text: str, field: JsonObject, pointer: str, described: JsonObject) -> JsonValue:
    by_label = {label: value for value, label in _choices(field, pointer, described).items()}
    text = by_label.get(text, text)
    if _takes(field, "string") or not text.strip():
        return text
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _properties(schema: JsonObject) -> dict[str, JsonObject]:
    return {name: as_object(field) for name, field in as_object(schema.get("properties")).items()}


def _branches(field: JsonObject) -> Sequence[JsonObject]:
    return [field, *(as_object(branch) for branch in as_list(field.get("anyOf")))]


def _takes(field: JsonObject, kind: str) -> bool:
    return any(branch.get("type") == kind for branch in _branches(field))


def _items(field: JsonObject) -> JsonObject:
    return next((as_object(branch["items"]) for branch in _branches(field) if "items" in branch), {})


def _blank(value: JsonValue) -> bool:
    return value is None or value == [] or value == {} or (isinstance(value, str) and not value.strip())
