"""The time until a run's deadline."""

import time

from perplexity_connector.contract import ActionContext


def seconds_left(ctx: ActionContext) -> float | None:
    """Return the seconds until the deadline, negative after it; None without a deadline."""
    return None if ctx.deadline is None else ctx.deadline - time.monotonic()


def seconds_within(limit: float, ctx: ActionContext) -> float:
    """Return `limit` in seconds, or the time until the deadline if that is shorter."""
    left = seconds_left(ctx)
    return limit if left is None else min(limit, left)
