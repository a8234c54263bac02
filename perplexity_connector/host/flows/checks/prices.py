"""Add up the price of a flow, or of a part of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from perplexity_connector.contract import CostEstimate, FlowStep
from perplexity_connector.host.spending.money import NANO, nano_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEstimate:
    """The price of runs of one step, from `FlowCheck.estimates`.

    * `estimate`: the price of one run. Its basis is `estimate` while a value of the input is not known.
    * `runs`: how many such runs there are at most. Each item of a known list has an entry of its own.
    """

    step: FlowStep
    estimate: CostEstimate
    runs: int


def price_of(
    estimates: Sequence[StepEstimate], reserves: Sequence[int]
) -> CostEstimate:
    """Return the price of a part; `reserves` has what one run of each entry reserves, in nano USD."""
    likely = sum(nano_usd(each.estimate.likely) * each.runs for each in estimates)
    pairs = zip(estimates, reserves, strict=True)
    worst = sum(reserve * each.runs for each, reserve in pairs)
    is_listed = all(each.estimate.basis == "list_price" for each in estimates)
    return CostEstimate(
        likely=likely / NANO,
        worst=worst / NANO,
        basis="list_price" if is_listed else "estimate",
    )
