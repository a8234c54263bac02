"""Run many chats at once in one process, with faults: is anything lost, paid for twice or leaked? At what cost?

`python -m benchmarks.load [--runs-at-once 1000] [--seconds 60] [--seed 1]` keeps that many streamed chat runs under
way through the reference host, half of them listened to, against `benchmarks.cheap_server` in a process of its own.
Each run asks a question of its own, by which the provider's ledger and the caller's outcome are compared. Some callers
go away before the answer is whole, and some allow too little time. Exit code 1: something was lost, double-billed or
leaked.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stamina.instrumentation import set_on_retry_hooks

from benchmarks import cheap_wire, process
from benchmarks.report import Bill, Costs, End, Ledger, Outcome, Report
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.host import Host

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, EventDocument

_CONNECTIONS = 20
_PATIENCE_S = 120.0
_IMPATIENT_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a load. No run begins after `seconds`, nor after `runs` runs.

    Answers take `stream_seconds` on average.
    """

    runs_at_once: int = 1000
    seconds: float = 60.0
    runs: int | None = None
    seed: int = 1
    stream_seconds: float = 20.0
    deltas: int = 60
    fault_share: float = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caller:
    """One run's caller: whether it listens, when it goes away, and how much time it allows; in seconds."""

    listens: bool
    stays: float | None
    allows: float


@dataclass(slots=True)
class _Got:
    """The events and the last checkpoint that a caller has received so far."""

    shown: list[str] = field(default_factory=list[str])
    seqs: list[int] = field(default_factory=list[int])
    begun: bool = False
    checkpoint: JsonObject = field(default_factory=dict[str, JsonValue])

    def take(self, event: "EventDocument") -> None:
        """Keep the number of an event, and its text."""
        self.seqs.append(event["seq"])
        if event["type"] == "text.delta":
            self.shown.append(event["text"])

    def keep(self, state: JsonObject) -> None:
        """Keep the last checkpoint. An empty one clears it: there is nothing left to resume."""
        self.begun, self.checkpoint = True, state

    def outcome(
        self, envelope: "EnvelopeDocument", expected: str, *, listened: bool
    ) -> Outcome:
        """Compare the envelope with the expected answer."""
        output, error = envelope["output"] or {}, envelope["error"]
        codes = {warning["code"] for warning in envelope["warnings"]}
        in_order = self.seqs == list(range(1, len(self.seqs) + 1))
        streamed = (
            not listened
            or "stream_diverged" in codes
            or "".join(self.shown) == expected
        )
        return Outcome(
            end=End.SUCCEEDED if envelope["status"] == "succeeded" else End.FAILED,
            whole=output.get("content") == expected and streamed and in_order,
            recovered="recovered" in codes,
            code=error["code"] if error else "",
            effect=error["effect"] if error else "",
            checkpointed=bool(self.checkpoint),
            begun=self.begun,
        )


class Load:
    """Keep many runs active, and record the outcome of each."""

    def __init__(self, host: Host, options: Options) -> None:
        """Run through a host that is open, or will be."""
        self.outcomes: dict[str, Outcome | None] = {}
        self._host = host
        self._options = options
        self._over_at = 0.0

    async def warm_up(self) -> None:
        """Run once without counting, so that everything is loaded. Its outcome does not matter."""
        await self._perform(
            cheap_wire.WARM_UP, _Caller(listens=True, stays=None, allows=_PATIENCE_S)
        )

    async def carry_out(self) -> None:
        """Start all the runs, and wait for them."""
        self._over_at = time.monotonic() + self._options.seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(self._options.runs_at_once):
                group.create_task(self._one_after_another())

    async def _one_after_another(self) -> None:
        while (
            time.monotonic() < self._over_at
            and len(self.outcomes) != self._options.runs
        ):
            number = len(self.outcomes)
            marker = f"run-{number:06d}"
            self.outcomes[marker] = None
            self.outcomes[marker] = await self._perform(marker, self._caller(number))

    def _caller(self, number: int) -> _Caller:
        dice = random.Random(f"{self._options.seed}/caller/{number}")  # noqa: S311 - repeatable, guards nothing
        leaves, hurries = (dice.random() < _IMPATIENT_SHARE for _ in range(2))
        soon = dice.uniform(0.1, 0.9) * self._options.stream_seconds
        return _Caller(
            listens=number % 2 == 0,
            stays=soon if leaves else None,
            allows=soon if hurries else _PATIENCE_S,
        )

    async def _perform(self, marker: str, caller: _Caller) -> Outcome:
        got = _Got()
        try:
            async with asyncio.timeout(caller.stays):
                envelope = await self._ask(marker, caller, got)
        except TimeoutError:
            return Outcome(end=End.ABANDONED, begun=got.begun)
        answer = cheap_wire.answer(marker, self._options.deltas)
        return got.outcome(envelope, answer, listened=caller.listens)

    async def _ask(self, marker: str, caller: _Caller, got: _Got) -> "EnvelopeDocument":
        action = ("perplexity", "create_chat_completion")
        question: JsonObject = {
            "model": "sonar",
            "messages": [{"role": "user", "content": marker}],
        }
        number = len(self.outcomes) % _CONNECTIONS
        connection = {
            "connection_name": f"Load {number}",
            "api_key": f"pplx-load-{number}",
        }
        if not caller.listens:
            return await self._host.run(
                *action,
                question,
                connection=connection,
                timeout=caller.allows,
                on_checkpoint=got.keep,
            )
        events = self._host.stream(
            *action,
            question,
            connection=connection,
            timeout=caller.allows,
            on_checkpoint=got.keep,
        )
        async with aclosing(events):
            item = await anext(events)
            while item["type"] != "run.finished":
                got.take(item)
                item = await anext(events)
        return item["envelope"]


class Provider:
    """The cheap server in its own process; `ledger` is there once it has stopped."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Use a server that has just been started."""
        self.base_url = (
            f"http://127.0.0.1:{int(process.stdout.readline())}"
            if process.stdout
            else ""
        )
        self.ledger: Ledger
        self._process = process

    def stop(self) -> None:
        """Stop the server, and read its ledger."""
        ledger, _ = self._process.communicate()
        self.ledger = json.loads(ledger)


@contextmanager
def provider(options: Options) -> Iterator[Provider]:
    """A cheap server for as long as the context lasts."""
    choices = (
        options.seed,
        options.stream_seconds,
        options.deltas,
        options.fault_share,
    )
    command = [sys.executable, "-m", "benchmarks.cheap_server", *map(str, choices)]
    with subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as started:
        running = Provider(started)
        try:
            yield running
        finally:
            running.stop()


async def carry_out(
    options: Options, base_url: str
) -> tuple[Mapping[str, Outcome | None], Costs]:
    """Run the load against a provider. Return the outcome of each caller, and the costs."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: complaints.append(str(context.get("message")))
    )
    sockets = process.open_sockets()
    async with Host(
        settings={"perplexity": _settings(options, base_url)}, environ={}
    ) as host:
        load = Load(host, options)
        await load.warm_up()
        process.forget_peak()
        idle, cpu, began = process.memory(), process.cpu_seconds(), time.monotonic()
        await load.carry_out()
        seconds, cpu = time.monotonic() - began, process.cpu_seconds() - cpu
        peak = process.peak_memory()
    tasks = await process.other_tasks()
    return load.outcomes, Costs(
        seconds=seconds,
        cpu_seconds=cpu,
        idle_kib=idle,
        peak_kib=peak,
        after_kib=process.memory(),
        tasks=tasks,
        sockets=process.open_sockets() - sockets,
        complaints=complaints,
    )


def measure(options: Options) -> Report:
    """Run the load against its own server, and compare the outcomes with the bills."""
    with provider(options) as running:
        outcomes, costs = asyncio.run(carry_out(options, running.base_url))
    ledger = running.ledger
    return Report(
        at_once=options.runs_at_once,
        outcomes=outcomes,
        bills={
            marker: Bill(*entry)
            for marker, entry in ledger["accounts"].items()
            if marker != cheap_wire.WARM_UP
        },
        faults=ledger["faults"],
        most_open=ledger["most_open"],
        costs=costs,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the figures. Return 1 if something was lost, double-billed or leaked."""
    process.allow_many_files()
    # This process is ours, and a line for every repeat would bury the figures.
    set_on_retry_hooks([])
    report = measure(_options(arguments))
    sys.stdout.write("\n".join(report.lines()) + "\n")
    for trouble in (*report.lost(), *report.double_billed(), *report.costs.complaints)[
        :10
    ]:
        sys.stderr.write(
            f"{trouble}: {report.outcomes.get(trouble)} {report.bills.get(trouble)}\n"
        )
    return 0 if report.holds() else 1


def _settings(options: Options, base_url: str) -> Mapping[str, str]:
    # Short enough for every silent stream to be noticed within a run's time, long beside the pause between events.
    pause = options.stream_seconds / options.deltas
    idle, first_byte = max(1.0, 6 * pause), max(1.0, options.stream_seconds / 2)
    return {
        "base_url": base_url,
        "idle_timeout": str(idle),
        "first_byte_timeout": str(first_byte),
    }


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load", description=(__doc__ or "").partition("\n")[0]
    )
    defaults = Options()
    for name in Options.__slots__:
        default = getattr(defaults, name)
        kind = int if default is None else type(default)
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=default,
            help=f"default: {default}",
        )
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
