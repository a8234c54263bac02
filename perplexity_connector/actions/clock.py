"""What is left of a run's time."""

import time

from perplexity_connector.contract import ActionContext


def seconds_left(ctx: ActionContext) -> float | None:
    """Seconds until the run's deadline, negative when it is past; None when there is none."""
    return None if ctx.deadline is None else ctx.deadline - time.monotonic()
