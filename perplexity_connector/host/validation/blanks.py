"""Drop the blanks of an input that its schema refuses (docs/contract.md, "Blanks").

A blank that the schema accepts stays: another connector's null may mean "clear it".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from perplexity_connector.contract import FieldError, JsonValue
from perplexity_connector.contract.json import (
    Tokens,
    is_blank,
    pointer_tokens,
    value_at,
)
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.validation.to_json import Normalized, to_json

_Check: TypeAlias = Callable[[Normalized], list[FieldError]]


def drop_refused_blanks(
    document: Normalized, check: _Check
) -> tuple[Normalized, list[FieldError]]:
    """Return the document without the blanks that `check` refuses, and the errors of the rest.

    Required members and items of lists stay. `check` returns the errors of a document. It is asked
    again after each removal, because that may leave an empty object around it.
    """
    errors = check(document)
    required: set[Tokens] = set()
    while refused := set(_refused_blanks(document.value, errors)) - required:
        trial = _without(document, refused)
        trial_errors = check(trial)
        missing = refused & set(_paths(trial_errors, "required"))
        if missing:
            required |= missing
        else:
            document, errors = trial, trial_errors
    return document, errors


def _refused_blanks(
    document: JsonValue, errors: Sequence[FieldError]
) -> Iterator[Tokens]:
    """Yield the path of each member that is blank and has an error."""
    for path in (*_paths(errors), *_around_missing(errors)):
        # The root is not a member, a missing member has no value, and a parent may be gone.
        with suppress(LookupError):
            parent = as_object(value_at(document, path[:-1]))
            if is_blank(parent[path[-1]]):
                yield path


def _around_missing(errors: Iterable[FieldError]) -> Iterator[Tokens]:
    # The schema refuses `{}` because of the members that it lacks.
    for path in _paths(errors, "required"):
        yield path[:-1]


def _paths(errors: Iterable[FieldError], code: str = "") -> Iterator[Tokens]:
    for error in errors:
        if code in ("", error.code):
            yield pointer_tokens(error.pointer) or ()


def _without(document: Normalized, paths: Iterable[Tokens]) -> Normalized:
    copy = to_json(document.value).value
    for *parent, name in paths:
        holder: Any = value_at(copy, tuple(parent))
        del holder[name]
    return Normalized(value=copy, errors=document.errors)
