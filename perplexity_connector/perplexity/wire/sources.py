"""Collect the sources of an answer in the order of the marks that cite them.

A search result's `id` is its number, from 1. Results do not always arrive in that order
(docs/provider.md, "Sources and citation marks"), so a result is placed by its id, never by its
position. Other sources have no id. They follow the last search result, no address twice: the pages
that the model read, the sources of figures, and annotations.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby

from perplexity_connector.contract import JsonObject, JsonValue, RunWarning
from perplexity_connector.contract.links import without_user
from perplexity_connector.contract.readers import (
    as_int,
    as_list,
    as_object,
    as_objects,
    as_text,
)

# Far above the fifty results that a search may have. A higher id is not used as a number, since
# all numbers below it would need an empty place.
_HIGHEST_ID = 1000
_DIGITS = re.compile(r"\s*([0-9]{1,9})\s*")
# The most ranges of numbers that a warning names.
_NAMED_RANGES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sources of an answer.

    * `pages`: the sources in order, from number 1, each with its `kind`; a number without a source
      has an empty page.
    * `searched`: the numbers of the search results.
    * `read`: the number of each page that the model read, in order.
    * `annotated`: the numbers that annotations cite.
    * `warnings`: what is wrong with the sources.
    """

    pages: Sequence[dict[str, JsonValue]]
    searched: frozenset[int]
    read: Sequence[int]
    annotated: frozenset[int]
    warnings: Sequence[RunWarning]

    @property
    def is_grounded(self) -> bool:
        """Whether at least one source has an address."""
        return any(entry["url"] for entry in self.pages)

    def number_of_mark(self, mark: int) -> int | None:
        """Return the number of the source that `[mark]` cites, if it has one.

        Beside search results, marks cite search results only.
        """
        if self.searched:
            return mark if mark in self.searched else None
        return mark if 1 <= mark <= len(self.pages) else None

    def number_of_web_mark(self, mark: int) -> int | None:
        """Return the number of the source that `[web:mark]` cites, if it has one.

        Without search results, the mark counts the read pages from 0. Beside search results, only
        `[web:0]` is a read page, the first one.
        """
        if mark and self.searched:
            return self.number_of_mark(mark)
        return self.read[mark] if mark < len(self.read) else None

    def numbers_of_addresses(self, addresses: Iterable[str]) -> set[int]:
        """Return the numbers of the sources that have one of these addresses."""
        wanted = set(map(without_user, addresses))
        return {
            number
            for number, entry in enumerate(self.pages, start=1)
            if entry["url"] in wanted
        }


def page(result: JsonObject) -> dict[str, JsonValue]:
    """Return a result in the form of every output, with all keys.

    A text that the provider left out is empty, and a date is null. Its address has no user name.
    """
    return {
        "title": as_text(result.get("title")),
        "url": _address(result),
        "snippet": as_text(result.get("snippet")),
        "date": as_text(result.get("date")) or None,
        "last_updated": as_text(result.get("last_updated")) or None,
    }


def result_id(result: JsonObject) -> int | None:
    """Return the id of a search result, also if it is written as text; None without one."""
    value = result.get("id")
    digits = _DIGITS.fullmatch(value) if isinstance(value, str) else None
    return int(digits[1]) if digits else as_int(value)


def collect_sources(items: Sequence[JsonObject]) -> Sources:
    """Return the sources that the output items of a run carry."""
    listing = _Listing()
    listing.add_search_results(list(_rows(items, "search_results", "results")))
    read = [
        listing.add("page", as_object(content))
        for content in _values(items, "fetch_url_results", "contents")
    ]
    for figure in _rows(items, "finance_results", "results"):
        for url in filter(None, map(as_text, as_list(figure.get("sources")))):
            listing.add("finance", {"url": url, "snippet": figure.get("content")})
    annotated = [listing.add("annotation", mark) for mark in _annotations(items)]
    return Sources(
        pages=listing.pages,
        searched=frozenset(listing.searched),
        read=read,
        annotated=frozenset(annotated),
        warnings=listing.warnings(),
    )


@dataclass(slots=True)
class _Listing:
    """The list of sources while it is made.

    * `pages`: the sources so far.
    * `searched`: the numbers of the search results.
    * `_gaps`: numbers below the last one that no result has.
    * `_duplicates`: numbers that several results have, with different addresses.
    * `_unnumbered`: the numbers of results without a usable id, if others have one.
    * `_by_url`: the first number of each address.
    """

    pages: list[dict[str, JsonValue]] = field(default_factory=list)
    searched: list[int] = field(default_factory=list)
    _gaps: list[int] = field(default_factory=list)
    _duplicates: dict[int, None] = field(default_factory=dict)
    _unnumbered: Sequence[int] = ()
    _by_url: dict[JsonValue, int] = field(default_factory=dict)

    def add_search_results(self, results: Sequence[JsonObject]) -> None:
        """Place results at the numbers that their ids name, and those without a usable id last."""
        by_number: dict[int, JsonObject] = {}
        unnumbered: list[JsonObject] = []
        for result in results:
            number = result_id(result)
            if number is None or not 1 <= number <= _HIGHEST_ID:
                unnumbered.append(result)
            elif by_number.setdefault(number, result).get("url") != result.get("url"):
                self._duplicates[number] = None
        last = max(by_number, default=0)
        end = last + len(unnumbered) + 1
        self._gaps = [number for number in range(1, last) if number not in by_number]
        self._unnumbered = range(last + 1, end) if last else ()
        by_number |= dict(enumerate(unnumbered, start=last + 1))
        self.searched = sorted(by_number)
        for number in range(1, end):
            self._append("search", by_number.get(number, {}))

    def add(self, kind: str, result: JsonObject) -> int:
        """Add a source after all others, unless its address is listed. Return its number."""
        known = self._by_url.get(_address(result))
        if known is None:
            self._append(kind, result)
        return known or len(self.pages)

    def warnings(self) -> Sequence[RunWarning]:
        """Return the warnings for the author."""
        numbers = {
            "source_gap": self._gaps,
            "source_duplicate": self._duplicates,
            "source_unnumbered": self._unnumbered,
            "source_without_address": self._without_address(),
        }
        return [
            RunWarning(code=code, message=_MESSAGES[code].format(_ranges(named)))
            for code, named in numbers.items()
            if named
        ]

    def _append(self, kind: str, result: JsonObject) -> None:
        entry = page(result) | {"kind": kind}
        self.pages.append(entry)
        if entry["url"]:
            self._by_url.setdefault(entry["url"], len(self.pages))

    def _without_address(self) -> Sequence[int]:
        gaps = set(self._gaps)
        numbered = enumerate(self.pages, start=1)
        return [
            number
            for number, entry in numbered
            if not entry["url"] and number not in gaps
        ]


def _address(result: JsonObject) -> str:
    return without_user(as_text(result.get("url")))


_MESSAGES = {
    "source_gap": "Perplexity sent no source with the number {}; its place is empty.",
    "source_duplicate": "Perplexity sent several sources numbered {}; the first one is used.",
    "source_unnumbered": "Perplexity sent sources without a number; they are listed as {}.",
    "source_without_address": "Perplexity sent no address for the source numbered {}; it keeps its place.",
}


def _values(items: Sequence[JsonObject], kind: str, key: str) -> Iterator[JsonValue]:
    for item in items:
        if item.get("type") == kind:
            yield from as_list(item.get(key))


def _rows(items: Sequence[JsonObject], kind: str, key: str) -> Sequence[JsonObject]:
    return as_objects(list(_values(items, kind, key)))


def _annotations(items: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """Yield the annotations of type `url_citation` that have an address."""
    for part in _rows(items, "message", "content"):
        for annotation in as_objects(part.get("annotations")):
            is_citation = annotation.get("type") == "url_citation"
            if is_citation and as_text(annotation.get("url")):
                yield annotation


def _ranges(numbers: Iterable[int]) -> str:
    """Return numbers as a short text, like `1, 2 and 3 more`; neighbours become a range."""
    indexed = zip(count(), sorted(numbers), strict=False)
    runs = [
        [number for _, number in run]
        for _, run in groupby(indexed, lambda pair: pair[1] - pair[0])
    ]
    named = [
        f"{run[0]}\u2013{run[-1]}" if len(run) > 1 else str(run[0])
        for run in runs[:_NAMED_RANGES]
    ]
    rest = sum(len(run) for run in runs[_NAMED_RANGES:])
    return ", ".join(named) + (f" and {rest} more" if rest else "")
