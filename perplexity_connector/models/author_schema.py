"""The JSON Schema that an author writes for a structured answer: is it sound, and does an answer follow it?

No reference in it is ever fetched: what it may point at lies inside it. jsonschema is imported on first use, since
most runs have no such schema.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def problem_with(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with an author's schema, in a sentence that says how to mend it; None when it is sound."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only structured answers need it
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - likewise

    try:
        json.dumps(schema, allow_nan=False)
        Draft202012Validator.check_schema(schema)
        missing = next((ref for ref in _references(schema) if not _resolves(schema, ref)), None)
    except SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path)
        return f"This is no valid JSON Schema: look at /{place}, where {error.validator} is not kept."
    except (ValueError, TypeError, RecursionError):
        return "This is no JSON document of a reasonable depth. Simplify it."
    return None if missing is None else "A $ref must point at a place inside this schema, such as #/$defs/name."


def follows(schema: Mapping[str, Any], instance: object) -> bool:
    """Whether an answer follows the author's schema; a schema that cannot be applied is followed by nothing."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only structured answers need it
    from referencing import Registry  # noqa: PLC0415 - likewise
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - likewise

    try:
        return Draft202012Validator(schema, registry=Registry()).is_valid(instance)
    except (Unresolvable, RecursionError):
        return False


def _references(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name in {"$ref", "$dynamicRef"} and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _resolves(schema: Mapping[str, Any], reference: str) -> bool:
    from referencing import Registry, Resource  # noqa: PLC0415 - heavy, and only structured answers need it
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - likewise
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - likewise

    resource = Resource.from_contents(dict(schema), default_specification=DRAFT202012)
    try:
        Registry().with_resource("", resource).resolver().lookup(reference)
    except Unresolvable:
        return False
    return True
