"""What a sandbox remembers: its runs, its requests, and what would have been billed."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from uuid import UUID

from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.keys import Gate
from perplexity_connector.sandbox.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request that was answered. `key` is a fingerprint, never the key; `fields` names what the body held."""

    method: str
    path: str
    status: int
    key: str
    fields: tuple[str, ...]
    user_agent: str


@dataclass(slots=True, kw_only=True)
class State:
    """Everything a sandbox keeps. `clock` gives epoch seconds; the other settings are in seconds."""

    clock: Callable[[], float] = time.time
    slow_seconds: float = 1.0
    delta_seconds: float = 0.0
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    gate: Gate = field(init=False)
    runs: dict[str, Run] = field(init=False)
    requests: list[RequestRecord] = field(init=False)
    billed_runs: int = field(init=False)
    billed_searches: int = field(init=False)
    refused_once: bool = field(init=False)
    _made: int = field(init=False)

    def __post_init__(self) -> None:
        """A state that remembers nothing yet."""
        self.reset()

    def reset(self) -> None:
        """Forgets every run and request; what a key has used; and which ids were given out."""
        self.gate = Gate(self.clock)
        self.runs, self.requests = {}, []
        self.billed_runs = self.billed_searches = self._made = 0
        self.refused_once = False

    def new_uuid(self, seed: bytes) -> str:
        """An id made of a count and a seed: the same requests in the same order get the same ids."""
        self._made += 1
        digest = hashlib.sha256(b"%d:%b" % (self._made, seed)).digest()
        return str(UUID(bytes=digest[:16], version=4))

    def shown(self) -> JsonObject:
        """The body of `GET /sandbox/state`."""
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
