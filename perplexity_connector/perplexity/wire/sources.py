"""Put sources in the order of the marks that cite them: `[n]` cites the n-th source.

A result's `id` is its number, from 1. Results do not always arrive in that order (docs/provider.md,
"Sources and citation marks"), so a source is placed by its id, never by its position.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import JsonObject, JsonValue, RunWarning
from perplexity_connector.contract.json import as_int, as_text

# Far above the fifty results that a search may have. A higher id is not used as a number, since
# all numbers below it would need an empty place.
_HIGHEST_ID = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sources of an answer.

    * `pages`: the sources in order, from number 1; a number without a source has an empty page.
    * `numbers`: the numbers that have a source.
    * `warnings`: missing numbers, numbers used twice, and sources without a number.
    """

    pages: Sequence[dict[str, JsonValue]]
    numbers: frozenset[int]
    warnings: Sequence[RunWarning]


def page(result: JsonObject) -> dict[str, JsonValue]:
    """Return a result in the form of every output, with all keys.

    A text that the provider left out is empty, and a date is null.
    """
    texts: dict[str, JsonValue] = {
        name: as_text(result.get(name)) for name in ("title", "url", "snippet")
    }
    dates: dict[str, JsonValue] = {
        name: as_text(result.get(name)) or None for name in ("date", "last_updated")
    }
    return texts | dates


def place_by_id(results: Sequence[JsonObject]) -> Sources:
    """Place results at the numbers that their ids name, and those without a usable id last."""
    by_number: dict[int, JsonObject] = {}
    unnumbered: list[JsonObject] = []
    duplicates: dict[int, None] = {}
    for result in results:
        number = as_int(result.get("id"))
        if number is None or not 1 <= number <= _HIGHEST_ID:
            unnumbered.append(result)
        elif by_number.setdefault(number, result).get("url") != result.get("url"):
            duplicates[number] = None
    last = max(by_number, default=0)
    gaps = [number for number in range(1, last) if number not in by_number]
    by_number |= dict(enumerate(unnumbered, start=last + 1))
    numbers = range(1, last + len(unnumbered) + 1)
    return Sources(
        pages=[page(by_number.get(number, {})) for number in numbers],
        numbers=frozenset(by_number),
        warnings=_warnings(gaps, duplicates, unnumbered=bool(last and unnumbered)),
    )


def _warnings(
    gaps: Iterable[int], duplicates: Iterable[int], *, unnumbered: bool
) -> Sequence[RunWarning]:
    warnings = []
    if numbers := _joined(gaps):
        message = (
            f"Perplexity sent no source with the number {numbers}; its place is empty."
        )
        warnings.append(RunWarning(code="source_gap", message=message))
    if numbers := _joined(duplicates):
        message = f"Perplexity sent several sources numbered {numbers}; the first one is used."
        warnings.append(RunWarning(code="source_duplicate", message=message))
    if unnumbered:
        message = "Perplexity sent sources without a number; they are listed last."
        warnings.append(RunWarning(code="source_unnumbered", message=message))
    return warnings


def _joined(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)
