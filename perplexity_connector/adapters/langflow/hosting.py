"""The host that the nodes of a process share."""

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from functools import cache
from typing import TypeAlias

from perplexity_connector.contract import JsonObject
from perplexity_connector.host import Host

_Held: TypeAlias = MutableMapping[
    asyncio.AbstractEventLoop, tuple[Host, AsyncGenerator[None, None]]
]


@cache
def described(connector: str, action: str) -> JsonObject:
    """What the host describes of an action, read once: Langflow builds a node's class anew for every run."""
    return Host().describe(connector, action)


async def shared_host() -> Host:
    """The open host of this event loop: its connections to the provider serve every node, and every run.

    Langflow tells an extension of no shutdown. The event loop does: as it ends it closes the generator that keeps
    the host open.
    """
    loop, held = asyncio.get_running_loop(), _held()
    if loop not in held:
        host = Host()
        keeping = _keep(host, loop)
        held[loop] = (host, keeping)
        await anext(keeping)
    return held[loop][0]


@cache
def _held() -> _Held:
    return {}


async def _keep(
    host: Host, loop: asyncio.AbstractEventLoop
) -> AsyncGenerator[None, None]:
    async with host:
        try:
            yield
        finally:
            del _held()[loop]
