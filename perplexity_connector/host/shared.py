"""One open host for each event loop, for programs that do not open one by themselves."""

import asyncio
from collections.abc import AsyncGenerator, MutableMapping

from perplexity_connector.host.host import Host

__all__ = ["shared_host"]

# Each event loop's host, and the generator that keeps it open.
_HOSTS: MutableMapping[
    asyncio.AbstractEventLoop, tuple[Host, AsyncGenerator[None, None]]
] = {}


async def shared_host() -> Host:
    """Return the open host of this event loop. Every caller on the loop shares its connections.

    It is closed with the loop: at its end, `asyncio.run` closes the generator that keeps the host
    open.
    """
    loop = asyncio.get_running_loop()
    if loop not in _HOSTS:
        _forget_closed_loops()
        host = Host()
        keeper = _keep_open(host, loop)
        _HOSTS[loop] = (host, keeper)
        await anext(keeper)
    return _HOSTS[loop][0]


def _forget_closed_loops() -> None:
    for loop in [loop for loop in list(_HOSTS) if loop.is_closed()]:
        del _HOSTS[loop]


async def _keep_open(
    host: Host, loop: asyncio.AbstractEventLoop
) -> AsyncGenerator[None, None]:
    async with host:
        try:
            yield
        finally:
            del _HOSTS[loop]
