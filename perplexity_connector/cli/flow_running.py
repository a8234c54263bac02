"""The command `run-flow`: runs a saved flow step by step and shows each result."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass

import typer

from perplexity_connector.cli.connections import connection_by_connector
from perplexity_connector.cli.ending import reader_may_leave
from perplexity_connector.cli.exits import ExitCode, code_of_run
from perplexity_connector.cli.fields import parse_object, read_text
from perplexity_connector.cli.journal import Journal
from perplexity_connector.cli.output import (
    print_json,
    say,
    show_problems,
    show_result,
)
from perplexity_connector.cli.progress import ConsoleRenderer
from perplexity_connector.cli.targets import HostMaker, choose_target
from perplexity_connector.contract import FLOW_VERSION, JsonObject, JsonValue
from perplexity_connector.contract.json import as_object, as_objects, as_text
from perplexity_connector.host import FlowOptions, Host
from perplexity_connector.rendering.results import totals_line
from perplexity_connector.rendering.text import line_of

_EXAMPLE = '{"flow_version": 1, "steps": []}'


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowArgs:
    """The arguments of `run-flow`, as typed."""

    file: str
    connection: str | None
    sandbox: bool
    timeout: float | None
    stream: bool
    as_json: bool


def run_saved_flow(args: FlowArgs, make_host: HostMaker, journal: Journal) -> ExitCode:
    """Run a flow and show its steps. Return the exit code of the step it ended with.

    Nothing is sent if the flow has an error. Raises `UsageError` for a mistake in the arguments,
    `BrokenPipeError` if the reader leaves; then no further step is run.
    """
    host = make_host({})
    flow = parse_object(read_text(args.file, "The flow"), "The flow", _EXAMPLE)
    steps = as_objects(flow.get("steps"))
    used = {as_text(step.get("connector")) for step in steps}
    connections: Mapping[str, str | None] = connection_by_connector(
        host, args.connection
    )
    if args.sandbox:
        # A sandbox has a connection of its own, so the names in the flow need not exist.
        connections = dict.fromkeys(used)
    if problems := host.validate_flow(flow, connections=connections):
        _show_flow_errors(args, problems)
        return ExitCode.INVALID
    connectors = [one for one in host.connectors() if one["id"] in used]
    with (
        choose_target(connectors, connections, sandbox=args.sandbox) as target,
        ExitStack() as stack,
    ):
        renderer = _FlowRenderer(args, journal, stack)
        options = FlowOptions(
            connections=target.connections,
            timeout=args.timeout,
            # A private sandbox ends with this process, so its runs cannot be resumed.
            on_checkpoint=None if args.sandbox else journal.note,
        )
        host = make_host(target.settings)
        asyncio.run(_run(host, flow, options, renderer))
    if args.as_json and not args.stream:
        with reader_may_leave():
            print_json(renderer.document)
    return renderer.code


def _show_flow_errors(args: FlowArgs, errors: Sequence[JsonObject]) -> None:
    if args.as_json:
        print_json({"errors": list(errors)}, on_one_line=args.stream)
    say("error: The flow is not valid. Nothing was sent. (invalid_input)")
    for error in errors:
        step, pointer = error["step"], line_of(error, "pointer")
        where = "the flow" if step is None else f"step {step}"
        if pointer:
            where = f"{where}, {pointer}"
        say(f"{where}: {line_of(error, 'message')}")


async def _run(
    host: Host, flow: JsonObject, options: FlowOptions, renderer: "_FlowRenderer"
) -> None:
    async with host, aclosing(host.stream_flow(flow, **options)) as items:
        async for item in items:
            renderer.show_item(item)


class _FlowRenderer:
    """Shows the items of a flow and collects the results of its steps.

    * `_stack`: holds the renderer of the current step. The caller's block ends it too, so that the
      terminal is in order after Ctrl-C.
    * `_step_renderer`: shows the events of the current step.
    * `_steps`: {id, envelope} of every step that has ended.
    * `_status`: the status of the flow; None until it has ended.
    * `code`: the exit code of the last step that has ended; a success keeps that of the steps
      before it.
    """

    def __init__(self, args: FlowArgs, journal: Journal, stack: ExitStack) -> None:
        """Show nothing yet."""
        self._args = args
        self._journal = journal
        self._stack = stack
        self._step_renderer = self._new_step_renderer()
        self._steps: list[JsonValue] = []
        self._status: JsonValue = None
        self.code = ExitCode.SUCCEEDED

    @property
    def document(self) -> JsonObject:
        """The flow's result as one document."""
        return {
            "flow_version": FLOW_VERSION,
            "status": self._status,
            "steps": self._steps,
        }

    def show_item(self, item: JsonObject) -> None:
        """Show an item of `Host.stream_flow`."""
        if self._args.stream and self._args.as_json:
            print_json(item, on_one_line=True)
        match item["type"]:
            case "step.started":
                self._start_step(item)
            case "step.finished":
                self._finish_step(item)
            case "flow.finished":
                self._finish(item["status"])
            case _:
                self._step_renderer.show_event(item)

    def _finish(self, status: JsonValue) -> None:
        self._status = status
        envelopes = [as_object(as_object(step)["envelope"]) for step in self._steps]
        if len(envelopes) > 1 and not self._args.as_json:
            typer.echo(f"\nAll steps: {totals_line(*envelopes)}")

    def _new_step_renderer(self) -> ConsoleRenderer:
        shows_text = self._args.stream and not self._args.as_json
        return ConsoleRenderer(text=shows_text, lines=False)

    def _start_step(self, item: JsonObject) -> None:
        if not self._args.as_json:
            gap = "\n" if self._steps else ""
            step, action = line_of(item, "step"), line_of(item, "action")
            typer.echo(f"{gap}{step} ({action})\n")
        self._step_renderer = self._stack.enter_context(self._new_step_renderer())

    def _finish_step(self, item: JsonObject) -> None:
        self._stack.close()
        envelope = as_object(item["envelope"])
        self._steps.append({"id": item["step"], "envelope": envelope})
        # The last step decides, but it does not hide that an earlier one succeeded in part.
        self.code = code_of_run(envelope) or self.code
        # Before printing, which fails if the reader has left: the run has ended all the same.
        self._journal.close(envelope)
        if not self._args.as_json:
            show_result(envelope, self._step_renderer.streamed)
        show_problems(envelope)
