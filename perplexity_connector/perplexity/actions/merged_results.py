"""Merge the results of several queries into one ranked list (reciprocal rank fusion)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_text
from perplexity_connector.perplexity.actions.searcher import Outcome

# The usual constant. With it, two good ranks are worth more than one first rank.
_DAMPING = 60


@dataclass(frozen=True, slots=True)
class _Row:
    """One address.

    * `page`: its page, as the first query that found it has it.
    * `ranks`: its rank for each query that found it, by the number of the query. (Two queries may
      have the same text.)
    """

    page: JsonObject
    ranks: dict[int, int] = field(default_factory=dict[int, int])

    def score(self) -> float:
        """Return the sum of 1/(60 + rank). It is exact, so that rounding decides no tie."""
        ranks = self.ranks.values()
        return fsum(1 / (_DAMPING + rank) for rank in ranks)


def merged_results(outcomes: Sequence[Outcome]) -> list[JsonValue]:
    """Return one row for each address, best first, with the queries that found it.

    A query that has an address twice counts once, by the better rank. Rows of the same score are in
    the order of the results. A page without an address has no row.
    """
    rows = _rows(outcomes)
    # Sorting keeps the order of equal rows.
    best_first = sorted(rows, key=_Row.score, reverse=True)
    return [_document(row, outcomes) for row in best_first]


def _rows(outcomes: Sequence[Outcome]) -> Iterable[_Row]:
    """Return a row for each address, in the order of the results."""
    rows: dict[str, _Row] = {}
    for number, outcome in enumerate(outcomes):
        for rank, page in enumerate(outcome.pages, start=1):
            url = as_text(page.get("url"))
            if not url:
                continue
            row = rows.get(url)
            if row is None:
                row = rows[url] = _Row(page)
            row.ranks.setdefault(number, rank)
    return rows.values()


def _document(row: _Row, outcomes: Sequence[Outcome]) -> JsonObject:
    texts = [outcomes[number].query for number in row.ranks]
    queries: list[JsonValue] = list(dict.fromkeys(texts))
    return {**row.page, "queries": queries}
