"""How much to reserve for a run: by the connector's estimate, and by the costs of own runs."""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from perplexity_connector.contract.estimating import CostEstimate
from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.spending.money import nano_usd

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.ledger import Ledger

# For a run about whose price nothing is known.
UNKNOWN_PRICE = CostEstimate(likely=1.0, worst=1.0)
# The percentile of own runs counts from so many runs on, and is computed again after so many more.
_ENOUGH = 50
_EVERY = 100
# Only the latest costs count.
_MOST = 1000


def reserve_of(estimate: CostEstimate, percentile: int | None) -> int:
    """Return how much to reserve for a run, in billionths of USD.

    An open-ended run reserves the percentile of own runs, but never less than the estimate.
    """
    worst = nano_usd(estimate.worst)
    if estimate.basis == "list_price":
        return worst
    return max(worst, percentile or 0)


def open_group(estimate: CostEstimate) -> str | None:
    """Return the group of an open-ended run, whose costs teach about its next runs; None with a listed price."""
    return estimate.group if estimate.basis == "estimate" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Runs that cost alike: those of one action whose estimates have one group."""

    connector: str
    action: str
    group: str


class Costs(Protocol):
    """The costs of own runs."""

    async def percentile(self, kind: Kind) -> int | None:
        """Return the cost that 99 of 100 runs did not exceed; None below 50 runs."""
        ...

    def add(self, kind: Kind, cost: int) -> None:
        """Learn the cost of a run."""
        ...


@dataclass(slots=True)
class _Group:
    """The costs of the runs of one kind.

    * `latest`: the latest costs.
    * `count`: how many there were in all.
    * `percentile`: as it was last counted; None before.
    """

    latest: deque[int] = field(default_factory=lambda: deque[int](maxlen=_MOST))
    count: int = 0
    percentile: int | None = None

    def add(self, cost: int) -> None:
        self.latest.append(cost)
        self.count += 1
        if self.count >= _ENOUGH and (self.count - _ENOUGH) % _EVERY == 0:
            ordered = sorted(self.latest)
            self.percentile = ordered[-(-99 * len(ordered) // 100) - 1]


class CostsInMemory:
    """The costs of this host's runs."""

    def __init__(self) -> None:
        """Begin without any."""
        self._groups: dict[Kind, _Group] = {}

    async def percentile(self, kind: Kind) -> int | None:
        """Return the cost that 99 of 100 runs did not exceed; None below 50 runs."""
        found = self._groups.get(kind)
        return found.percentile if found else None

    def add(self, kind: Kind, cost: int) -> None:
        """Learn the cost of a run."""
        self._groups.setdefault(kind, _Group()).add(cost)


class CostsInLedger:
    """The costs of all runs in a ledger.

    `_known`: by kind, the ledger's last answer, which may still be under way, and for how many more runs
    it counts.
    """

    def __init__(self, ledger: "Ledger") -> None:
        """Ask nothing yet."""
        self._ledger = ledger
        self._known: dict[Kind, tuple[Future[int | None], int]] = {}

    async def percentile(self, kind: Kind) -> int | None:
        """Return the cost that 99 of 100 runs did not exceed; None below 50 runs."""
        try:
            answer = self._answer(kind)
            if answer.done():
                return answer.result()
            return await committed(answer)
        except LedgerError:
            return None

    def add(self, kind: Kind, cost: int) -> None:
        """Do nothing: the end of each run is in the ledger."""

    def _answer(self, kind: Kind) -> "Future[int | None]":
        known = self._known.get(kind)
        if known is None or not known[1]:
            asked = self._ledger.percentile(kind.connector, kind.action, kind.group)
            known = asked, _EVERY
        answer, runs_left = known
        self._known[kind] = answer, runs_left - 1
        return answer
