"""A row of a table that a flow runs for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.runs.logs.run_log import RunLog
from perplexity_connector.host.runs.params import GivenConnection

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.entries import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow:
    """A run of a flow for a row of a table, which has been checked and claimed.

    * `flow_id`: its id; if the ledger has it, the run goes on from its step.
    * `row_id`, `claim`: of the row, whose owner has the flow too.
    * `inputs`: the values of the flow's inputs.
    * `make_log`: makes the log of each run of a step.
    * `may_begin`: returns whether a further step or item may begin. If not, the stream ends without
      `flow.finished`, and the flow can be resumed.
    * `after`: the id of the row's last flow, which failed: its outputs are kept.
    * `connections`, `timeout`, `retry`: as for `resume_flow`.
    """

    flow_id: str
    row_id: int
    claim: "Claim"
    inputs: JsonObject = field(repr=False)
    make_log: Callable[[], RunLog]
    may_begin: Callable[[], bool]
    after: str | None = None
    connections: Mapping[str, GivenConnection] = field(repr=False)
    timeout: float | None = None
    retry: Literal["unsure"] | None = None
