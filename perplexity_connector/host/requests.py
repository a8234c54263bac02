"""What a caller asks of a run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

from perplexity_connector.contract import JsonObject, Secret

KeepCheckpoint: TypeAlias = Callable[[JsonObject], Awaitable[None] | None]


class RunOptions(TypedDict, total=False):
    """The keywords that `run` and `stream` take; each may be left out.

    * `version`: the action's version; the newest if left out.
    * `connection`: the credential's fields; from the environment if left out.
    * `timeout`: seconds for the whole run, waits and repeats included; the manifest's if left out.
    * `resume_from`: the last checkpoint of an earlier process, to go on where it stopped.
    * `on_checkpoint`: called, and awaited if need be, with every checkpoint; it keeps the state where a crash cannot
      lose it.
    """

    version: int | None
    connection: Mapping[str, str | Secret] | None
    timeout: float | None
    resume_from: JsonObject | None
    on_checkpoint: KeepCheckpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run as it was asked for; the options are those of `RunOptions`."""

    connector: str
    action: str
    input: JsonObject
    version: int | None = None
    connection: Mapping[str, str | Secret] | None = None
    timeout: float | None = None
    resume_from: JsonObject | None = None
    on_checkpoint: KeepCheckpoint | None = None
