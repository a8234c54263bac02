"""What a caller asks of a run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict

from perplexity_connector.contract import JsonObject, Secret

__all__ = ["RunOptions"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run as it was asked for; the options are those of `RunOptions`."""

    connector: str
    action: str
    input: JsonObject = field(repr=False)
    version: int | None = None
    connection: str | Mapping[str, str | Secret] | None = field(
        default=None, repr=False
    )
    timeout: float | None = None
    run_id: str | None = None
    resume_from: JsonObject | None = None
    on_checkpoint: KeepCheckpoint | None = None
