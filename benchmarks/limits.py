"""Measure one limit for several processes: how many requests are refused, and how long they take over the limit.

`python -m benchmarks.limits [--processes 2] [--searches 100] [--limit 1|50] [--alone] [--known]`. Each process runs
its searches through a host of its own against one sandbox, with the key that allows so many a second. They share a
ledger; with `--alone` each has one of its own, and so a limiter of its own. With `--known` the ledgers know the limit
before; else the first requests of each process are sent without it.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import process
from perplexity_connector.host import Host, Ledger
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import FIFTY_PER_SECOND_KEY, ONE_PER_SECOND_KEY

_KEYS = {1: ONE_PER_SECOND_KEY, 50: FIFTY_PER_SECOND_KEY}
_SEARCH = ("perplexity", "execute_search")
_AT_ONCE = 16
_REFUSED = 429


async def _search(url: str, key: str, ledger: Ledger, searches: int) -> Counter[str]:
    """Run searches from some places. Return the runs by status."""
    numbers = iter(range(searches))
    statuses = Counter[str]()
    settings = {"perplexity": {"base_url": url}}

    async def place(host: Host) -> None:
        for number in numbers:
            found = await host.run(
                *_SEARCH,
                {"query": f"number {number}"},
                connection={"connection_name": "Benchmark", "api_key": key},
            )
            statuses[found["status"]] += 1

    async with (
        Host(environ={}, settings=settings, ledger=ledger, sandbox=True) as host,
        asyncio.TaskGroup() as places,
    ):
        for _ in range(_AT_ONCE):
            places.create_task(place(host))
    return statuses


def _child(url: str, limit: str, file: str, searches: str) -> None:
    """Run searches once a line is read, and print the runs by status, and the CPU of one."""
    ledger = Ledger(f"sqlite:///{file}", environ={})
    ledger.jobs(limit=1).result()
    Host(environ={}).validate(*_SEARCH, {"query": "warm"})
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.readline()
    before = process.cpu_seconds()
    statuses = asyncio.run(_search(url, _KEYS[int(limit)], ledger, int(searches)))
    if problems := ledger.close():
        raise RuntimeError(problems)
    cpu = (process.cpu_seconds() - before) / int(searches)
    sys.stdout.write(json.dumps([statuses, cpu]) + "\n")


def _measure(options: argparse.Namespace) -> Iterator[str]:
    """Yield the figures of some processes, each with an equal part of the searches."""
    each = options.searches // options.processes
    with TemporaryDirectory() as folder, Sandbox() as sandbox, ExitStack() as stack:
        files = [
            f"{folder}/{number if options.alone else 0}.sqlite"
            for number in range(options.processes)
        ]
        if options.known:
            _learn(sandbox.url, options.limit, files)
        before = len(sandbox.requests)
        children = [
            stack.enter_context(_new_child(sandbox.url, options.limit, file, each))
            for file in files
        ]
        found, seconds = _run(children)
        sent = [request.status for request in sandbox.requests[before:]]
    runs = sum((Counter(statuses) for statuses, _ in found), Counter[str]())
    refused = sent.count(_REFUSED)
    over = seconds - (runs.total() - 1) / options.limit
    cpu = sum(cpu for _, cpu in found) / len(found)
    yield f"{options.processes} processes, {runs.total()} searches at {options.limit} a second: {seconds:.1f} s"
    yield f"refused (429): {refused}, {refused / len(sent):.2%} of the requests"
    yield f"runs that failed: {runs.total() - runs['succeeded']}; {over:.1f} s over the limit"
    yield f"CPU a run: {cpu * 1000:.2f} ms"


def _learn(url: str, limit: int, files: Sequence[str]) -> None:
    """Let the ledgers know the limit: one search for each of them."""
    for file in sorted(set(files)):
        ledger = Ledger(f"sqlite:///{file}", environ={})
        asyncio.run(_search(url, _KEYS[limit], ledger, 1))
        ledger.close()


def _new_child(url: str, limit: int, file: str, searches: int) -> subprocess.Popen[str]:
    own = [sys.executable, "-m", "benchmarks.limits", "child"]
    return subprocess.Popen(  # noqa: S603 - our own module
        [*own, url, str(limit), file, str(searches)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _run(children: Sequence[subprocess.Popen[str]]) -> tuple[list[Any], float]:
    """Let all begin at once. Return the output of each, and the seconds until the last one ended."""
    for child in children:
        _line_of(child)
    began = time.monotonic()
    for child in children:
        _start(child)
    found = [json.loads(_line_of(child)) for child in children]
    return found, time.monotonic() - began


def _line_of(child: subprocess.Popen[str]) -> str:
    if child.stdout is None:
        raise RuntimeError
    return child.stdout.readline()


def _start(child: subprocess.Popen[str]) -> None:
    if child.stdin is None:
        raise RuntimeError
    child.stdin.write("\n")
    child.stdin.flush()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--searches", type=int, default=100, help="of all processes together"
    )
    parser.add_argument("--limit", type=int, choices=_KEYS, default=50)
    parser.add_argument(
        "--alone", action="store_true", help="a ledger for each process"
    )
    parser.add_argument("--known", action="store_true", help="one search before")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Print the figures."""
    for line in _measure(_parse(arguments)):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _child(*sys.argv[2:])
    else:
        main(sys.argv[1:])
