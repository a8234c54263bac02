"""The command `run-flow`: runs a saved flow step by step and shows each result."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from perplexity_connector.cli.aftermath import close_run
from perplexity_connector.cli.connections import connection_by_connector
from perplexity_connector.cli.delivery import Delivery
from perplexity_connector.cli.exits import ExitCode, code_of_run
from perplexity_connector.cli.fields import parse_object, read_text
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.progress import ConsoleRenderer
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.run_output import show_problems, show_result
from perplexity_connector.cli.stopping import StopSignals
from perplexity_connector.cli.targets import HostMaker, choose_target
from perplexity_connector.contract import FLOW_VERSION, JsonObject
from perplexity_connector.contract.readers import as_objects, as_text
from perplexity_connector.host import FlowOptions, Host, HostOptions
from perplexity_connector.rendering.errors import hint_line
from perplexity_connector.rendering.results import totals_line
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        EnvelopeDocument,
        FlowDocument,
        FlowErrorDocument,
        FlowItem,
        RunStatusName,
        StepFinishedItem,
        StepStartedItem,
    )

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


def run_saved_flow(args: FlowArgs, make_host: HostMaker, records: Records) -> int:
    """Run a flow and show its steps. Return the exit code of the step it ended with.

    Nothing is sent if the flow has an error. After a signal, or if the reader leaves, no further
    step is run. Raises `UsageError` for a mistake in the arguments.
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
    for hint in host.flow_hints(flow):
        say(hint_line(f"step {hint['step']}, {hint['pointer']}", hint["message"]))
    connectors = [one for one in host.connectors() if one["id"] in used]
    with StopSignals() as signals:
        with (
            choose_target(connectors, connections, sandbox=args.sandbox) as target,
            ExitStack() as stack,
        ):
            renderer = _FlowRenderer(args, records, stack)
            options = FlowOptions(
                connections=target.connections,
                timeout=args.timeout,
                # A private sandbox ends with this process, so its runs cannot be resumed.
                on_checkpoint=None if args.sandbox else records.note,
            )
            host = make_host(
                HostOptions(
                    settings=target.settings,
                    ledger=records.ledger,
                    sandbox=args.sandbox,
                )
            )
            asyncio.run(_run(host, flow, options, renderer, signals))
        return renderer.end(signals)


def _show_flow_errors(args: FlowArgs, errors: Sequence["FlowErrorDocument"]) -> None:
    if args.as_json:
        print_json({"errors": errors}, on_one_line=args.stream)
    say("error: The flow is not valid. Nothing was sent. (invalid_input)")
    for error in errors:
        step, pointer = error["step"], error["pointer"]
        where = "the flow" if step is None else f"step {step}"
        if pointer:
            where = f"{where}, {pointer}"
        say(f"{where}: {error['message']}")


async def _run(
    host: Host,
    flow: JsonObject,
    options: FlowOptions,
    renderer: "_FlowRenderer",
    signals: StopSignals,
) -> None:
    def stop() -> bool:
        return host.cancel(renderer.run_id)

    with signals.asking(stop):
        async with host, aclosing(host.stream_flow(flow, **options)) as items:
            async for item in items:
                is_next = item["type"] == "step.started"
                if is_next and (signals.code or renderer.delivery.has_failed):
                    # Nothing of this step has been sent yet.
                    return
                renderer.show_item(item)
                if renderer.delivery.reader_left:
                    stop()


class _FlowRenderer:
    """Shows the items of a flow and collects the results of its steps.

    * `run_id`: the run of the current step; empty before the first one.
    * `delivery`: writes on stdout.
    * `_stack`: holds the renderer of the current step. The caller's block ends it too, so that the
      terminal is in order after an error.
    * `_step_renderer`: shows the events of the current step.
    * `_envelopes`: the envelope of every step that has ended, by its id.
    * `_status`: the status of the flow; that of a stopped one until it has ended.
    """

    def __init__(self, args: FlowArgs, records: Records, stack: ExitStack) -> None:
        """Show nothing yet."""
        self.run_id = ""
        self.delivery = Delivery()
        self._args = args
        self._records = records
        self._stack = stack
        self._step_renderer = self._new_step_renderer()
        self._envelopes: dict[str, EnvelopeDocument] = {}
        self._status: RunStatusName = "cancelled"

    def show_item(self, item: "FlowItem") -> None:
        """Show an item of `Host.stream_flow`."""
        if self._args.stream and self._args.as_json:
            self.delivery.write(print_json, item, on_one_line=True)
        match item["type"]:
            case "step.started":
                self._start_step(item)
            case "step.finished":
                self._finish_step(item)
            case "flow.finished":
                self._finish(item["status"])
            case _:
                self.delivery.write(self._step_renderer.show_event, item)

    def end(self, signals: StopSignals) -> int:
        """Show the document, then say how to go on. Return the exit code."""
        ended_early = self.delivery.has_failed
        if self._args.as_json and not self._args.stream:
            self.delivery.write(print_json, self._document)
        if self._args.as_json:
            # Only now is it certain whether the steps were written.
            for envelope in self._envelopes.values():
                self._close(envelope)
        code = ExitCode.SUCCEEDED
        for envelope in self._envelopes.values():
            # The last step decides, but it does not hide that an earlier one succeeded in part.
            code = code_of_run(envelope) or code
        if self._status == "cancelled":
            code = ExitCode.SUCCEEDED if ended_early else ExitCode.INTERRUPTED
            return signals.code or self.delivery.code(code)
        return (signals.is_late and signals.code) or self.delivery.code(code)

    @property
    def _document(self) -> "FlowDocument":
        """The flow's result as one document."""
        return {
            "flow_version": FLOW_VERSION,
            "status": self._status,
            "steps": [
                {"id": name, "envelope": envelope}
                for name, envelope in self._envelopes.items()
            ],
        }

    def _finish(self, status: "RunStatusName") -> None:
        self._status = status
        if len(self._envelopes) > 1 and not self._args.as_json:
            totals = totals_line(*self._envelopes.values())
            self.delivery.write(typer.echo, f"\nAll steps: {totals}")

    def _new_step_renderer(self) -> ConsoleRenderer:
        shows_text = self._args.stream and not self._args.as_json
        return ConsoleRenderer(text=shows_text, lines=False)

    def _start_step(self, item: "StepStartedItem") -> None:
        self.run_id = item["run_id"]
        if not self._args.as_json:
            gap = "\n" if self._envelopes else ""
            heading = one_line(f"{item['step']} ({item['action']})")
            self.delivery.write(typer.echo, f"{gap}{heading}\n")
        self._step_renderer = self._stack.enter_context(self._new_step_renderer())

    def _finish_step(self, item: "StepFinishedItem") -> None:
        self._stack.close()
        envelope = item["envelope"]
        self._envelopes[item["step"]] = envelope
        if not self._args.as_json:
            self.delivery.write(show_result, envelope, self._step_renderer.streamed)
        is_stopped = envelope["status"] == "cancelled"
        # A reader that leaves stops the run. That is not an error.
        if not (self.delivery.reader_left and is_stopped):
            show_problems(envelope)
        if not self._args.as_json:
            self._close(envelope)

    def _close(self, envelope: "EnvelopeDocument") -> None:
        close_run(self._records, envelope, is_written=self.delivery.is_complete)
