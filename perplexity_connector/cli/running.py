"""The command `run`: builds an input, runs it and shows the result."""

import asyncio
import functools
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perplexity_connector.cli.aftermath import close_run
from perplexity_connector.cli.connections import known_name
from perplexity_connector.cli.delivery import Delivery
from perplexity_connector.cli.exits import ExitCode, UsageError, code_of_run
from perplexity_connector.cli.fields import apply_assignments, parse_object, read_text
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.palette import find_action
from perplexity_connector.cli.progress import ConsoleRenderer
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.run_output import (
    show_hints,
    show_problems,
    show_result,
)
from perplexity_connector.cli.stopping import StopSignals
from perplexity_connector.cli.targets import Connection, HostMaker, choose_target
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host import Host, HostOptions, RunOptions, StepRun
from perplexity_connector.host.ledger.entries import ENDED

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        EnvelopeDocument,
        RunFinishedItem,
    )
    from perplexity_connector.host.ledger.entries import KnownRun

_EXAMPLE = '{"FIELD": "VALUE"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArgs:
    """The arguments of `run`, as typed. `assignments` are the FIELD=VALUE."""

    action: str = ""
    assignments: Sequence[str] = ()
    document: str | None = None
    example: bool = False
    stream: bool = False
    sandbox: bool = False
    resume: str | None = None
    connection: str | None = None
    timeout: float | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step(StepRun):
    """The run to do.

    * `connection`: the name of the run's own connection, which the ledger keeps.
    * `used`: the name of the connection that this command uses; empty for the environment's.
    * `resume_from`: the checkpoint of an unfinished run; None for a new run.
    """

    connection: str | None
    used: str | None
    resume_from: JsonObject | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terminal:
    """Where a run is shown, and how it is stopped from there."""

    renderer: ConsoleRenderer
    delivery: Delivery
    signals: StopSignals


def run_action(args: RunArgs, make_host: HostMaker, records: Records) -> int:
    """Run an action and show its result. Return the exit code.

    Raises `UsageError` for a mistake in the arguments, `ConnectorError` for an action that cannot
    be described or a run that another process works on.
    """
    if args.resume is None:
        host = make_host({})
        return _run_step(args, _new_step(args, host), host, make_host, records)
    _check_resume(args)
    run = records.get(args.resume)
    if run.state in ENDED and run.output is not None:
        return _show_recorded(args, run.output)
    if run.checkpoint is None or run.is_sandbox:
        raise UsageError(_why_not(run))
    step = _resumed_step(args, run)
    records.note(step, run.checkpoint)
    return _run_step(args, step, make_host({}), make_host, records)


def _run_step(
    args: RunArgs, step: _Step, host: Host, make_host: HostMaker, records: Records
) -> int:
    """Run a step. `host` describes it; the one that runs it may go to a sandbox."""
    # Raises for a saved step of a missing action.
    description = host.describe(step.connector, step.action)
    target = choose_target(
        [description["connector"]],
        {step.connector: step.used},
        sandbox=args.sandbox,
    )
    with StopSignals() as signals:
        terminal = _Terminal(
            renderer=_renderer(args, step), delivery=Delivery(), signals=signals
        )
        with target as chosen:
            connection = chosen.connections.get(step.connector)
            options = _run_options(args, step, connection, records)
            host = make_host(
                HostOptions(
                    settings=chosen.settings,
                    ledger=records.ledger,
                    sandbox=args.sandbox,
                )
            )
            envelope = asyncio.run(_run(host, step, options, terminal))
        return _end(args, envelope, terminal, records)


def forget_run(args: RunArgs, run_id: str, records: Records) -> ExitCode:
    """Drop what the ledger has of a run. Raises as `run_action` does."""
    if args.resume or _names_a_step(args):
        message = "--forget takes only the run id. Remove everything else."
        raise UsageError(message)
    records.forget(records.get(run_id).run_id)
    say("The run is forgotten. It cannot be resumed.")
    return ExitCode.SUCCEEDED


def _renderer(args: RunArgs, step: _Step) -> ConsoleRenderer:
    shows_text = args.stream or step.input.get("stream") is True
    return ConsoleRenderer(
        text=shows_text and not args.as_json, lines=args.stream and args.as_json
    )


def _end(
    args: RunArgs, envelope: "EnvelopeDocument", terminal: _Terminal, records: Records
) -> int:
    """Show the end of a run, then say how to go on. Return the exit code."""
    delivery, signals = terminal.delivery, terminal.signals
    left_early = delivery.reader_left
    delivery.write(_show, args, envelope, terminal.renderer.streamed)
    code = code_of_run(envelope)
    is_stopped = code == ExitCode.INTERRUPTED
    if left_early and is_stopped:
        # The reader had all that it wanted, as in `| head`. Nothing has failed.
        code = ExitCode.SUCCEEDED
    else:
        show_problems(envelope)
    close_run(records, envelope, is_written=delivery.is_complete)
    is_signal = is_stopped or signals.is_late
    return (is_signal and signals.code) or delivery.code(code)


def _new_step(args: RunArgs, host: Host) -> _Step:
    connector, action = find_action(host.actions(), args.action)
    description = host.describe(connector, action)
    name = None if args.connection is None else known_name(host, args.connection)
    return _Step(
        connector=connector,
        action=action,
        version=description["action"]["version"],
        input=_build_input(args, description),
        run_id=new_run_id(),
        resume_from=None,
        connection=name,
        used=name,
    )


def _check_resume(args: RunArgs) -> None:
    if _names_a_step(args) or args.sandbox:
        message = (
            "--resume uses the saved step. Remove the action, the input and --sandbox."
        )
        raise UsageError(message)


def _names_a_step(args: RunArgs) -> bool:
    has_input = args.assignments or args.document is not None or args.example
    return bool(args.action or has_input)


def _resumed_step(args: RunArgs, run: "KnownRun") -> _Step:
    return _Step(
        connector=run.connector,
        action=run.action,
        version=run.version,
        input=run.input or {},
        run_id=run.run_id,
        resume_from=run.checkpoint,
        connection=run.connection,
        used=run.connection if args.connection is None else args.connection,
    )


def _why_not(run: "KnownRun") -> str:
    """Return why a run cannot be resumed."""
    if run.is_sandbox:
        return "The private sandbox of this run has ended. Repeat the command."
    match run.state:
        case "planned" | "claimed":
            return "Nothing of this run was sent. Repeat the command."
        case "done" | "failed":
            return "The run has ended, and its answer was not kept."
    return "This run cannot be followed. It may have been paid, and to repeat the command pays again."


def _show_recorded(args: RunArgs, envelope: "EnvelopeDocument") -> int:
    """Show a run that has ended, as it is recorded. Return the exit code. Nothing is asked."""
    delivery = Delivery()
    delivery.write(_show, args, envelope, "")
    show_problems(envelope)
    return delivery.code(code_of_run(envelope))


def _build_input(args: RunArgs, description: "ActionDescription") -> JsonObject:
    """Return the example, with the document and then the assignments on top."""
    given: JsonObject = {}
    examples = description["examples"]
    if args.example:
        if not examples:
            message = "This action has no example. Use --input or FIELD=VALUE."
            raise UsageError(message)
        given = as_object(examples[0])
    if args.document is not None:
        given = {**given, **_read_document(args.document)}
    return apply_assignments(given, args.assignments, description["schemas"]["input"])


def _read_document(source: str) -> JsonObject:
    is_file = source == "-" or source.startswith("@")
    if not is_file and not source.lstrip().startswith("{"):
        message = f"--input must be a JSON object, such as '{_EXAMPLE}'. To read a file, write @ before its name."
        raise UsageError(message)
    text = read_text(source.removeprefix("@"), "--input") if is_file else source
    return parse_object(text, "--input", _EXAMPLE)


def _run_options(
    args: RunArgs, step: _Step, connection: Connection | None, records: Records
) -> RunOptions:
    return RunOptions(
        version=step.version,
        connection=connection,
        timeout=args.timeout,
        run_id=step.run_id,
        resume_from=step.resume_from,
        # A private sandbox ends with this process, so its runs cannot be resumed.
        on_checkpoint=None if args.sandbox else functools.partial(records.note, step),
    )


async def _run(
    host: Host, step: _Step, options: RunOptions, terminal: _Terminal
) -> "EnvelopeDocument":
    """Return the envelope. A signal, or a reader that leaves, stops the run in good order."""
    stop = functools.partial(host.cancel, step.run_id)
    with terminal.signals.asking(stop):
        async with host:
            if step.resume_from is None:
                show_hints(host, step)
            # Not before: a hint would break the line of the spinner.
            with terminal.renderer:
                return await _follow(host, step, options, terminal)


async def _follow(
    host: Host, step: _Step, options: RunOptions, terminal: _Terminal
) -> "EnvelopeDocument":
    """Run the step and show its events. Return the envelope."""
    call = (step.connector, step.action, step.input)
    renderer, delivery = terminal.renderer, terminal.delivery
    if not renderer.wants_events:
        return await host.run(*call, **options)
    async with aclosing(host.stream(*call, **options)) as items:
        item = await anext(items)
        while item["type"] != "run.finished":
            delivery.write(renderer.show_event, item)
            if delivery.reader_left:
                # A full disk stops no run: its answer can be fetched later.
                host.cancel(step.run_id)
            item = await anext(items)
        return item["envelope"]


def _show(args: RunArgs, envelope: "EnvelopeDocument", streamed: str) -> None:
    if args.as_json and args.stream:
        last: RunFinishedItem[JsonObject] = {
            "type": "run.finished",
            "envelope": envelope,
        }
        print_json(last, on_one_line=True)
    elif args.as_json:
        print_json(envelope)
    else:
        show_result(envelope, streamed)
