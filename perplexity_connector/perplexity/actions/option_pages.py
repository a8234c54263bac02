"""Searching a list of options, and leafing through it. Pure: no I/O."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    Option,
    OptionsQuery,
)

_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list is wanted: the options that hold every word, after the last one that was shown."""

    words: Sequence[str]
    limit: int
    after: tuple[int, str] | None

    def of(self, options: Sequence[Option]) -> tuple[Sequence[Option], str | None]:
        """The options of this page in order, and the cursor of the next page; None when this is the last."""
        begin = self._begin(options)
        found = [
            place
            for place in range(begin, len(options))
            if _holds(options[place], self.words)
        ]
        shown = found[: self.limit]
        more = len(found) > len(shown)
        return [options[place] for place in shown], _cursor(
            shown[-1], options[shown[-1]]
        ) if more else None

    def _begin(self, options: Sequence[Option]) -> int:
        if self.after is None:
            return 0
        place, value = self.after
        # The list may have changed between two pages: the option counts, and its old place where it is gone.
        return next(
            (now + 1 for now, option in enumerate(options) if option.value == value),
            place,
        )


def window(query: OptionsQuery) -> Window:
    """The window that a query asks for.

    Raises `ConnectorError` (`invalid_input`), pointing at `/limit` or `/cursor`.
    """
    if query.limit not in range(1, _MOST + 1):
        _refuse(
            "limit",
            "maximum" if query.limit > _MOST else "minimum",
            f"Ask for 1 to {_MOST} options.",
        )
    words = query.search.casefold().split()
    return Window(
        words=words,
        limit=query.limit,
        after=_after(query.cursor) if query.cursor else None,
    )


def _holds(option: Option, words: Sequence[str]) -> bool:
    said = f"{option.value} {option.label} {option.description}".casefold()
    return all(word in said for word in words)


def _cursor(place: int, option: Option) -> str:
    return base64.urlsafe_b64encode(f"{place}:{option.value}".encode()).decode()


def _after(cursor: str) -> tuple[int, str]:
    try:
        told = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        told = ""
    if not (found := re.fullmatch("([0-9]{1,6}):(.+)", told, re.DOTALL)):
        _refuse(
            "cursor",
            "format",
            "Begin again without a cursor: this one was not given out here.",
        )
    return int(found[1]), found[2]


def _refuse(field: str, code: str, mend: str) -> NoReturn:
    problem = FieldError(pointer=f"/{field}", code=code, message=mend)
    raise ConnectorError(
        ErrorCode.INVALID_INPUT, f"The {field} cannot be used. {mend}", fields=[problem]
    )
