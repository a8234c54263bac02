"""Add up the price of a flow, or of a part of it. Pure, but for the estimates that it is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perplexity_connector.contract import CostEstimate, FlowStep

if TYPE_CHECKING:
    from perplexity_connector.contract import FlowPriceDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEstimate:
    """The price of one step, from `FlowCheck.estimates`.

    * `estimate`: the price of one run. Its basis is `estimate` while a value of the input is not known.
    * `runs`: how many runs it has at most: with `each`, the known number of items or `max`.
    """

    step: FlowStep
    estimate: CostEstimate
    runs: int


def price_of(
    estimates: Sequence[StepEstimate], reserves: Sequence[int]
) -> "FlowPriceDocument":
    """Return the price of a part; `reserves` has what one run of each step reserves, in nano USD."""
    raise NotImplementedError
