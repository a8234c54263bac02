"""Measure one client from inside its own process: `python -m benchmarks.subject NAME URL [once]`.

With `once` it searches once and ends. Else it reads commands from standard input, `CASE CALLS` a line, makes the
calls, and prints CPU seconds, wall seconds and the growth of peak memory in KiB for all of them as one line of JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from benchmarks import clients, process

_QUERIES = 100
_STREAMS = 1000
_SETTLES_S = 0.3

Call = Callable[[], Awaitable[object]]


def cases(client: clients.Client, url: str) -> Mapping[str, Call]:
    """Return the calls that a client supports, by case."""
    return {
        "chat": lambda: client.chat(f"{url}/plain"),
        "unheard": lambda: client.unheard(f"{url}/live"),
        "heard": lambda: client.heard(f"{url}/live"),
        "search": lambda: client.search(f"{url}/plain"),
        "searches": lambda: client.searches(
            f"{url}/plain", [f"moon {number}" for number in range(_QUERIES)]
        ),
    }


async def _measured(call: Call, calls: int) -> Mapping[str, float]:
    before = process.memory()
    process.forget_peak()
    cpu, began = process.cpu_seconds(), time.monotonic()
    for _ in range(calls):
        await call()
    return {
        "cpu": process.cpu_seconds() - cpu,
        "wall": time.monotonic() - began,
        "memory": process.peak_memory() - before,
    }


async def _held(client: clients.Client, url: str) -> Mapping[str, float]:
    """Return the memory of each stream in KiB, while many wait, and at the peak when they end together."""
    await client.heard(f"{url}/plain")
    idle = process.memory()
    process.forget_peak()
    tasks = [
        asyncio.ensure_future(client.heard(f"{url}/held")) for _ in range(_STREAMS)
    ]
    while await clients.ask_server(f"{url}/waiting") < _STREAMS:  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(_SETTLES_S)
    await asyncio.sleep(_SETTLES_S)
    waiting = process.memory()
    await clients.ask_server(f"{url}/release")
    await asyncio.gather(*tasks)
    return {
        "held": (waiting - idle) / _STREAMS,
        "peak": (process.peak_memory() - idle) / _STREAMS,
    }


async def _serve(name: str, url: str) -> None:
    """Carry out the commands of the driver, line by line."""
    async with clients.CLIENTS[name](url) as client:
        known = cases(client, url)
        for line in sys.stdin:
            case, calls = line.split()
            result: Any = await (
                _held(client, url)
                if case == "held"
                else _measured(known[case], int(calls))
            )
            sys.stdout.write(json.dumps(result) + "\n")
            sys.stdout.flush()


async def _once(name: str, url: str) -> None:
    async with clients.CLIENTS[name](url) as client:
        await client.search(f"{url}/plain")


def main(name: str, url: str, *once: str) -> None:
    """Serve, or search once."""
    process.allow_many_files()
    asyncio.run(_once(name, url) if once else _serve(name, url))


if __name__ == "__main__":
    main(*sys.argv[1:])
