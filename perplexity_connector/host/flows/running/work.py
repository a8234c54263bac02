"""A run of a flow, before it begins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from perplexity_connector.contract import FlowStep, JsonObject, JsonValue
from perplexity_connector.host.flows.params import KeepStepCheckpoint
from perplexity_connector.host.runs.logs.run_log import NO_LOG, RunLog
from perplexity_connector.host.runs.params import GivenConnection

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, KeptStepDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that an earlier process began for a step, or for one of its items.

    * `envelope`: that of a run that succeeded, which is not paid again.
    * `checkpoint`: that of a run which can be followed.
    * `is_unsure`: its request may have been billed, and its answer is lost.
    * `is_elsewhere`: another flow has it, so this one does not record it.
    """

    run_id: str
    envelope: "EnvelopeDocument | None" = field(default=None, repr=False)
    checkpoint: JsonObject | None = field(default=None, repr=False)
    is_unsure: bool = False
    is_elsewhere: bool = False


# By step and item; `WHOLE` for the step itself.
Memory: TypeAlias = Mapping[tuple[str, int], Begun]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettings:
    """How each step runs.

    * `connections`: by connector id; used instead of those that the steps name.
    * `timeout`, `on_checkpoint`: as for a run.
    * `retry`: "unsure" runs a step again whose request may have been billed.
    * `make_log`: makes the log of each run; the host's own if it writes nothing.
    * `may_begin`: returns whether a further step or item may begin.
    """

    connections: Mapping[str, GivenConnection] = field(
        default_factory=dict[str, GivenConnection], repr=False
    )
    timeout: float | None = None
    on_checkpoint: KeepStepCheckpoint | None = None
    retry: Literal["unsure"] | None = None
    make_log: Callable[[], RunLog] = lambda: NO_LOG
    may_begin: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowWork:
    """A run of a flow.

    * `steps`: those that run, in order.
    * `outputs`: those of the steps that do not, by id.
    * `kept`: how these are shown.
    * `memory`: the runs that an earlier process began.
    * `is_announced`: whether `flow.started` comes first.
    """

    flow_id: str
    inputs: JsonObject = field(repr=False)
    steps: Sequence[FlowStep]
    outputs: Mapping[str, JsonValue] = field(repr=False)
    kept: "Sequence[KeptStepDocument]" = ()
    memory: Memory = field(default_factory=dict[tuple[str, int], Begun], repr=False)
    is_announced: bool
