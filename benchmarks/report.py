"""Compare the outcomes of the callers with the bills of the provider: figures, and whether anything was lost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypedDict


class End(StrEnum):
    """How a run ended for its caller. Abandoned: the caller itself went away first."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one run for its caller.

    * `whole`: the answer is complete, belongs to this run, and equals the streamed text.
    * `begun`: the run's id was known before the end.
    * `checkpointed`: at the end there is a state to resume from.
    """

    end: End
    whole: bool = False
    recovered: bool = False
    code: str = ""
    effect: str = ""
    begun: bool = False
    checkpointed: bool = False


class Bill(NamedTuple):
    """The provider's account of one caller: runs billed, whether a whole answer is kept, requests to cancel."""

    billed: int = 0
    kept: bool = False
    cancels: int = 0


class Ledger(TypedDict):
    """The provider's books, as JSON: the parts of each caller's `Bill`, the faults, most streams open at once."""

    accounts: Mapping[str, tuple[int, bool, int]]
    faults: Mapping[str, int]
    most_open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The cost of a load: seconds of wall clock and CPU; memory in KiB, idle, at its peak and after; leaks."""

    seconds: float
    cpu_seconds: float
    idle_kib: int
    peak_kib: int
    after_kib: int
    tasks: int
    sockets: int
    complaints: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a load."""

    at_once: int
    outcomes: Mapping[str, Outcome | None]
    bills: Mapping[str, Bill]
    faults: Mapping[str, int]
    most_open: int
    costs: Costs

    def lost(self) -> Sequence[str]:
        """Return the runs whose caller has no answer and no honest error, or an answer that is not whole."""
        return [
            marker
            for marker, outcome in self.outcomes.items()
            if self._is_lost(marker, outcome)
        ]

    def double_billed(self) -> Sequence[str]:
        """Return the runs that the provider began more than once."""
        return [marker for marker, bill in self.bills.items() if bill.billed > 1]

    def leaks(self) -> int:
        """Count the tasks and sockets that outlived the host, and the complaints of the event loop."""
        return self.costs.tasks + self.costs.sockets + len(self.costs.complaints)

    def holds(self) -> bool:
        """Return whether nothing was lost, paid twice or leaked."""
        return not self.lost() and not self.double_billed() and not self.leaks()

    def lines(self) -> Sequence[str]:
        """Return the figures, a line each."""
        ends = Counter(
            outcome.end.value for outcome in self.outcomes.values() if outcome
        )
        failed = [
            outcome
            for outcome in self.outcomes.values()
            if outcome and outcome.end is End.FAILED
        ]
        codes = Counter(
            f"{outcome.code}, effect {outcome.effect}" for outcome in failed
        )
        recovered = sum(
            outcome.recovered for outcome in self.outcomes.values() if outcome
        )
        rows: list[tuple[str, object]] = [
            ("runs started", len(self.outcomes)),
            ("streams open at once, at most", self.most_open),
            ("succeeded", ends[End.SUCCEEDED]),
            ("  of them recovered", recovered),
            ("failed", ends[End.FAILED]),
            *((f"  {code}", count) for code, count in codes.most_common()),
            ("abandoned by their caller", ends[End.ABANDONED]),
            ("faults met", sum(self.faults.values())),
            *((f"  {fault}", count) for fault, count in sorted(self.faults.items())),
            *self._check_rows(),
            *self._cost_rows(),
        ]
        return [f"{name:44}{value:>12}" for name, value in rows]

    def _is_lost(self, marker: str, outcome: Outcome | None) -> bool:
        bill = self.bills.get(marker, Bill())
        match outcome:
            case Outcome(end=End.SUCCEEDED):
                return not outcome.whole or not bill.billed
            case Outcome(end=End.FAILED):
                return bill.billed > 0 and outcome.effect != "unknown"
            case Outcome(end=End.ABANDONED):
                return False
        return True

    def _check_rows(self) -> Sequence[tuple[str, object]]:
        failed = {
            name
            for name, outcome in self.outcomes.items()
            if outcome and outcome.end is End.FAILED
        }
        bills = [(name, bill) for name, bill in self.bills.items() if name in failed]
        resumable = [
            name for name, bill in bills if bill.kept and self._checkpointed(name)
        ]
        return [
            ("lost (must be 0)", len(self.lost())),
            ("double-billed (must be 0)", len(self.double_billed())),
            ("leaked tasks (must be 0)", self.costs.tasks),
            ("leaked sockets (must be 0)", self.costs.sockets),
            ("complaints of the event loop (must be 0)", len(self.costs.complaints)),
            ("failed, but billed", sum(bill.billed > 0 for _, bill in bills)),
            ("failed, but whole by resuming", len(resumable)),
            ("abandoned once begun, and never cancelled", self._never_cancelled()),
            (
                "cancelled twice or more",
                sum(bill.cancels > 1 for bill in self.bills.values()),
            ),
        ]

    def _never_cancelled(self) -> int:
        # A caller may also go away in the instant between the last event and the envelope; that is nothing to cancel.
        left = [
            name
            for name, outcome in self.outcomes.items()
            if outcome and outcome.end is End.ABANDONED and outcome.begun
        ]
        return sum(not self.bills.get(name, Bill()).cancels for name in left)

    def _checkpointed(self, marker: str) -> bool:
        outcome = self.outcomes[marker]
        return outcome is not None and outcome.checkpointed

    def _cost_rows(self) -> Sequence[tuple[str, object]]:
        costs, runs = self.costs, max(1, len(self.outcomes))
        return [
            ("runs per second", f"{runs / costs.seconds:.1f}"),
            ("CPU milliseconds per run", f"{1000 * costs.cpu_seconds / runs:.1f}"),
            ("CPU share of one core", f"{costs.cpu_seconds / costs.seconds:.0%}"),
            ("memory idle, MiB", f"{costs.idle_kib / 1024:.1f}"),
            ("memory at its peak, MiB", f"{costs.peak_kib / 1024:.1f}"),
            ("memory after closing, MiB", f"{costs.after_kib / 1024:.1f}"),
            (
                "peak memory per run, KiB",
                f"{(costs.peak_kib - costs.idle_kib) / self.at_once:.1f}",
            ),
        ]
