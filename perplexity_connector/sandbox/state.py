"""The memory of a sandbox: its runs, its requests, and the number of billed calls."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.keys import RateLimiter

if TYPE_CHECKING:
    from perplexity_connector.sandbox.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One answered request.

    `key` is a fingerprint, never the key itself. `fields` are the names of the body's fields.
    """

    method: str
    path: str
    status: int
    key: str
    fields: tuple[str, ...]
    user_agent: str


class State:
    """Everything that a sandbox remembers.

    The settings: `clock` returns epoch seconds; `slow_seconds` and `delta_seconds` are pauses.
    `closing` is set when the server stops, which ends open streams. `refused_once` says whether
    `sandbox:unavailable-once` has had its refusal. `_made` counts the ids that were given out.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        slow_seconds: float = 1.0,
        delta_seconds: float = 0.0,
    ) -> None:
        """Start with an empty memory."""
        self.clock = clock
        self.slow_seconds = slow_seconds
        self.delta_seconds = delta_seconds
        self.closing = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Forget the runs, the requests, the use of each key, and the ids that were given out."""
        self.limiter = RateLimiter(self.clock)
        self.runs: dict[str, Run] = {}
        self.requests: list[RequestRecord] = []
        self.billed_runs = 0
        self.billed_searches = 0
        self.refused_once = False
        self._made = 0

    def new_uuid(self, seed: bytes) -> str:
        """Return the next id: the same seeds in the same order give the same ids."""
        self._made += 1
        digest = hashlib.sha256(b"%d:%b" % (self._made, seed)).digest()
        return str(UUID(bytes=digest[:16], version=4))

    def as_json(self) -> JsonObject:
        """Return the body of `GET /sandbox/state`."""
        runs: list[JsonValue] = [
            {"id": run.plan.id, "status": run.status} for run in self.runs.values()
        ]
        requests: list[JsonValue] = [asdict(record) for record in self.requests]
        return {
            "billed_runs": self.billed_runs,
            "billed_searches": self.billed_searches,
            "runs": runs,
            "requests": requests,
        }
