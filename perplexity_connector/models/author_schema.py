"""The JSON Schema that an author writes for a structured answer: is it sound, and does an answer follow it?

No reference in it is ever fetched: what it may point at lies inside it. jsonschema is imported on first use, since
most runs have no such schema.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_ONE_OF_EACH_KIND: Sequence[Any] = (None, True, 0, "", [], {})


def problem_with(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with an author's schema, in a sentence that says how to mend it; None when it is sound."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only structured answers need it
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - likewise

    try:
        json.dumps(schema, allow_nan=False)
        Draft202012Validator.check_schema(schema)
        astray = not all(_leads_to_schema(schema, reference) for reference in dict.fromkeys(_references(schema)))
    except SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path)
        return f"This is no valid JSON Schema: look at /{place}, where {error.validator} is not kept."
    except (ValueError, TypeError, OverflowError, RecursionError):
        return "This is no JSON document of a reasonable depth. Simplify it."
    if astray:
        return "A $ref must point at a schema inside this schema, such as #/$defs/name."
    return None if _applies(schema) else "A $ref leads nowhere but back to itself. Break the circle."


def follows(schema: Mapping[str, Any], instance: object) -> bool:
    """Whether an answer follows the author's schema; a schema that cannot be applied is followed by nothing."""
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - heavy, and only structured answers need it

    try:
        return _validator(schema).is_valid(instance)
    except (Unresolvable, RecursionError, OverflowError):  # the last: a huge number and a `multipleOf` with a fraction
        return False


def _validator(schema: Mapping[str, Any]) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only structured answers need it
    from referencing import Registry  # noqa: PLC0415 - likewise

    return Draft202012Validator(schema, registry=Registry())


def _references(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name in {"$ref", "$dynamicRef"} and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _leads_to_schema(schema: Mapping[str, Any], reference: str) -> bool:
    """Whether a reference points at a place inside the schema where a valid schema stands."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only structured answers need it
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - likewise
    from referencing import Registry, Resource  # noqa: PLC0415 - likewise
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - likewise
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - likewise

    resource = Resource.from_contents(dict(schema), default_specification=DRAFT202012)
    try:
        target = Registry().with_resource("", resource).resolver().lookup(reference).contents
        Draft202012Validator.check_schema(target)
    except (Unresolvable, SchemaError, ValueError):  # the last: a name where a list wants a number
        return False
    return True


def _applies(schema: Mapping[str, Any]) -> bool:
    """Whether the schema can be applied at all: what goes in circles shows on the smallest values."""
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - heavy, and only structured answers need it

    try:
        for value in _ONE_OF_EACH_KIND:
            list(_validator(schema).iter_errors(value))
    except (Unresolvable, RecursionError):
        return False
    return True
