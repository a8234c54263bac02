"""Measure one limit for several processes: how many requests are refused, and how long they take over the limit.

`python -m benchmarks.limits [--processes 2] [--searches 100] [--limit 1|50] [--alone]`. Each process runs its searches
through a host of its own against one sandbox, with the key that allows so many a second. They share a ledger;
with `--alone` each has one of its own, and so a limiter of its own. The first search of each process is counted too.
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
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import process
from perplexity_connector.host import Host, Ledger
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import FIFTY_PER_SECOND_KEY, ONE_PER_SECOND_KEY

_KEYS = {1: ONE_PER_SECOND_KEY, 50: FIFTY_PER_SECOND_KEY}
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
                "perplexity",
                "execute_search",
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
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.readline()
    before = process.cpu_seconds()
    statuses = asyncio.run(_search(url, _KEYS[int(limit)], ledger, int(searches)))
    if problems := ledger.close():
        raise RuntimeError(problems)
    cpu = (process.cpu_seconds() - before) / int(searches)
    sys.stdout.write(json.dumps([statuses, cpu]) + "\n")


def _measure(
    processes: int, searches: int, limit: int, *, alone: bool
) -> Iterator[str]:
    """Yield the figures of so many processes, each with an equal part of the searches."""
    each = searches // processes
    with TemporaryDirectory() as folder, Sandbox() as sandbox, ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603 - our own module
                    _command(
                        sandbox.url, limit, Path(folder), number if alone else 0, each
                    ),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(processes)
        ]
        for child in children:
            _line_of(child)
        began = time.monotonic()
        for child in children:
            _start(child)
        found = [json.loads(_line_of(child)) for child in children]
        seconds = time.monotonic() - began
        sent = [request.status for request in sandbox.requests]
    runs = sum((Counter(statuses) for statuses, _ in found), Counter[str]())
    refused = sent.count(_REFUSED)
    failed = runs.total() - runs["succeeded"]
    least = (processes * each - 1) / limit
    cpu = sum(cpu for _, cpu in found) / len(found)
    yield f"{processes} processes, {processes * each} searches at {limit} a second{', each alone' if alone else ''}:"
    yield f"  refused (429): {refused}, {refused / len(sent):.2%} of the requests; failed runs: {failed}"
    yield f"  {seconds:.1f} s, {seconds - least:.1f} s over the limit; CPU a run {cpu * 1000:.2f} ms"


def _command(
    url: str, limit: int, folder: Path, number: int, searches: int
) -> Sequence[str]:
    file = folder / f"{number}.sqlite"
    own = [sys.executable, "-m", "benchmarks.limits", "child"]
    return [*own, url, str(limit), str(file), str(searches)]


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
    parser.add_argument("--alone", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Print the figures."""
    options = _parse(arguments)
    figures = _measure(
        options.processes, options.searches, options.limit, alone=options.alone
    )
    for line in figures:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _child(*sys.argv[2:])
    else:
        main(sys.argv[1:])
