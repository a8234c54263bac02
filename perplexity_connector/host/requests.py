"""What a caller asks of a run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict

from perplexity_connector.contract import JsonObject, Secret
from perplexity_connector.host.store import ConnectionStore

KeepCheckpoint: TypeAlias = Callable[[JsonObject], Awaitable[None] | None]
GivenConnection: TypeAlias = str | Mapping[str, str | Secret] | None


class RunOptions(TypedDict, total=False):
    """The keywords that `run` and `stream` take; each may be left out.

    * `version`: the action's version; the newest if left out.
    * `connection`: the name of a stored one, or the credential's fields; from the environment if left out.
    * `timeout`: seconds for the whole run, waits and repeats included; the manifest's if left out.
    * `run_id`: the run's own id, to resume or to cancel it under; a new one if left out.
    * `resume_from`: the last checkpoint of an earlier process, to go on where it stopped.
    * `on_checkpoint`: called, and awaited if need be, with every checkpoint; it keeps the state where a crash cannot
      lose it; an empty one says that there is nothing to come back to any more.
    """

    version: int | None
    connection: str | Mapping[str, str | Secret] | None
    timeout: float | None
    run_id: str | None
    resume_from: JsonObject | None
    on_checkpoint: KeepCheckpoint | None


class HostOptions(TypedDict, total=False):
    """The operator's choices; each may be left out.

    * `settings`: by connector id and name; the environment and the manifest's defaults fill in the rest.
    * `store`: where connections are kept; the user's own store if left out.
    * `retries`: how often a failed attempt is repeated at most; 3 if left out.
    * `repeat_unknown`: repeat even where the provider may have been paid already; off.
    * `concurrency`: how many requests of one connection may wait for an answer to begin; 64.
    * `environ`: stands in for the process's environment.
    """

    settings: Mapping[str, Mapping[str, str]] | None
    store: ConnectionStore | None
    retries: int
    repeat_unknown: bool
    concurrency: int
    environ: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run as it was asked for; the options are those of `RunOptions`."""

    connector: str
    action: str
    input: JsonObject = field(repr=False)
    version: int | None = None
    connection: str | Mapping[str, str | Secret] | None = field(default=None, repr=False)
    timeout: float | None = None
    run_id: str | None = None
    resume_from: JsonObject | None = None
    on_checkpoint: KeepCheckpoint | None = None


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
