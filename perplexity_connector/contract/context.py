"""The context that a host gives to an action for one attempt of one run."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from perplexity_connector.contract.json import JsonObject, new_run_id
from perplexity_connector.contract.secret import Secret

__all__ = ["ActionContext"]


async def _keep_nothing(state: JsonObject) -> None:
    del state


async def _always() -> bool:
    return True


def _ignore(*values: object) -> None:
    del values


def _not_at_all() -> float:
    return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """One attempt of one run.

    Every field has a default that does nothing, so that a plain pluggy host can build a context.
    Later versions only add fields.

    * `run_id`, `attempt` (from 1), `last_attempt`: the run, and whether the host, or the engine that
      runs it, would try again.
    * `connection`: the credential's fields; secret ones are `Secret`.
    * `deadline`: seconds on the monotonic clock (`time.monotonic()`); None means no deadline.
    * `waited()`: the seconds that this run has waited for the host's own limit and that do not count
      against `deadline`. They grow while a request waits. Use `seconds_left`, which adds them.
    * `resume_from`: the last state checkpointed by an earlier attempt or process of this run.
    * `checkpoint(state)`: save a small JSON state; once it returns, a crash cannot lose the state.
      An empty state clears the checkpoint.
    * `wants_events`, `emit(event)`: whether there is a listener, and how to send it an event.
      `emit` never blocks.
    * `salvage(partial)`: the host's function that records a partial output. Actions should call
      `save_partial`, its newer name; both work.
    * `observe_usage(usage)`: call this before re-raising `CancelledError`, with the amounts used so
      far: they become the envelope's `usage`. A `ConnectorError` carries its own.
    * `permit()`: an async context manager around every request that begins something at the
      provider: the host's shared limit. Hold it until the response's headers have arrived or the
      request has failed. It raises `ConnectorError` (`rate_limited`, effect `none`) if the turn is
      not before the deadline. A request that looks at a run, or asks to stop it, does not wait.
    * `observe_limit(limit, remaining, resets_at)`: call this with the rate headers of every
      response to a request that had a permit; `resets_at` is in epoch seconds.
    * `observe_refusal(retry_after)`: call this when the provider refuses such a request because of
      its rate limit, after `observe_limit`. `retry_after` is in seconds, None if it is not known.
    * `may_stop()`: await this before asking the provider to cancel the run. False: do not ask. Another
      process follows the run now, or the host means to come back for it.
    * `observe_stop(accepted)`: call this before re-raising `CancelledError`, or at the deadline:
      whether the provider accepted the request to stop, or there was nothing to stop. Else the
      envelope of a run with a checkpoint warns that the run may go on.
    * `observe_request(method, path, status, milliseconds)`: call this for every request, when the
      response's headers have arrived or the request has failed (`status` None). `path` has neither
      the host nor a query. A connector may leave it out; then observers do not see its requests.
    * `log`: where the action may log.
    """

    run_id: str = field(default_factory=new_run_id)
    attempt: int = 1
    last_attempt: bool = True
    # Not in the repr: a host may give plain texts, and a crash reporter prints variables.
    connection: Mapping[str, str | Secret] = field(
        default_factory=dict[str, str | Secret], repr=False
    )
    deadline: float | None = None
    waited: Callable[[], float] = _not_at_all
    resume_from: JsonObject | None = None
    checkpoint: Callable[[JsonObject], Awaitable[None]] = _keep_nothing
    wants_events: bool = False
    emit: Callable[[JsonObject], None] = _ignore
    salvage: Callable[[JsonObject], None] = _ignore
    observe_usage: Callable[[JsonObject], None] = _ignore
    permit: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    observe_limit: Callable[[int | None, int | None, float | None], None] = _ignore
    observe_refusal: Callable[[float | None], None] = _ignore
    may_stop: Callable[[], Awaitable[bool]] = _always
    observe_stop: Callable[[bool], None] = _ignore
    observe_request: Callable[[str, str, int | None, float], None] = _ignore
    log: logging.Logger = field(
        default_factory=lambda: logging.getLogger("automation_host")
    )

    def seconds_left(self) -> float | None:
        """Return the seconds until the run must end, 0 or less after it; None without a deadline.

        Waiting for the host's limit may move that end: `expiring` makes a timer that follows it.
        """
        if self.deadline is None:
            return None
        return self.deadline + self.waited() - time.monotonic()

    def save_partial(self, partial: JsonObject) -> None:
        """Record the output received so far: the preferred name of `salvage`.

        Call this before re-raising `CancelledError`; it becomes the envelope's `partial`.
        """
        self.salvage(partial)
