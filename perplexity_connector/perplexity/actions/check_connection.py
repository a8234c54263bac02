"""How good a connection is, for nothing: two GETs, no model named, nothing begun.

The list of models shows whether this is Perplexity at all. Its documentation has it need no key, while the service
has refused a bad one there: so a look at a run that nobody began follows, which always needs a good key.
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
from perplexity_connector.perplexity.actions.clock import seconds_within
from perplexity_connector.perplexity.actions.model_options import live_models
from perplexity_connector.perplexity.wire import (
    agent_request,
    connection_status,
    provider_errors,
)
from perplexity_connector.perplexity.wire.client import Client

# Somebody is waiting in front of a form; the settings' time-outs are made for long answers.
_SECONDS = 8.0
_LONGEST_WAIT_S = 3.0


async def examine(client: Client, ctx: ActionContext) -> ConnectionStatus:
    """What a test of `ctx.connection` finds, within ten seconds and the deadline. A bad connection does not raise."""
    try:
        async with timeout(seconds_within(_SECONDS, ctx)):
            await _wait_for_next_slot(await _list_models(client, ctx))
            return await _look_for_no_run(client, ctx)
    except TimeoutError:
        late = provider_errors.provider_error(
            ErrorCode.TIMEOUT, effect=Effect.NONE, detail="the connection test"
        )
        return connection_status.status_from_error(late)
    except ConnectorError as error:
        return connection_status.status_from_error(error)


async def _list_models(client: Client, ctx: ActionContext) -> float | None:
    """When the next request is free to go, in epoch seconds, if this one took the last that was."""
    free_at = None

    def observe(
        limit: int | None, remaining: int | None, resets_at: float | None
    ) -> None:
        nonlocal free_at
        ctx.observe_limit(limit, remaining, resets_at)
        free_at = resets_at if remaining == 0 else None

    await live_models(client, replace(ctx, observe_limit=observe))
    return free_at


async def _wait_for_next_slot(free_at: float | None) -> None:
    # A new account has one request a second, and a good key is not to be told that it asks too often.
    wait = 0.0 if free_at is None else free_at - time.time()
    if 0 < wait <= _LONGEST_WAIT_S:
        await sleep(wait)


async def _look_for_no_run(client: Client, ctx: ActionContext) -> ConnectionStatus:
    path = f"{agent_request.PATH}/resp_{uuid4()}"
    try:
        async with client.ask("GET", path, ctx) as answer:
            request_id = answer.request_id
    except ConnectorError as error:
        return connection_status.status_of_unknown_run(error)
    detail = "a run that nobody began"
    raise provider_errors.provider_error(
        ErrorCode.INVALID_RESPONSE,
        effect=Effect.NONE,
        detail=detail,
        request_id=request_id,
    )
