"""The sandbox's web: some forty short pages of our own, and how they are searched."""

import datetime as dt
import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from perplexity_connector.sandbox.jsontypes import JsonObject

TODAY = dt.date(2026, 11, 23)
"""The day from which recency filters count back."""

_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_EMPTY_WORDS = frozenset(
    _WORD.findall(
        "a about an and are as at be by can did do does for from has have how i in is it its many me much my of on or "
        "please s tell that the there this to was were what when where which who why will with you your"
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. `date` is the day of its publication; either date may be unknown."""

    title: str
    url: str
    text: str
    date: dt.date | None
    last_updated: dt.date | None
    language: str

    @property
    def host(self) -> str:
        """Return the host name of its address."""
        return urlsplit(self.url).hostname or ""

    def sentences(self) -> list[str]:
        """Return its text, cut into sentences."""
        return _SENTENCE_END.split(self.text)

    def as_result(self) -> JsonObject:
        """Return the page as a result of `/search`. An unknown date is left out, never null."""
        dates = {"date": self.date, "last_updated": self.last_updated}
        known = {name: day.isoformat() for name, day in dates.items() if day}
        return {
            "title": self.title,
            "url": self.url,
            "snippet": self.text,
            **known,
        }


@cache
def pages() -> tuple[Page, ...]:
    """Return all pages."""
    source = files("perplexity_connector.sandbox").joinpath("corpus.json")
    raw = json.loads(source.read_text(encoding="utf-8"))
    return tuple(
        Page(
            title=entry["title"],
            url=entry["url"],
            text=entry["text"],
            date=_day(entry.get("date")),
            last_updated=_day(entry.get("last_updated")),
            language=entry.get("language", "en"),
        )
        for entry in raw
    )


def page_at(url: str) -> Page:
    """Return the page of an address; one that is not in this web has a text that says so."""
    known = {page.url: page for page in pages()}
    return known.get(url) or Page(
        title=url.partition("://")[2],
        url=url,
        text="This page is not in the web of the sandbox.",
        date=None,
        last_updated=None,
        language="en",
    )


def rank(query: str, among: Iterable[Page]) -> list[Page]:
    """Return the pages that share a word with the query, best first.

    Rare words and words of a title count for more.
    """
    terms = sorted(set(words(query)))
    scores = {page: _score(terms, page) for page in among}
    matching = [page for page, score in scores.items() if score > 0]
    return sorted(matching, key=lambda page: -scores[page])


def words(text: str) -> list[str]:
    """Return the words of a text that carry meaning, lower-case, in the singular."""
    found = (word.lower() for word in _WORD.findall(text))
    return [_singular(word) for word in found if word not in _EMPTY_WORDS]


def _score(terms: list[str], page: Page) -> float:
    # `terms` are sorted: the order of a sum changes its last digit.
    weights = _weights()
    title, text = set(words(page.title)), set(words(page.text))
    return sum(
        weights.get(term, 0) * (2 * (term in title) + (term in text)) for term in terms
    )


@cache
def _weights() -> dict[str, float]:
    """Return the weight of each word: the fewer pages have it, the more it weighs."""
    page_counts = Counter[str]()
    for page in pages():
        page_counts.update(set(words(f"{page.title} {page.text}")))
    return {
        word: math.log(1 + len(pages()) / count) for word, count in page_counts.items()
    }


def _singular(word: str) -> str:
    is_plural = word.endswith("s") and not word.endswith("ss")
    return word[:-1] if is_plural and len(word) > len("gas") else word


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)
