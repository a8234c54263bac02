"""The command `run-flow`: runs a saved flow, a part of it, or the rest of one that was cut short."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perplexity_connector.cli.connections import connection_by_connector
from perplexity_connector.cli.exits import ExitCode
from perplexity_connector.cli.flow_arguments import (
    FlowArgs,
    check_arguments,
    flow_to_resume,
    kept_values,
    read_flow,
    retry_of,
    source_of,
    steps_of,
    steps_to_run,
    values_of,
)
from perplexity_connector.cli.flow_errors import show_errors, show_refusal
from perplexity_connector.cli.flow_lines import price_line, resume_lines
from perplexity_connector.cli.flow_renderer import FlowRenderer
from perplexity_connector.cli.output import say
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.stopping import StopSignals
from perplexity_connector.cli.targets import (
    HostMaker,
    RunTarget,
    choose_target,
)
from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.contract.json import new_flow_id
from perplexity_connector.contract.readers import as_int, as_text
from perplexity_connector.host import FlowOptions, Host, HostOptions, ResumeOptions
from perplexity_connector.rendering.errors import hint_line

if TYPE_CHECKING:
    from perplexity_connector.contract import FlowItem
    from perplexity_connector.host.ledger.flow_entries import KnownFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """The flow to run.

    * `flow`: its document.
    * `flow_id`: the id of this run of it; with --resume that of the run to go on with.
    * `steps`: the ids of the steps that may run, each with that of its connector.
    * `options`: for `Host.stream_flow`; None with --resume.
    """

    flow: JsonObject
    flow_id: str
    steps: Mapping[str, str]
    options: FlowOptions | None

    @property
    def connectors(self) -> Collection[str]:
        """The ids of the connectors that it uses."""
        return set(self.steps.values())

    @property
    def version(self) -> int:
        """The version of the flow."""
        return as_int(self.flow.get("flow_version")) or 1


def run_saved_flow(args: FlowArgs, make_host: HostMaker, records: Records) -> int:
    """Run a flow and show its steps. Return the exit code of the step it ended with.

    Nothing is sent if the flow has an error. After a signal, or if the reader leaves, no further
    step is run. Raises `UsageError` for a mistake in the arguments, `ConnectorError` for a flow of
    the ledger that cannot be used.
    """
    check_arguments(args)
    host = make_host({})
    work = _new(args, records) if args.resume is None else _resumed(args, records)
    connections = _connections(host, args, work)
    is_whole = args.resume is None and not args.is_part
    if is_whole and (errors := host.validate_flow(work.flow, connections=connections)):
        show_errors(args, errors)
        return ExitCode.INVALID
    _show_hints(work, host)
    connectors = [one for one in host.connectors() if one["id"] in work.connectors]
    target = choose_target(connectors, connections, sandbox=args.sandbox)
    try:
        return _run_on(target, args, work, make_host, records)
    except ConnectorError as error:
        if error.code != ErrorCode.INVALID_INPUT:
            raise
        show_refusal(args, work.flow, error)
        return ExitCode.INVALID


def _connections(host: Host, args: FlowArgs, work: _Work) -> Mapping[str, str | None]:
    """Return the connections that replace those of the flow, by connector."""
    given = connection_by_connector(host, args.connection)
    # A sandbox has a connection of its own, so the names in the flow need not exist.
    return dict.fromkeys(work.connectors) if args.sandbox else {**given}


def _new(args: FlowArgs, records: Records) -> _Work:
    """Return the flow of the file. Raises `UsageError` and `ConnectorError` as `kept_values`."""
    flow, source = read_flow(args), source_of(args)
    steps = steps_to_run(args, flow)
    flow_id = new_flow_id()
    options = FlowOptions(flow_id=flow_id, source=source)
    if args.is_part:
        names = FlowOptions(only=args.only, from_step=args.from_step)
        options |= names | kept_values(args, records)
    else:
        _show_interrupted(records.last_flow(source))
    if values := values_of(args, flow):
        options["inputs"] = values
    return _work(flow, flow_id, steps, options)


def _show_interrupted(known: "KnownFlow | None") -> None:
    """Say how to go on with the last run of the file, if a crash has cut it short."""
    if known and known.state == "interrupted":
        say("The last run of this flow was cut short.")
        for line in resume_lines(known):
            say(line)


def _resumed(args: FlowArgs, records: Records) -> _Work:
    """Return the flow of the ledger. Raises `UsageError` and `ConnectorError` as `flow_to_resume`."""
    known = flow_to_resume(args, records)
    flow = known.document or {}
    return _work(flow, known.flow_id, steps_of(flow), None)


def _work(
    flow: JsonObject,
    flow_id: str,
    steps: Sequence[JsonObject],
    options: FlowOptions | None,
) -> _Work:
    connectors = {
        as_text(step.get("id")): as_text(step.get("connector")) for step in steps
    }
    return _Work(flow=flow, flow_id=flow_id, steps=connectors, options=options)


def _show_hints(work: _Work, host: Host) -> None:
    if work.options is None:
        return
    for hint in host.flow_hints(work.flow):
        if hint["step"] in work.steps:
            place = f"step {hint['step']}, {hint['pointer']}"
            say(hint_line(place, hint["message"]))


def _run_on(
    target: AbstractContextManager[RunTarget],
    args: FlowArgs,
    work: _Work,
    make_host: HostMaker,
    records: Records,
) -> int:
    """Run the flow on the real service or a sandbox. Return the exit code."""
    with StopSignals() as signals:
        with target as chosen, ExitStack() as stack:
            renderer = FlowRenderer(args, work.version, records, stack)
            shared = ResumeOptions(
                connections=chosen.connections,
                timeout=args.timeout,
                # A private sandbox ends with this process, so its runs cannot be resumed.
                on_checkpoint=None if args.sandbox else records.note,
                retry=retry_of(args),
            )
            host = make_host(
                HostOptions(
                    settings=chosen.settings,
                    ledger=records.ledger,
                    sandbox=args.sandbox,
                )
            )
            asyncio.run(_run(host, work, shared, renderer, signals))
        return renderer.end(signals, work.flow_id)


async def _run(
    host: Host,
    work: _Work,
    shared: ResumeOptions,
    renderer: FlowRenderer,
    signals: StopSignals,
) -> None:
    """Show the price and the items of the flow."""
    stop = functools.partial(host.cancel, work.flow_id)
    with signals.asking(stop):
        async with host, aclosing(await _begin(host, work, shared)) as items:
            async for item in items:
                is_next = item["type"] == "step.started"
                if is_next and (signals.code or renderer.delivery.has_failed):
                    # Nothing of this step has been sent yet.
                    return
                renderer.show_item(item)
                if renderer.delivery.reader_left:
                    stop()


async def _begin(
    host: Host, work: _Work, shared: ResumeOptions
) -> "AsyncGenerator[FlowItem, None]":
    """Return the items of the flow. Show its price before, but not that of a whole one of version 1."""
    if work.options is None:
        return host.resume_flow(work.flow_id, **shared)
    options = work.options | FlowOptions(
        connections=shared.get("connections"),
        timeout=shared.get("timeout"),
        on_checkpoint=shared.get("on_checkpoint"),
    )
    if work.version > 1 or "outputs" in options:
        say(price_line(await host.flow_price(work.flow, **options)))
    return host.stream_flow(work.flow, **options)
