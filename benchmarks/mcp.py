"""Compare a search through MCP over HTTP with Perplexity's own MCP server: `python -m benchmarks.mcp`.

`[--calls 200] [--rounds 9]`. Both servers run as processes of their own and ask `benchmarks.canned_server`. A plain
client calls them in turn, ours by both versions of the protocol. A figure is the median over the rounds, of CPU per
call (user and system of the server's process). It needs Node, and npm to install the other server into a temporary
folder. Linux only: it reads /proc.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import programs
from benchmarks.canned_wire import RESULTS
from benchmarks.mcp_client import SESSIONS, SINGLE, McpClient

PACKAGE = "@perplexity-ai/mcp-server"
VERSION = "1.2.1"
TARGET = 0.7
_KEY = "pplx-bench"
_URL = re.compile(r"http://\S+/mcp")
_PAGE = "https://pages.example/moon/"
# Of the line in /proc, after the name: user and system, then those of the children that have ended.
_TIMES = slice(11, 15)
_TICKS = os.sysconf("SC_CLK_TCK")
_OFFICIAL = "official"
_OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that is running: where, and the tool that searches."""

    url: str
    tool: str
    process: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What calls cost a server: seconds of CPU each, and its memory after them in KiB."""

    cpu: float
    memory: int


def cpu_of(stat: str) -> float:
    """Return the seconds in a line of `/proc/PID/stat`: user and system, of all threads and ended children."""
    # The name before may hold spaces and brackets.
    times = stat.rpartition(")")[2].split()[_TIMES]
    return sum(map(int, times)) / _TICKS


def check(result: Mapping[str, Any]) -> None:
    """Raise `RuntimeError` if a result is not the ten pages, as text and as structured content."""
    texts = [part["text"] for part in result["content"]]
    found = str(result.get("structuredContent")).count(_PAGE)
    if found != RESULTS or texts[0].count(_PAGE) != RESULTS:
        raise RuntimeError(result)


def lines(figures: Mapping[str, Figure]) -> Iterator[str]:
    """Yield the table: CPU a call, and how much that is of the official server's."""
    official = figures[_OFFICIAL]
    for name, figure in figures.items():
        ratio = figure.cpu / official.cpu
        memory = figure.memory / 1024
        yield f"{name:24}{figure.cpu * 1000:7.2f} ms a call {ratio:7.2f} {memory:7.0f} MiB"
    ratio = figures[f"{_OURS}, {SESSIONS}"].cpu / official.cpu
    verdict = "met" if ratio <= TARGET else "MISSED"
    yield f"ours / official by {SESSIONS}: {ratio:.2f}, target {TARGET}: {verdict}"


def measure(rounds: int, calls: int) -> Mapping[str, Figure]:
    """Return the figures by client."""
    seen: dict[str, list[Figure]] = defaultdict(list)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        install(folder)
        search = programs.serving("benchmarks.canned_server")
        provider = f"{stack.enter_context(search)}/plain"
        ours = stack.enter_context(_ours(folder, provider))
        subjects = {
            _OFFICIAL: (stack.enter_context(_official(folder, provider)), SESSIONS),
            **{
                f"{_OURS}, {version}": (ours, version) for version in (SESSIONS, SINGLE)
            },
        }
        names = list(subjects)
        for number in range(rounds + 1):
            # The first one finds the caches coldest, so each round begins with another one.
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                server, version = subjects[name]
                figure = _calls(server, version, calls)
                # The first round only warms up.
                seen[name] += [figure] if number else []
    return {
        name: Figure(cpu=median(one.cpu for one in found), memory=found[-1].memory)
        for name, found in seen.items()
    }


def _calls(server: Server, version: str, calls: int) -> Figure:
    """Make some calls by a client of their own."""
    process = Path(f"/proc/{server.process}")
    with McpClient(server.url, version) as client:
        check(client.call(server.tool, {"query": "moon"}))
        before = cpu_of((process / "stat").read_text())
        for number in range(calls):
            client.call(server.tool, {"query": f"moon {number}"})
        after = cpu_of((process / "stat").read_text())
    resident = re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())
    return Figure(
        cpu=(after - before) / calls, memory=int(resident[1]) if resident else 0
    )


def install(folder: str) -> None:
    """Install the official server into a folder."""
    quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--silent")
    command = ["npm", "install", "--prefix", folder, *quiet, f"{PACKAGE}@{VERSION}"]
    subprocess.run(command, check=True)  # noqa: S603 - a pinned package


@contextmanager
def _official(folder: str, provider: str) -> Iterator[Server]:
    main = Path(folder, "node_modules", PACKAGE, "dist", "http.js")
    # It has no port of its own choice: it would tell the one it was given.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = ["node", str(main)]
    with _serving(command, provider, PORT=str(port)) as (url, process):
        yield Server(url=url, tool="perplexity_search", process=process)


@contextmanager
def _ours(folder: str, provider: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "perplexity_connector", "mcp", "--http", "0"]
    ledger = f"sqlite:///{folder}/ledger.sqlite"
    with _serving(command, provider, AUTOMATION_HOST_LEDGER=ledger) as (url, process):
        yield Server(url=url, tool="perplexity-execute_search", process=process)


@contextmanager
def _serving(
    command: Sequence[str], provider: str, **more: str
) -> Iterator[tuple[str, int]]:
    """Run a server until it is no longer needed. Yield its URL, which it tells on stderr, and its process."""
    own = {"PERPLEXITY_API_KEY": _KEY, "PERPLEXITY_BASE_URL": provider, **more}
    # A proxy of the environment is not for this machine.
    others = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("PERPLEXITY_")
    }
    with subprocess.Popen(  # noqa: S603 - a command of this module
        command, env=others | own, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield url_in(process.stderr or ()), process.pid
        finally:
            process.terminate()


def url_in(told: Iterable[str]) -> str:
    """Return the URL in what a server tells. Raises `RuntimeError` with all that it told if there is none."""
    heard = []
    for line in told:
        if found := _URL.search(line):
            return found.group()
        heard.append(line)
    raise RuntimeError("".join(heard))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table. Return 0 even if the target is missed, since machines differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mcp")
    parser.add_argument("--calls", type=int, default=200, help="of a round")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    figures = measure(options.rounds, options.calls)
    sys.stdout.write("\n".join([*lines(figures), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
