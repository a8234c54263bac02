"""Search a list of options, and return it page by page. Pure: no I/O."""

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
    """The part of a list that a query asks for.

    * `words`: an option must contain all of them.
    * `limit`: how many options a page has at most.
    * `after`: index and value of the last option of the page before; None for the first page.
    """

    words: Sequence[str]
    limit: int
    after: tuple[int, str] | None

    def cut(self, options: Sequence[Option]) -> tuple[Sequence[Option], str | None]:
        """Return the options of this page, and the cursor of the next page or None."""
        found = [
            index
            for index in range(self._start(options), len(options))
            if _contains(options[index], self.words)
        ]
        shown = found[: self.limit]
        is_last = len(found) == len(shown)
        cursor = None if is_last else _cursor(shown[-1], options[shown[-1]])
        return [options[index] for index in shown], cursor

    def _start(self, options: Sequence[Option]) -> int:
        if self.after is None:
            return 0
        old_index, value = self.after
        # The list may have changed between two pages. If the option is gone, its old index counts.
        values = [option.value for option in options]
        return values.index(value) + 1 if value in values else old_index


def window_of(query: OptionsQuery) -> Window:
    """Return the window that a query asks for.

    Raises `ConnectorError` (`invalid_input`), pointing at `/limit` or `/cursor`.
    """
    if query.limit not in range(1, _MOST + 1):
        code = "maximum" if query.limit > _MOST else "minimum"
        _refuse("limit", code, f"Ask for 1 to {_MOST} options.")
    return Window(
        words=query.search.casefold().split(),
        limit=query.limit,
        after=_after(query.cursor) if query.cursor else None,
    )


def _contains(option: Option, words: Sequence[str]) -> bool:
    text = f"{option.value} {option.label} {option.description}".casefold()
    return all(word in text for word in words)


def _cursor(index: int, option: Option) -> str:
    return base64.urlsafe_b64encode(f"{index}:{option.value}".encode()).decode()


def _after(cursor: str) -> tuple[int, str]:
    try:
        text = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    if not (found := re.fullmatch("([0-9]{1,6}):(.+)", text, re.DOTALL)):
        _refuse("cursor", "format", "Ask again without a cursor: this one is not ours.")
    return int(found[1]), found[2]


def _refuse(field: str, code: str, remedy: str) -> NoReturn:
    problem = FieldError(pointer=f"/{field}", code=code, message=remedy)
    message = f"The {field} cannot be used. {remedy}"
    raise ConnectorError(ErrorCode.INVALID_INPUT, message, fields=[problem])
