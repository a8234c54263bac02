"""The sandbox's web: some forty short pages of our own writing, and how they are searched."""

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
"""The day that recency filters count from."""

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
    """One page. `date` is when it was published; either date may be unknown."""

    title: str
    url: str
    text: str
    date: dt.date | None
    last_updated: dt.date | None
    language: str

    @property
    def host(self) -> str:
        """The host name of its address."""
        return urlsplit(self.url).hostname or ""

    def sentences(self) -> list[str]:
        """Its text, cut into sentences."""
        return _SENTENCE_END.split(self.text)

    def found(self) -> JsonObject:
        """The page as `/search` shows it. What is unknown is left out, never null."""
        shown: JsonObject = {"title": self.title, "url": self.url, "snippet": self.text}
        if self.date:
            shown["date"] = self.date.isoformat()
        if self.last_updated:
            shown["last_updated"] = self.last_updated.isoformat()
        return shown


@cache
def pages() -> tuple[Page, ...]:
    """Every page there is."""
    raw = json.loads(
        files(__package__).joinpath("corpus.json").read_text(encoding="utf-8")
    )
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


def rank(query: str, among: Iterable[Page]) -> list[Page]:
    """Those of the pages that share a word with the query, best first: rare words and titles count for more."""
    terms, weights = set(words(query)), _weights()
    scored = [(_score(terms, page, weights), page) for page in among]
    return [
        page for score, page in sorted(scored, key=lambda pair: -pair[0]) if score > 0
    ]


def words(text: str) -> list[str]:
    """The words that matter in a text, lower-case, plural or not."""
    found = (word.lower() for word in _WORD.findall(text))
    return [_singular(word) for word in found if word not in _EMPTY_WORDS]


# Summed in sorted order: the order of a set of strings changes from process to process, and with it the last digit.
def _score(terms: set[str], page: Page, weights: dict[str, float]) -> float:
    title, text = set(words(page.title)), set(words(page.text))
    return sum(
        weights.get(term, 0) * (2 * (term in title) + (term in text))
        for term in sorted(terms)
    )


@cache
def _weights() -> dict[str, float]:
    seen = Counter(
        word for page in pages() for word in set(words(f"{page.title} {page.text}"))
    )
    return {word: math.log(1 + len(pages()) / count) for word, count in seen.items()}


def _singular(word: str) -> str:
    return (
        word[:-1]
        if len(word) > len("gas") and word.endswith("s") and not word.endswith("ss")
        else word
    )


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)
