"""Turn the schemas of the actions into a module of TypedDicts.

datamodel-code-generator was tried: it makes an alias for every field, loses a null beside an enum,
and needs typing_extensions at run time.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = '''"""The inputs and outputs of the actions, as types for a checker. Made by `forms/emit.py`."""

from typing import Literal, NotRequired, TypedDict

from perplexity_connector.contract import JsonObject, JsonValue

__all__ = [
{names}
]
'''
_CLASS = '''

class {name}(TypedDict):
    """{description}"""

{fields}
'''
_TYPES = {
    "array": "list",
    "boolean": "bool",
    "integer": "int",
    "null": "None",
    "number": "float",
    "object": "JsonObject",
    "string": "str",
}
# As ruff formats the module.
_LINE_LENGTH = 88


def module_of(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the source of a module that has a TypedDict for each schema, by its name.

    An object inside a schema is a TypedDict too, named after the schema and its own title.
    Raises `ValueError` if two objects of a schema have the same title.
    """
    classes: dict[str, str] = {}
    for name, schema in schemas.items():
        for each, source in _classes(name, name, schema):
            if each in classes:
                message = f"two objects are named {each}"
                raise ValueError(message)
            classes[each] = source
    names = "\n".join(f'    "{name}",' for name in sorted(classes))
    return _HEAD.format(names=names) + "".join(classes.values())


def _classes(
    root: str, name: str, schema: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the name and source of each object of a schema, the inner ones first."""
    properties = schema["properties"]
    for field in properties.values():
        for inner in _objects(field):
            yield from _classes(root, _name(root, inner), inner)
    required = schema.get("required", ())
    yield (
        name,
        _CLASS.format(
            name=name,
            description=schema["description"],
            fields="\n".join(
                _field(key, _type(root, field), is_required=key in required)
                for key, field in properties.items()
            ),
        ),
    )


def _objects(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects with properties that a value of this schema may be, or may hold."""
    if "properties" in schema:
        yield schema
    for choice in schema.get("anyOf", ()):
        yield from _objects(choice)
    if "items" in schema:
        yield from _objects(schema["items"])


def _name(root: str, schema: Mapping[str, Any]) -> str:
    words = schema["title"].split()
    return root + "".join(word[0].upper() + word[1:] for word in words)


def _field(key: str, kind: str, *, is_required: bool) -> str:
    if is_required:
        return f"    {key}: {kind}"
    line = f"    {key}: NotRequired[{kind}]"
    if len(line) <= _LINE_LENGTH:
        return line
    return f"    {key}: NotRequired[\n        {kind}\n    ]"


def _type(root: str, schema: Mapping[str, Any]) -> str:
    """Return the type of a value, as it is written in the module."""
    if "anyOf" in schema:
        return " | ".join(_type(root, choice) for choice in schema["anyOf"])
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not kinds:
        return "JsonValue"
    return " | ".join(_type_of_kind(root, kind, schema) for kind in kinds)


def _type_of_kind(root: str, kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "null":
        return "None"
    choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if choices:
        return f"Literal[{', '.join(map(json.dumps, choices))}]"
    if kind == "array":
        return f"list[{_type(root, schema['items'])}]"
    if "properties" in schema:
        return _name(root, schema)
    return _TYPES[kind]
