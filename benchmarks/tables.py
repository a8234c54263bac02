"""Measure tables: pace at a rate limit, memory, CPU a row, and how soon an unchanged table goes on.

`python -m benchmarks.tables [--rows 100000] [--searches 10000]`. The searches run against the sandbox with its key of
50 a second; the rows are chats against `benchmarks.cheap_server`, in a process of its own. The wall clock and the disk
have a part in the first and the last figure, so run it on a machine that does little else.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import process, programs
from perplexity_connector.host import Host, Ledger
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import FIFTY_PER_SECOND_KEY

_SEARCH = ("perplexity", "execute_search")
_CHAT = ("perplexity", "create_chat_completion")
_LIMIT = 50
_REFUSED = 429
_AT_ONCE = 16
_BARE_ROWS = 2000
# The cheap server, without faults.
_SERVER = ("benchmarks.cheap_server", "1", "0.01", "3", "0")
_TEMPLATE = {
    "model": "sonar",
    "messages.0.role": "user",
    "messages.0.content": "{word}",
}


def _write(folder: Path, rows: int) -> Path:
    table = folder / "in.csv"
    with table.open("w", encoding="utf-8") as file:
        file.write("number,word\n")
        file.writelines(f"{row},run-{row:06d}\n" for row in range(rows))
    return table


async def _run(
    folder: Path,
    url: str,
    key: str,
    action: tuple[str, str],
    template: Mapping[str, str],
) -> tuple[float, float]:
    """Run the table of a folder. Return the seconds until its plan, and those of its rows."""
    ledger = Ledger(f"sqlite:///{folder}/ledger.sqlite", environ={})
    host = _host(url, ledger)
    connection = {"connection_name": "Benchmark", "api_key": key}
    began = planned = time.monotonic()
    async with (
        host,
        aclosing(
            host.stream_table(
                *action,
                folder / "in.csv",
                template,
                out=folder / "out.csv",
                connection=connection,
                at_once=_AT_ONCE,
            )
        ) as items,
    ):
        async for item in items:
            if item["type"] == "table.planned":
                planned = time.monotonic()
            if item["type"] == "table.finished" and item["reason"] != "done":
                raise RuntimeError(item)
    ended = time.monotonic()
    if problems := ledger.close():
        raise RuntimeError(problems)
    return planned - began, ended - planned


def _host(url: str, ledger: Ledger | None = None) -> Host:
    settings = {"perplexity": {"base_url": url}}
    return Host(environ={}, settings=settings, ledger=ledger)


def _pace(searches: int) -> Iterator[str]:
    """Yield how long searches take at the limit of their key, and how many are refused."""
    with TemporaryDirectory() as name, Sandbox() as sandbox:
        _write(Path(name), searches)
        _, seconds = asyncio.run(
            _run(
                Path(name),
                sandbox.url,
                FIFTY_PER_SECOND_KEY,
                _SEARCH,
                {"query": "{word}"},
            )
        )
        statuses = [request.status for request in sandbox.requests]
    refused = statuses.count(_REFUSED)
    yield f"{searches} searches at {_LIMIT} a second: {seconds:.1f} s, {seconds * _LIMIT / searches:.3f} of the limit"
    yield f"refused (429): {refused}, {refused / len(statuses):.2%} of the requests"


async def _bare(url: str, rows: int) -> None:
    """Run as many chats as rows, as many at once, without a table and a ledger."""
    numbers = iter(range(rows))

    async def place(host: Host) -> None:
        for number in numbers:
            question = {"role": "user", "content": f"bare-{number:06d}"}
            await host.run(
                *_CHAT,
                {"model": "sonar", "messages": [question]},
                connection={"connection_name": "Benchmark", "api_key": "pplx-bench"},
            )

    async with _host(url) as host, asyncio.TaskGroup() as places:
        for _ in range(_AT_ONCE):
            places.create_task(place(host))


def _rows(rows: int) -> Iterator[str]:
    """Yield memory and CPU of a table of chats, and how soon it goes on unchanged."""
    with TemporaryDirectory() as name, programs.serving(*_SERVER) as url:
        folder = Path(name)
        _write(folder, rows)
        asyncio.run(_bare(url, _AT_ONCE))
        before = process.cpu_seconds()
        asyncio.run(_bare(url, _BARE_ROWS))
        bare = (process.cpu_seconds() - before) / _BARE_ROWS
        process.forget_peak()
        before = process.cpu_seconds()
        _, seconds = asyncio.run(_run(folder, url, "pplx-bench", _CHAT, _TEMPLATE))
        cpu = (process.cpu_seconds() - before) / rows
        yield f"{rows} rows: {seconds:.1f} s, peak memory {process.peak_memory() / 1024:.0f} MiB"
        yield f"CPU a row: {cpu * 1000:.2f} ms, a bare run {bare * 1000:.2f} ms, more {(cpu - bare) * 1000:.2f} ms"
        planned, _ = asyncio.run(_run(folder, url, "pplx-bench", _CHAT, _TEMPLATE))
        yield f"the unchanged table again: planned after {planned:.2f} s"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=10_000)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Print the figures; 0 of a kind leaves them out."""
    options = _parse(arguments)
    parts = ((_rows, options.rows), (_pace, options.searches))
    for part, count in parts:
        for line in part(count) if count else ():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
