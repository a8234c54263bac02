"""The host that the nodes of a process share."""

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from functools import cache
from typing import TypeAlias

from perplexity_connector.contract import JsonObject
from perplexity_connector.host import Host

# Each event loop's host, and the generator that keeps it open.
_HostsByLoop: TypeAlias = MutableMapping[
    asyncio.AbstractEventLoop, tuple[Host, AsyncGenerator[None, None]]
]


@cache
def described(connector: str, action: str) -> JsonObject:
    """Return an action's description, read once: Langflow builds a node's class for every run."""
    return Host().describe(connector, action)


async def shared_host() -> Host:
    """Return the open host of this event loop. Its connections serve every node and every run.

    Langflow does not announce its shutdown to an extension. The event loop does: at its end, it
    closes the generator that keeps the host open.
    """
    loop = asyncio.get_running_loop()
    hosts = _hosts_by_loop()
    if loop not in hosts:
        host = Host()
        keeper = _keep_open(host, loop)
        hosts[loop] = (host, keeper)
        await anext(keeper)
    return hosts[loop][0]


@cache
def _hosts_by_loop() -> _HostsByLoop:
    return {}


async def _keep_open(
    host: Host, loop: asyncio.AbstractEventLoop
) -> AsyncGenerator[None, None]:
    async with host:
        try:
            yield
        finally:
            del _hosts_by_loop()[loop]
