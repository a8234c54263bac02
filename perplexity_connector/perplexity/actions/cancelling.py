"""Ask Perplexity to cancel a run (docs/provider.md, "Runs: fetch, cancel")."""

import asyncio
import re
from contextlib import suppress

from perplexity_connector.contract import (
    ActionContext,
    ConnectorError,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.contract.readers import as_text
from perplexity_connector.perplexity.wire import agent_request
from perplexity_connector.perplexity.wire.client import Client

_CANCEL_SECONDS = 2


async def cancel_chat(client: Client, state: JsonObject, ctx: ActionContext) -> bool:
    """Ask to cancel the run of a chat's checkpoint. Return whether Perplexity accepted.

    Raises `ConnectorError` (`invalid_input`) if the checkpoint has no run id.
    """
    return await ask_to_cancel(client, run_id_of(state), ctx)


async def ask_to_cancel(client: Client, run_id: str, ctx: ActionContext) -> bool:
    """Ask to cancel a run, if the host allows it. Return whether Perplexity accepted, within two seconds."""
    # Not the host's limit: the run costs money while the request waits.
    free = ActionContext(connection=ctx.connection, observe_request=ctx.observe_request)
    path = f"{agent_request.PATH}/{run_id}/cancel"
    with suppress(ConnectorError, TimeoutError):
        async with asyncio.timeout(_CANCEL_SECONDS):
            if not await ctx.may_stop():
                return False
            async with client.ask("POST", path, free):
                return True
    return False


def run_id_of(state: JsonObject) -> str:
    """Return the run id of a chat's checkpoint.

    Raises `ConnectorError` (`invalid_input`) if there is not one.
    """
    run_id = as_text(state.get("response_id"))
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", run_id):
        message = "The state to resume from has no run id."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    return run_id
