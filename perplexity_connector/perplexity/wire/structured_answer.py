"""Read the value of a structured answer from its text.

The text is not always plain JSON (docs/provider.md, "Structured answers"): it may be in a code
fence, or after prose, or before citation marks; and texts inside it may end with marks. `content`
keeps all of that, and `parsed` is the value without it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perplexity_connector.contract import JsonValue, RunWarning
from perplexity_connector.contract.readers import as_list, as_object
from perplexity_connector.perplexity.forms.author_schema import (
    AuthorSchema,
    compile_schema,
)
from perplexity_connector.perplexity.wire.json_in_text import (
    DECODER,
    objects_in,
    split_thoughts,
)
from perplexity_connector.perplexity.wire.value_marks import (
    MARK,
    Numbers,
    without_marks,
)

# A host accepts a hundred levels, and the output has some of its own.
_DEEPEST = 90
# The most places or patterns that a warning names.
_MOST_NAMED = 100
_AFTER_OBJECT = re.compile(rf"\s*(?:```|~~~|(?:{MARK}\s*)*\Z)")
_SEE_CONTENT = "`content` has the answer as it is."


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredAnswer:
    """The value of an answer, and its warnings. It is null if none follows the schema."""

    parsed: JsonValue
    warnings: Sequence[RunWarning]


class _TooDeepError(ValueError):
    """The JSON is nested too deeply for a host."""


def structured_answer(
    schema: Mapping[str, Any], texts: Sequence[str], numbers: Numbers
) -> StructuredAnswer:
    """Return the value of the first text that has one.

    `texts` are the texts that may be the answer, the likeliest first. `schema` is valid.
    """
    check = compile_schema(schema)
    warning = _mismatch()
    for text in dict.fromkeys(texts):
        for read, warnings in ((_read, []), (_unwrap, [_unwrapped()])):
            try:
                value = read(text)
            except _TooDeepError:
                warning = _too_deep()
            except ValueError:
                pass
            else:
                if check.accepts(value):
                    return _finished(value, warnings, check, numbers)
    return StructuredAnswer(parsed=None, warnings=[warning])


def _finished(
    value: JsonValue,
    warnings: Sequence[RunWarning],
    check: AuthorSchema,
    numbers: Numbers,
) -> StructuredAnswer:
    parsed, removed = without_marks(value, check, numbers)
    all_warnings = [
        *warnings,
        *_marks_removed(removed),
        *_unchecked(check.unchecked),
    ]
    return StructuredAnswer(parsed=parsed, warnings=all_warnings)


def _read(text: str) -> JsonValue:
    """Return the value of a JSON text. Raises `ValueError` if it is not JSON or too deep."""
    try:
        value: JsonValue = DECODER.decode(text)
    except RecursionError:
        raise _TooDeepError from None
    return _checked(value)


def _unwrap(text: str) -> JsonValue:
    """Return the last object that is followed by the end of a code fence, or by nothing but marks.

    None without one. Raises `ValueError` like `_read`.
    """
    _, answer = split_thoughts(text)
    value: JsonValue = None
    for found in objects_in(answer):
        if _AFTER_OBJECT.match(answer, found.end):
            value = found.value
    return _checked(value)


def _checked(value: JsonValue) -> JsonValue:
    if _is_too_deep(value):
        raise _TooDeepError
    # NaN, 1e999 and an escaped lone surrogate can be read, but cannot be written as JSON again.
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def _is_too_deep(value: JsonValue) -> bool:
    containers = [value]
    for _ in range(_DEEPEST):
        parts = [part for container in containers for part in _parts(container)]
        containers = [part for part in parts if isinstance(part, dict | list)]
    return bool(containers)


def _parts(value: JsonValue) -> Iterable[JsonValue]:
    return as_object(value).values() or as_list(value)


def _marks_removed(removed: Mapping[str, str]) -> Sequence[RunWarning]:
    if not removed:
        return []
    places = [f"{pointer} {marks}" for pointer, marks in removed.items()]
    message = f"Citation marks were removed in `parsed`: {_named(places)}."
    return [RunWarning(code="marks_removed", message=message)]


def _unchecked(patterns: Sequence[str]) -> Sequence[RunWarning]:
    if not patterns:
        return []
    message = f"Patterns that need unlimited time were not checked: {_named(patterns)}"
    return [RunWarning(code="pattern_unchecked", message=message)]


def _named(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    more = f", and {rest} more" if rest > 0 else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _unwrapped() -> RunWarning:
    message = f"The JSON was inside other text. `parsed` is its value; {_SEE_CONTENT}"
    return RunWarning(code="json_unwrapped", message=message)


def _too_deep() -> RunWarning:
    message = f"The JSON is nested more than {_DEEPEST} levels deep, so `parsed` is null; {_SEE_CONTENT}"
    return RunWarning(code="answer_too_deep", message=message)


def _mismatch() -> RunWarning:
    message = (
        "The answer does not follow the JSON schema, or is too large to be checked, "
        f"so `parsed` is null; {_SEE_CONTENT}"
    )
    return RunWarning(code="schema_mismatch", message=message)
