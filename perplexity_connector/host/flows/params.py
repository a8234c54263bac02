"""The parameters of a flow, and the description of one step's run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypedDict

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.host.runs.params import GivenConnection

__all__ = ["FlowOptions", "ResumeOptions", "StepRun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """The run of one step of a flow; `input` has the values of its bindings.

    The repr shows neither input nor connection: a crash report prints the values of a frame.
    """

    run_id: str
    connector: str
    action: str
    version: int
    input: JsonObject = field(repr=False)
    connection: GivenConnection = field(repr=False)


KeepStepCheckpoint: TypeAlias = Callable[[StepRun, JsonObject], Awaitable[None] | None]


class FlowOptions(TypedDict, total=False):
    """The keywords of `run_flow` and `stream_flow`; each may be left out.

    * `connections`: by connector id; used instead of the connections that the steps name.
    * `timeout`: seconds for each run of a step; the manifest's if left out.
    * `on_checkpoint`: called with the run of a step and its checkpoint, and awaited if it is a
      coroutine function. An empty state clears the checkpoint.
    * `inputs`: the values of the flow's inputs.
    * `only`: the id of the step to run; `from_step`: that of the first one. Not both.
    * `outputs`: the outputs of the earlier steps, by step id, or the id of a flow run that
      the ledger has.
    * `flow_id`: the id of this run of the flow, `flow_` and 32 hexadecimal digits; a new one if left out.
    * `source`: a name for the flow, such as the real path of its file, by which its last run is found.
    """

    connections: Mapping[str, GivenConnection] | None
    timeout: float | None
    on_checkpoint: KeepStepCheckpoint | None
    inputs: JsonObject | None
    only: str | None
    from_step: str | None
    outputs: Mapping[str, JsonValue] | str | None
    flow_id: str | None
    source: str | None


class ResumeOptions(TypedDict, total=False):
    """The keywords of `resume_flow`; each may be left out.

    * `connections`, `timeout`, `on_checkpoint`: as for `stream_flow`.
    * `retry`: "unsure" also runs a step again whose request may have been billed. Without it, the
      flow ends at that step.
    """

    connections: Mapping[str, GivenConnection] | None
    timeout: float | None
    on_checkpoint: KeepStepCheckpoint | None
    retry: Literal["unsure"] | None
