"""A saved flow from the command line: read it, run it step by step, show what came of each."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass

import typer

from perplexity_connector.cli.connections import NAME, known_name
from perplexity_connector.cli.ending import reader_may_leave
from perplexity_connector.cli.exits import ExitCode, code_of_run
from perplexity_connector.cli.fields import document
from perplexity_connector.cli.journal import Journal
from perplexity_connector.cli.progress import ConsoleRenderer, say
from perplexity_connector.cli.running import (
    HostMaker,
    close_journal,
    read,
    show_result,
    target_of,
    tell_problems,
)
from perplexity_connector.contract import FLOW_VERSION, JsonObject, JsonValue
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.host import FlowOptions, Host
from perplexity_connector.rendering.text import json_text, one_line

_EXAMPLE = '{"flow_version": 1, "steps": []}'


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowArgs:
    """What the command line asks for, as it was typed."""

    file: str
    connection: str | None
    sandbox: bool
    timeout: float | None
    stream: bool
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    settings: Mapping[str, Mapping[str, str]]
    connections: Mapping[str, str | Mapping[str, str] | None]


def carry_out(args: FlowArgs, make_host: HostMaker, journal: Journal) -> ExitCode:
    """Run the flow and show its steps; the exit code is that of the step it ended with.

    Nothing is sent for a flow in which something is wrong. Raises `UsageError` for an order that cannot be understood,
    `BrokenPipeError` when the reader leaves: for nobody, no further step is paid for.
    """
    host = make_host({})
    flow = document(read(args.file, "The flow"), "The flow", _EXAMPLE)
    connections = _connections(args, host, flow)
    if problems := host.validate_flow(flow, connections=connections):
        return _refuse(args, problems)
    with _target(args, host, flow, connections) as target, ExitStack() as stack:
        screen = _Screen(args, journal, stack)
        options = FlowOptions(
            connections=target.connections,
            timeout=args.timeout,
            # A private sandbox ends with this process, and its runs with it.
            on_checkpoint=None if args.sandbox else journal.note,
        )
        asyncio.run(_run(make_host(target.settings), flow, options, screen))
    if args.as_json and not args.stream:
        with reader_may_leave():
            typer.echo(json_text(screen.whole, indent=2))
    return screen.code


def _connections(
    args: FlowArgs, host: Host, flow: JsonObject
) -> Mapping[str, str | None]:
    if args.connection is None:
        return dict.fromkeys(_connectors(flow)) if args.sandbox else {}
    name = known_name(host, args.connection)
    return {
        as_text(one["connector"]): name
        for one in host.connections.list()
        if one[NAME] == name
    }


def _connectors(flow: JsonObject) -> Mapping[str, JsonObject]:
    """The ids of the connectors that a flow uses, each with a step that uses it."""
    steps = [as_object(step) for step in as_list(flow.get("steps"))]
    return {as_text(step.get("connector")): step for step in steps}


@contextmanager
def _target(
    args: FlowArgs, host: Host, flow: JsonObject, connections: Mapping[str, str | None]
) -> Iterator[_Target]:
    if not args.sandbox:
        yield _Target(settings={}, connections=connections)
        return
    with ExitStack() as stack:
        targets = {}
        for connector, step in _connectors(flow).items():
            described = as_object(
                host.describe(connector, as_text(step["action"]))["connector"]
            )
            private = target_of(described, connection=args.connection, sandbox=True)
            targets[connector] = stack.enter_context(private)
        yield _Target(
            settings={
                name: values
                for target in targets.values()
                for name, values in target.settings.items()
            },
            connections={
                connector: target.connection for connector, target in targets.items()
            },
        )


def _refuse(args: FlowArgs, problems: Sequence[JsonObject]) -> ExitCode:
    if args.as_json:
        typer.echo(
            json_text({"errors": list(problems)}, indent=None if args.stream else 2)
        )
    say("error: This flow cannot be run; nothing was sent. (invalid_input)")
    for problem in problems:
        step, pointer = problem["step"], as_text(problem["pointer"])
        where = f"step {as_text(step)}" if step is not None else "the flow"
        say(
            f"{where}{f', {pointer}' if pointer else ''}: {as_text(problem['message'])}"
        )
    return ExitCode.INVALID


async def _run(
    host: Host, flow: JsonObject, options: FlowOptions, screen: "_Screen"
) -> None:
    async with host, aclosing(host.stream_flow(flow, **options)) as items:
        async for item in items:
            screen.see(item)


class _Screen:
    """Shows the items of a flow as they come, and keeps what its steps gave."""

    def __init__(self, args: FlowArgs, journal: Journal, stack: ExitStack) -> None:
        self._args = args
        self._journal = journal
        self._stack = stack
        self._watcher = self._watch()
        self._steps: list[JsonValue] = []
        self._status: JsonValue = None
        self.code = ExitCode.SUCCEEDED

    @property
    def whole(self) -> JsonObject:
        """The flow as one document."""
        return {
            "flow_version": FLOW_VERSION,
            "status": self._status,
            "steps": self._steps,
        }

    def see(self, item: JsonObject) -> None:
        if self._args.stream and self._args.as_json:
            typer.echo(json_text(item))
        match item["type"]:
            case "step.started":
                self._begin(item)
            case "step.finished":
                self._end(as_text(item["step"]), as_object(item["envelope"]))
            case "flow.finished":
                self._status = item["status"]
            case _:
                self._watcher.see(item)

    def _watch(self) -> ConsoleRenderer:
        return ConsoleRenderer(
            text=self._args.stream and not self._args.as_json, lines=False
        )

    def _begin(self, item: JsonObject) -> None:
        if not self._args.as_json:
            gap = "\n" if self._steps else ""
            typer.echo(
                f"{gap}{one_line(as_text(item['step']))} ({one_line(as_text(item['action']))})\n"
            )
        self._watcher = self._stack.enter_context(self._watch())

    def _end(self, step: str, envelope: JsonObject) -> None:
        self._stack.close()
        self._steps.append({"id": step, "envelope": envelope})
        self.code = code_of_run(envelope)
        # Before anything is shown: a reader that has left must not leave a finished run in the journal.
        close_journal(self._journal, envelope)
        if not self._args.as_json:
            show_result(envelope, self._watcher.streamed)
        tell_problems(envelope)
