"""What a caller may ask of a flow, and what it learns of each step."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.runs.params import GivenConnection

__all__ = ["FlowOptions", "StepRun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """The run of one step of a flow; in `input` the bindings are filled."""

    run_id: str
    connector: str
    action: str
    version: int
    input: JsonObject = field(repr=False)
    connection: GivenConnection = field(repr=False)


KeepStepCheckpoint: TypeAlias = Callable[[StepRun, JsonObject], Awaitable[None] | None]


class FlowOptions(TypedDict, total=False):
    """The keywords that `run_flow` and `stream_flow` take; each may be left out.

    * `connections`: by connector id, what stands in for the connections that the steps name.
    * `timeout`: seconds for each step's run; the manifest's if left out.
    * `on_checkpoint`: called, and awaited if need be, with every checkpoint of a step and the run it belongs to; an
      empty one says that there is nothing to come back to any more.
    """

    connections: Mapping[str, GivenConnection] | None
    timeout: float | None
    on_checkpoint: KeepStepCheckpoint | None
