"""Pages of a list, newest first, and the texts that they are searched for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import ColumnElement, or_, tuple_

from perplexity_connector.host.ledger.texts import packed_text

if TYPE_CHECKING:
    from sqlalchemy import Select

_Text: TypeAlias = ColumnElement[str] | ColumnElement[str | None]


def has_text(
    search: str, columns: Sequence[_Text], documents: Sequence[_Text] = ()
) -> ColumnElement[bool]:
    """Return whether one of these columns has a text, in capitals or not. `documents`: columns of JSON."""
    found = [
        column.icontains(one, autoescape=True)
        for one in _spellings(search)
        for column in columns
    ]
    found += [
        column.icontains(packed_text(one), autoescape=True)
        for one in _spellings(search)
        for column in documents
    ]
    return or_(*found)


def page(
    found: "Select[*tuple[Any, ...]]",
    at: ColumnElement[int],
    entry_id: ColumnElement[str],
    *,
    before: tuple[int, str] | None,
    limit: int,
) -> "Select[*tuple[Any, ...]]":
    """Return the next entries after that place, newest first."""
    if before is not None:
        found = found.where(tuple_(at, entry_id) < tuple_(*before))
    return found.order_by(at.desc(), entry_id.desc()).limit(limit)


def _spellings(search: str) -> Sequence[str]:
    """Return a text as SQLite must look for it, which compares only ASCII letters without case."""
    if search.isascii():
        return (search,)
    return tuple({search, search.lower(), search.upper(), search.capitalize()})
