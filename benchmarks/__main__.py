"""Compare with peers, interleaved, as ratios: `python -m benchmarks` (under five minutes; `.[bench]` installs them).

`--before FOLDER` measures another checkout of this package in the same run. Every client runs in a process of its own
against `benchmarks.canned_server`. A round asks each of them for a few calls of each case; a figure is the median over
the rounds, of CPU per call (user and system of the client's process). Ratios to the floor travel from machine to
machine; seconds do not.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks import programs
from benchmarks.clients import CLIENTS
from benchmarks.targets import BEFORE, Figures, table_lines

# How many calls a round makes of each case.
_CALLS = {"chat": 20, "unheard": 2, "heard": 2, "search": 40, "searches": 1}
_NO_SEARCH = frozenset({"openai", "langchain-perplexity"})
_HELD = ("aiohttp", "httpx", "ours")
_ROUNDS_OF_DISCOVERY = 3


class Subject:
    """The process of one client."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        """Use a process that was just started."""
        self.name = name
        self._process = process

    def ask(self, case: str, calls: int = 1) -> Mapping[str, float]:
        """Let the client make some calls, and return its measurements."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError(self.name)
        self._process.stdin.write(f"{case} {calls}\n")
        self._process.stdin.flush()
        measured: Mapping[str, float] = json.loads(self._process.stdout.readline())
        return measured

    def cases(self) -> Sequence[str]:
        """Return the cases that the client supports."""
        return [
            case
            for case in _CALLS
            if not (case.startswith("search") and self.name in _NO_SEARCH)
        ]


def measure(rounds: int, url: str, before: Path | None = None) -> Figures:
    """Return every figure, by case and client; with those of the checkout `before`, if given."""
    figures: dict[str, dict[str, Mapping[str, float]]] = defaultdict(dict)
    for case, calls in _calls(rounds, url, before).items():
        figures[case].update(calls)
    for name, (cpu, memory) in _starts(rounds, url, before).items():
        case, _, client = name.partition(": ")
        figures[case][client] = {"cpu": cpu, "memory": memory}
    figures["discovery"].update(_discovery(before))
    for name in [*_HELD, *_names(before)]:
        with _subject(name, url, before) as subject:
            figures["held"][name] = subject.ask("held")
    return figures


@contextmanager
def _subject(name: str, url: str, before: Path | None) -> Iterator[Subject]:
    is_before = name == BEFORE
    client, checkout = ("ours", before) if is_before else (name, None)
    arguments = ("benchmarks.subject", client, url)
    with programs.running(*arguments, checkout=checkout) as process:
        yield Subject(name, process)


def _names(before: Path | None) -> Sequence[str]:
    return [] if before is None else [BEFORE]


def _discovery(before: Path | None) -> Mapping[str, Mapping[str, float]]:
    checkouts = {"ours": None, **dict.fromkeys(_names(before), before)}
    rounds = [
        {name: programs.discovery(folder=folder) for name, folder in checkouts.items()}
        for _ in range(_ROUNDS_OF_DISCOVERY)
    ]
    found = {
        name: {"cpu": median(each[name][0] for each in rounds)} for name in checkouts
    }
    alone = median(each["ours"][1] for each in rounds)
    return found | {"libyaml alone": {"cpu": alone}}


def _calls(
    rounds: int, url: str, before: Path | None
) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    seen: dict[tuple[str, str], list[Mapping[str, float]]] = defaultdict(list)
    with ExitStack() as stack:
        subjects = [
            stack.enter_context(_subject(name, url, before))
            for name in [*CLIENTS, *_names(before)]
        ]
        for number in range(rounds + 1):
            for case, calls in _CALLS.items():
                # The first client finds the caches coldest, so each round begins with another one.
                first = number % len(subjects)
                for subject in (*subjects[first:], *subjects[:first]):
                    if case in subject.cases():
                        measured = subject.ask(case, calls)
                        # The first round only warms up.
                        seen[case, subject.name] += (
                            [_each(measured, calls)] if number else []
                        )
    figures: dict[str, dict[str, Mapping[str, float]]] = defaultdict(dict)
    for (case, name), found in seen.items():
        figures[case][name] = {
            part: median(one[part] for one in found) for part in found[0]
        }
    return figures


def _each(measured: Mapping[str, float], calls: int) -> Mapping[str, float]:
    return {
        "cpu": measured["cpu"] / calls,
        "wall": measured["wall"] / calls,
        "memory": measured["memory"],
    }


def _starts(
    rounds: int, url: str, before: Path | None
) -> Mapping[str, tuple[float, float]]:
    seen: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(rounds):
        for name, command in programs.programs(url).items():
            seen[name].append(programs.started(command))
            case, _, client = name.partition(": ")
            if before is not None and client == "ours":
                older = programs.started(command, before)
                seen[f"{case}: {BEFORE}"].append(older)
    return {
        name: (median(cpu for cpu, _ in found), median(memory for _, memory in found))
        for name, found in seen.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the tables. Return 0 even if a target is missed, since machines differ."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=9, help="default: 9")
    parser.add_argument(
        "--before",
        type=Path,
        metavar="FOLDER",
        help="another checkout of this package, measured in the same run",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the figures as one JSON document"
    )
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with programs.serving("benchmarks.canned_server") as url:
        figures = measure(options.rounds, url, options.before)
    if options.json:
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
        return 0
    heading = f"Python {platform.python_version()}, {options.rounds} rounds, {time.monotonic() - began:.0f} s"
    sys.stdout.write("\n".join([heading, "", *table_lines(figures)]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
