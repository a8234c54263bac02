"""What is left of a run's time."""

import time

from perplexity_connector.contract import ActionContext


def seconds_left(ctx: ActionContext) -> float | None:
    """Seconds until the run's deadline, negative when it is past; None when there is none."""
    return None if ctx.deadline is None else ctx.deadline - time.monotonic()


def seconds_within(limit: float, ctx: ActionContext) -> float:
    """`limit` in seconds, or what is left until the deadline where that is less."""
    left = seconds_left(ctx)
    return limit if left is None else min(limit, left)
