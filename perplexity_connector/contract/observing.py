"""Reports about runs for metrics, tables and traces: who ran, how often, how long; no content."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from perplexity_connector.contract.errors import Effect, ErrorCode
from perplexity_connector.contract.json import JsonObject

__all__ = [
    "AttemptFailed",
    "Observation",
    "RequestSent",
    "RunFinished",
    "RunObserver",
    "RunStarted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run with a valid input begins.

    `attempt` is the caller's, 1 if it named none. `key_id` is as for a `Limiter`. `started_at` is
    ISO 8601 in UTC.
    """

    run_id: str
    connector: str
    action: str
    version: int
    attempt: int
    key_id: str
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt of a run failed; `wait` is the seconds until the next one, None if it was the last.

    `attempt` is its number, as the action saw it.
    """

    run_id: str
    connector: str
    action: str
    attempt: int
    code: ErrorCode
    effect: Effect
    http_status: int | None
    wait: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSent:
    """A request of a run got its response's headers, or failed (`status` None).

    `milliseconds` are those until then, without the wait for the host's limit.
    """

    run_id: str
    connector: str
    action: str
    method: str
    path: str
    status: int | None
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A run ended, or was refused. `envelope` is its envelope without content.

    It has no output, partial output, summary, message or field error; a warning has only its code.
    The names of an unknown connector or action are empty. A run whose caller was cancelled got no
    envelope: here it is `cancelled`.
    """

    run_id: str
    connector: str
    action: str
    envelope: JsonObject


Observation: TypeAlias = RunStarted | AttemptFailed | RequestSent | RunFinished


class RunObserver(Protocol):
    """Receives the reports of every run of a host. Given in `Host(observers=[…])`.

    Each open host calls each of its observers on a thread of its own, so an observer may write to a
    database. One that raises, or does not return, changes nothing for a run or another observer.
    """

    def observe(self, observation: Observation) -> None:
        """Take one report, in order. Ignore kinds that it does not know: there may be more."""
