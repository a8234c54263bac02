"""The price of a run before it is sent: a host with a budget reserves it."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["CostEstimate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """The price of one run: all its requests together.

    * `likely`, `worst`: amounts of `currency`. A host reserves `worst` before it sends anything.
    * `basis`: `list_price`: the run cannot cost more than `worst`, if the provider's price list is
      as the connector has it. `estimate`: the run is open-ended, and may cost more.
    * `group`: runs of one group cost alike, for example the model as asked for. A host may learn
      from its own runs of the group.
    """

    likely: float
    worst: float
    currency: str = "USD"
    basis: Literal["list_price", "estimate"] = "estimate"
    group: str = ""
