"""What to reserve for a run: the connector's estimate, and what own runs have cost."""

from collections import deque
from dataclasses import dataclass, field

from perplexity_connector.contract import CostEstimate
from perplexity_connector.host.spending.money import nano_usd

# For a run about whose price nothing is known, in USD.
UNKNOWN_PRICE = CostEstimate(likely=1.0, worst=1.0)

# Own runs count from so many on, and are counted again after so many more.
_ENOUGH = 50
_EVERY = 100
# Only the latest costs count.
_MOST = 1000


def reserve_of(estimate: CostEstimate, percentile: int | None) -> int:
    """Return how much to reserve for a run, in billionths of USD.

    An open-ended run reserves the percentile of own runs, but never less than the estimate.
    """
    try:
        worst = nano_usd(estimate.worst)
    except ValueError:
        worst = nano_usd(UNKNOWN_PRICE.worst)
    if estimate.basis == "list_price":
        return worst
    return max(worst, percentile or 0)


@dataclass(slots=True)
class _Costs:
    """The costs of the runs of one group.

    * `latest`: the latest costs.
    * `count`: how many there were in all.
    * `figure`: the percentile when it was last counted; None before.
    """

    latest: deque[int] = field(default_factory=lambda: deque[int](maxlen=_MOST))
    count: int = 0
    figure: int | None = None

    def add(self, cost: int) -> None:
        self.latest.append(cost)
        self.count += 1
        if (self.count - _ENOUGH) % _EVERY == 0 and self.count >= _ENOUGH:
            ordered = sorted(self.latest)
            # The smallest cost that 99 of 100 runs do not exceed.
            self.figure = ordered[-(-99 * len(ordered) // 100) - 1]


class OwnCosts:
    """What the runs of this host have cost, by what makes them alike.

    `_costs`: by connector, action and group.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._costs: dict[tuple[str, str, str], _Costs] = {}

    def add(self, connector: str, action: str, group: str, cost: int) -> None:
        """Learn what a run has cost."""
        self._costs.setdefault((connector, action, group), _Costs()).add(cost)

    def percentile(self, connector: str, action: str, group: str) -> int | None:
        """Return the cost that 99 of 100 runs did not exceed; None below 50 runs."""
        found = self._costs.get((connector, action, group))
        return found.figure if found else None
