"""Check the JSON Schema that an author writes for a structured answer, and answers against it.

No reference in it is ever fetched: references may only point inside the schema. Recursion is
refused, since Perplexity does not support it (docs/provider.md, "Structured answers"). The depth is
limited, because the library that resolves references does not survive an exhausted stack: its Rust
part panics, past every `except Exception`. jsonschema is imported on first use, since most runs
have no such schema.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from referencing._core import Resolver

# Checking fifty levels, references included, takes about 400 of Python's 1000 stack frames.
_DEEPEST = 50


def problem_with(schema: Mapping[str, Any]) -> str | None:
    """Return the problem of an author's schema, with its remedy; None if the schema is valid."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only structured answers need it
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - likewise
    from referencing import Registry  # noqa: PLC0415 - likewise
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - likewise
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - likewise

    try:
        json.dumps(schema, allow_nan=False)
        _refuse_depth(schema)
        Draft202012Validator.check_schema(schema)
        resource = DRAFT202012.create_resource(schema)
        for target in _targets(schema, Registry().resolver_with_root(resource)):
            Draft202012Validator.check_schema(target)
    except SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path)
        return f"This is not a valid JSON Schema. Look at /{place}: it breaks the rule {error.validator}."
    except Unresolvable:
        return "A $ref must point at a place inside this schema, such as #/$defs/name."
    except RecursionError:
        return f"It is deeper than {_DEEPEST} levels, or a $ref leads back to itself. Simplify it."
    except (ValueError, TypeError, OverflowError):
        return "This is not a JSON document, or it has a wrong pattern or $ref. Simplify it."
    return None


def follows(schema: Mapping[str, Any], instance: object) -> bool:
    """Return whether an answer follows a valid schema; False if it cannot be checked."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only structured answers need it
    from referencing import Registry  # noqa: PLC0415 - likewise

    try:
        return Draft202012Validator(schema, registry=Registry()).is_valid(instance)
    except (RecursionError, OverflowError):
        return False


def _refuse_depth(node: object, level: int = 0) -> None:
    if level > _DEEPEST:
        raise RecursionError
    for part in _parts(node):
        _refuse_depth(part, level + 1)


def _targets(
    node: object,
    resolver: "Resolver[Any]",
    level: int = 0,
    seen: set[object] | None = None,
) -> Iterator[Any]:
    """Yield the target of each reference, before the references inside it.

    `level` is the depth so far; `seen` has the targets by identity and level. Raises
    `RecursionError` below `_DEEPEST`.
    """
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - heavy, and only structured answers need it

    if level > _DEEPEST:
        raise RecursionError
    seen = set() if seen is None else seen
    if isinstance(node, Mapping):
        if isinstance(node.get("$id"), str):
            resolver = resolver.in_subresource(DRAFT202012.create_resource(node))
        for reference in (node.get("$ref"), node.get("$dynamicRef")):
            found = resolver.lookup(reference) if isinstance(reference, str) else None
            # Each target once for each level, so that a schema whose references fan out ends.
            if found is not None and (id(found.contents), level) not in seen:
                seen.add((id(found.contents), level))
                yield found.contents
                yield from _targets(found.contents, found.resolver, level + 1, seen)
    for part in _parts(node):
        yield from _targets(part, resolver, level + 1, seen)


def _parts(node: object) -> Iterable[object]:
    if isinstance(node, Mapping):
        return node.values()
    return node if isinstance(node, list) else ()
