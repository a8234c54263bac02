"""What a host hands to an action for one attempt of one run."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from perplexity_connector.contract.json import JsonObject, new_run_id
from perplexity_connector.contract.secret import Secret

__all__ = ["ActionContext"]


async def _keep_nothing(state: JsonObject) -> None:
    del state


def _tell_nobody(event: JsonObject) -> None:
    del event


def _salvage_nothing(partial: JsonObject) -> None:
    del partial


def _observe_nothing(
    limit: int | None, remaining: int | None, resets_at: float | None
) -> None:
    del limit, remaining, resets_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """One attempt of one run, as the host sees it.

    Every part has a default that does nothing, so that a plain pluggy host can build one; parts are only ever added.

    * `run_id`, `attempt` (from 1), `last_attempt`: which run, and whether the host would try again.
    * `connection`: the credential's fields; secret ones are `Secret`.
    * `deadline`: seconds on the monotonic clock (`time.monotonic()`); None is none.
    * `resume_from`: the last state checkpointed by an earlier attempt or process of this run.
    * `checkpoint(state)`: keep a small JSON state; once it returns, a crash cannot lose it. An empty one says that
      there is nothing to come back to any more.
    * `wants_events`, `emit(event)`: whether anybody listens, and how to tell them. `emit` never blocks.
    * `salvage(partial)`: what was received so far, told before a cancellation is passed on; a run that is stopped keeps
      it.
    * `permit()`: an async context manager around every request to the provider, held until the answer's headers are
      there or the request has failed: the host's shared limit.
    * `observe_limit(limit, remaining, resets_at)`: told the rate headers of every answer; `resets_at` in epoch seconds.
    """

    run_id: str = field(default_factory=new_run_id)
    attempt: int = 1
    last_attempt: bool = True
    connection: Mapping[str, str | Secret] = field(
        default_factory=dict[str, str | Secret]
    )
    deadline: float | None = None
    resume_from: JsonObject | None = None
    checkpoint: Callable[[JsonObject], Awaitable[None]] = _keep_nothing
    wants_events: bool = False
    emit: Callable[[JsonObject], None] = _tell_nobody
    salvage: Callable[[JsonObject], None] = _salvage_nothing
    permit: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    observe_limit: Callable[[int | None, int | None, float | None], None] = (
        _observe_nothing
    )
    log: logging.Logger = field(
        default_factory=lambda: logging.getLogger("automation_host")
    )
