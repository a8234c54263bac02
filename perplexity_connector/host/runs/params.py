"""The parameters of a run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict

from perplexity_connector.contract import JsonObject, Secret

__all__ = ["RunOptions"]

KeepCheckpoint: TypeAlias = Callable[[JsonObject], Awaitable[None] | None]
# The name of a stored connection, the credential's fields, or None for the environment's.
GivenConnection: TypeAlias = str | Mapping[str, str | Secret] | None


class RunOptions(TypedDict, total=False):
    """The keywords of `run` and `stream`; each may be left out.

    * `version`: the action's version; the newest if left out.
    * `connection`: a stored connection's name, or the fields; the environment's if left out.
    * `timeout`: seconds for the whole run with its retries; the manifest's if left out.
    * `run_id`: the run's id, to resume or cancel it by; a new one if left out.
    * `resume_from`: the last checkpoint of an earlier process; the run continues from it.
    * `on_checkpoint`: called with every checkpoint, and awaited if it is a coroutine function. It
      stores the state where a crash cannot lose it. An empty state clears the checkpoint.
    * `attempt`: the number of this run among the caller's own attempts; 1 if left out.
    * `last_attempt`: whether the caller will not repeat the run; True if left out. With False, a
      search that lost some of its queries for a passing reason fails, and can be resumed.
    * `durable`: whether each request waits until the ledger has it, so that a crash leaves no run
      in doubt whose request did not leave; False if left out. Without a ledger it changes nothing.
    """

    version: int | None
    connection: GivenConnection
    timeout: float | None
    run_id: str | None
    resume_from: JsonObject | None
    on_checkpoint: KeepCheckpoint | None
    attempt: int
    last_attempt: bool
    durable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run as asked for. `RunOptions` explains the options.

    The repr shows neither input nor connection: a crash report prints the values of a frame.
    """

    connector: str
    action: str
    input: JsonObject = field(repr=False)
    version: int | None = None
    connection: GivenConnection = field(default=None, repr=False)
    timeout: float | None = None
    run_id: str | None = None
    resume_from: JsonObject | None = None
    on_checkpoint: KeepCheckpoint | None = None
    attempt: int = 1
    last_attempt: bool = True
    durable: bool = False
