"""The parameters of a flow, and the description of one step's run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.runs.params import GivenConnection

__all__ = ["FlowOptions", "StepRun"]


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
    * `timeout`: seconds for each step's run; the manifest's if left out.
    * `on_checkpoint`: called with the run of a step and its checkpoint, and awaited if it is a
      coroutine function. An empty state clears the checkpoint.
    """

    connections: Mapping[str, GivenConnection] | None
    timeout: float | None
    on_checkpoint: KeepStepCheckpoint | None
