"""Sources in the order of the marks that cite them: the source of `[n]` is the n-th.

A result's `id` is its number, from 1; results do not always arrive in that order (perplexity_api 8.2), so a source is
placed by its id, never by its position.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from perplexity_connector.contract import JsonObject, JsonValue, RunWarning
from perplexity_connector.contract.json import as_int, as_text

# Far above the fifty results a search may have; beyond it an id is noise, not a number to make room for.
_HIGHEST_ID = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """`pages` by number from 1, gaps filled with empty ones; `numbers` are those that really exist."""

    pages: Sequence[dict[str, JsonValue]]
    numbers: frozenset[int]
    warnings: Sequence[RunWarning]


def page(result: JsonObject) -> dict[str, JsonValue]:
    """A result as every output shows it: all keys there, texts empty and dates null when the provider left them out."""
    dates: dict[str, JsonValue] = {
        name: as_text(result.get(name)) or None for name in ("date", "last_updated")
    }
    return {
        name: as_text(result.get(name)) for name in ("title", "url", "snippet")
    } | dates


def placed(results: Sequence[JsonObject]) -> Sources:
    """Results at the places that their ids name. Results with no usable id come after all others, in order."""
    by_number: dict[int, JsonObject] = {}
    unnumbered: list[JsonObject] = []
    clashes: dict[int, None] = {}
    for result in results:
        number = as_int(result.get("id"))
        if number is None or not 1 <= number <= _HIGHEST_ID:
            unnumbered.append(result)
        elif by_number.setdefault(number, result).get("url") != result.get("url"):
            clashes[number] = None
    last = max(by_number, default=0)
    gaps = [number for number in range(1, last) if number not in by_number]
    by_number |= dict(enumerate(unnumbered, start=last + 1))
    return Sources(
        pages=[
            page(by_number.get(number, {}))
            for number in range(1, len(by_number) + len(gaps) + 1)
        ],
        numbers=frozenset(by_number),
        warnings=_warnings(gaps, list(clashes), misplaced=bool(last and unnumbered)),
    )


def _warnings(
    gaps: Sequence[int], clashes: Sequence[int], *, misplaced: bool
) -> Sequence[RunWarning]:
    said = [
        (
            gaps,
            "source_gap",
            f"Perplexity sent no source with the number {_listed(gaps)}; its place is empty.",
        ),
        (
            clashes,
            "source_duplicate",
            f"Perplexity sent several sources numbered {_listed(clashes)}; the first stays.",
        ),
        (
            misplaced,
            "source_unnumbered",
            "Perplexity sent sources without a number; they stand last.",
        ),
    ]
    return [
        RunWarning(code=code, message=message) for cause, code, message in said if cause
    ]


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)
