"""A text that is shown only by an explicit call of `reveal`."""

from collections.abc import Mapping
from typing import TypeVar, overload

__all__ = ["Secret"]

T = TypeVar("T")
V = TypeVar("V")

_MASK = "**********"


class Secret:
    """A secret text, masked in `repr`, `str` and pickle; `reveal()` returns the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keep `text`; only `reveal` shows it."""
        self._text = text

    def reveal(self) -> str:
        """Return the secret text, for the one line that sends it."""
        return self._text

    def __repr__(self) -> str:
        """Return the mask, which shows neither the text nor its length."""
        return f"Secret('{_MASK}')"

    def __str__(self) -> str:
        """Return the mask."""
        return _MASK

    def __bool__(self) -> bool:
        """Return whether the text is not empty."""
        return bool(self._text)

    def __copy__(self) -> "Secret":
        """Return itself: a copy inside the process needs no second text."""
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        """Return itself, so that copying a connection does not mask it."""
        return self

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        """Pickle the mask only: a pickle lands in queues, caches and crash reports."""
        return (Secret, (_MASK,))

    def __format__(self, spec: str) -> str:
        """Format the mask."""
        return format(_MASK, spec)


@overload
def sealed(fields: Mapping[str, V]) -> Mapping[str, V | Secret]: ...
@overload
def sealed(fields: T) -> T: ...
def sealed(fields: object) -> object:
    """Return a credential's fields with every text as a `Secret`; anything else as it is.

    Crash reporters print the variables of a frame, and these then show the mask.
    """
    if not isinstance(fields, Mapping):
        return fields
    return {
        name: Secret(value) if isinstance(value, str) else value
        for name, value in fields.items()
    }
