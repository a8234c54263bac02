"""How much a search may return: `/search` and the Agent API's `web_search` have the same limits."""

from dataclasses import dataclass, replace

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.corpus import Page
from perplexity_connector.sandbox.jsontypes import JsonObject

_USUAL_RESULTS = 10
_USUAL_TOKENS = 10_000
_USUAL_TOKENS_PER_PAGE = 4096
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The limits of a search. Tokens are words."""

    max_results: int
    max_tokens: int
    max_tokens_per_page: int

    def cut(self, found: list[Page]) -> list[Page]:
        """Return the pages within the limits.

        Recorded: too few tokens leave fewer pages, not only shorter ones.
        """
        kept = found[: min(self.max_results, self.max_tokens)]
        share = self.max_tokens // max(len(kept), 1)
        most = min(share, self.max_tokens_per_page)
        return [_shortened(page, most) for page in kept]


def read_budget(values: JsonObject, most_results: int) -> Budget:
    """Read the limits among the fields of a search or of a tool."""
    results = checks.read_integer(values, "max_results", 1, most_results)
    tokens = checks.read_integer(values, "max_tokens", 1, _MANY)
    per_page = checks.read_integer(values, "max_tokens_per_page", 1, _MANY)
    return Budget(
        max_results=results or _USUAL_RESULTS,
        max_tokens=tokens or _USUAL_TOKENS,
        max_tokens_per_page=per_page or _USUAL_TOKENS_PER_PAGE,
    )


def _shortened(page: Page, words: int) -> Page:
    return replace(page, text=" ".join(page.text.split(" ")[:words]))
