"""Test a connection for free: two GETs, no model named, no run begun.

The list of models shows whether this is Perplexity at all. The docs say that listing models needs
no key, though the service has rejected bad ones. So we also GET a run id that does not exist: that
always needs a valid key (docs/provider.md, "Models" and "Runs: fetch, cancel").
"""

import time
from asyncio import sleep, timeout
from dataclasses import replace
from uuid import uuid4

from perplexity_connector.contract import (
    ActionContext,
    ConnectionStatus,
    ConnectorError,
    Effect,
    ErrorCode,
)
from perplexity_connector.perplexity.actions.model_options import live_prices
from perplexity_connector.perplexity.wire import (
    agent_request,
    connection_status,
    provider_errors,
)
from perplexity_connector.perplexity.wire.client import Client

# A user waits in front of a form. The time-outs of the settings are meant for long answers.
_SECONDS = 8.0
_SHORTEST_WAIT_S = 0.25
_LONGEST_WAIT_S = 3.0


async def examine(client: Client, ctx: ActionContext) -> ConnectionStatus:
    """Test `ctx.connection`, within ten seconds and the deadline.

    A bad connection does not raise an error: the returned status describes it.
    """
    try:
        async with timeout(_seconds(ctx)):
            free_at = await _list_models(client, ctx)
            await _wait_until(free_at)
            return await _get_unknown_run(client, ctx)
    except TimeoutError:
        late = provider_errors.provider_error(
            ErrorCode.TIMEOUT, effect=Effect.NONE, detail="the connection test"
        )
        return connection_status.status_from_error(late)
    except ConnectorError as error:
        return connection_status.status_from_error(error)


def _seconds(ctx: ActionContext) -> float:
    left = ctx.seconds_left()
    return _SECONDS if left is None else min(_SECONDS, left)


async def _list_models(client: Client, ctx: ActionContext) -> float | None:
    """List the models. Return when the rate limit allows the next request.

    The time is in epoch seconds; None if a request is allowed at once.
    """
    free_at = None

    def observe(
        limit: int | None, remaining: int | None, resets_at: float | None
    ) -> None:
        nonlocal free_at
        ctx.observe_limit(limit, remaining, resets_at)
        free_at = resets_at if remaining == 0 else None

    await live_prices(client, replace(ctx, observe_limit=observe))
    return free_at


async def _wait_until(free_at: float | None) -> None:
    # A new account has one request a second. Without this wait its key would be "rate limited".
    wait = 0.0 if free_at is None else free_at - time.time()
    if 0 < wait <= _LONGEST_WAIT_S:
        await sleep(max(wait, _SHORTEST_WAIT_S))


async def _get_unknown_run(client: Client, ctx: ActionContext) -> ConnectionStatus:
    path = f"{agent_request.PATH}/resp_{uuid4()}"
    try:
        async with client.ask("GET", path, ctx) as answer:
            request_id = answer.request_id
    except ConnectorError as error:
        return connection_status.status_of_unknown_run(error)
    raise provider_errors.provider_error(
        ErrorCode.INVALID_RESPONSE,
        effect=Effect.NONE,
        detail="a run with an unknown id",
        request_id=request_id,
    )
