"""The price of a run before it is sent: a host with a budget reserves it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["CostEstimate", "EstimateBasis"]

# How an estimate was made. `list_price`: the run cannot cost more than `worst`, if the provider's
# price list is as the connector has it. `estimate`: the run is open-ended, and may cost more.
EstimateBasis: TypeAlias = Literal["list_price", "estimate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """What one run may cost, every request of it together.

    * `likely`, `worst`: amounts of `currency`. A host reserves `worst` before it sends anything.
    * `basis`: `list_price` for a run whose price is known, `estimate` for an open-ended one.
    * `group`: runs of one group cost alike, for example the model as asked for. A host may learn
      from its own runs of the group.
    """

    likely: float
    worst: float
    currency: str = "USD"
    basis: EstimateBasis = "estimate"
    group: str = ""
