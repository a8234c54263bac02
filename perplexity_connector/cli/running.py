"""One run from the command line: build the input, run it, watch it, show what came of it."""

import asyncio
import functools
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import typer

from perplexity_connector.cli import palette
from perplexity_connector.cli.connections import known_name
from perplexity_connector.cli.ending import reader_may_leave
from perplexity_connector.cli.exits import ExitCode, UsageError, code_of_run
from perplexity_connector.cli.fields import document, with_fields
from perplexity_connector.cli.journal import Journal, Unfinished
from perplexity_connector.cli.progress import ConsoleRenderer, say
from perplexity_connector.cli.sandboxing import RunTarget, private_sandbox
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.host import Host, RunOptions, StepRun
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import (
    is_worth_showing,
    output_lines,
    totals_line,
    warning_lines,
)
from perplexity_connector.rendering.text import json_text

HostMaker = Callable[[Mapping[str, Mapping[str, str]]], Host]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArgs:
    """What the command line asks for, as it was typed."""

    action: str
    assignments: Sequence[str]
    document: str | None
    example: bool
    stream: bool
    sandbox: bool
    resume: str | None
    connection: str | None
    timeout: float | None
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step(StepRun):
    connection: str | None
    resume_from: JsonObject | None


def carry_out(args: RunArgs, make_host: HostMaker, journal: Journal) -> ExitCode:
    """Run what was ordered and show it; the exit code tells what became of it.

    Raises `UsageError` for an order that cannot be understood, `BrokenPipeError` when the reader of a stream leaves.
    """
    host = make_host({})
    step = (
        _fresh_step(args, host)
        if args.resume is None
        else _resumed_step(args, journal.read(args.resume))
    )
    live = args.stream or step.input.get("stream") is True
    with (
        target_of(
            _described(host, step), connection=step.connection, sandbox=args.sandbox
        ) as target,
        ConsoleRenderer(
            text=live and not args.as_json, lines=args.stream and args.as_json
        ) as watcher,
    ):
        options = _options(args, step, target, journal)
        envelope = asyncio.run(_run(make_host(target.settings), step, options, watcher))
    with reader_may_leave():
        _show(args, envelope, watcher.streamed)
    tell_problems(envelope)
    close_journal(journal, envelope)
    return code_of_run(envelope)


def _fresh_step(args: RunArgs, host: Host) -> _Step:
    connector, action = palette.find(host.actions(), args.action)
    description = host.describe(connector, action)
    version = as_object(description["action"])["version"]
    return _Step(
        connector=connector,
        action=action,
        version=int(str(version)),
        input=_input(args, description),
        run_id=f"run_{secrets.token_hex(16)}",
        resume_from=None,
        connection=None
        if args.connection is None
        else known_name(host, args.connection),
    )


def _resumed_step(args: RunArgs, kept: Unfinished) -> _Step:
    if (
        args.action
        or args.assignments
        or args.document is not None
        or args.example
        or args.sandbox
    ):
        message = "--resume goes on with the step as it was saved: name no action, no input and no sandbox."
        raise UsageError(message)
    return _Step(
        connector=kept.connector,
        action=kept.action,
        version=kept.version,
        input=kept.input,
        run_id=kept.run_id,
        resume_from=kept.state,
        connection=args.connection or kept.connection,
    )


def _options(
    args: RunArgs, step: _Step, target: RunTarget, journal: Journal
) -> RunOptions:
    return RunOptions(
        version=step.version,
        connection=target.connection,
        timeout=args.timeout,
        run_id=step.run_id,
        resume_from=step.resume_from,
        # A private sandbox ends with this process, and its runs with it.
        on_checkpoint=None if args.sandbox else functools.partial(journal.note, step),
    )


def close_journal(journal: Journal, envelope: JsonObject) -> None:
    """Forget a run whose end was seen; of one that could go on, say how."""
    run_id, error = as_text(envelope.get("run_id")), as_object(envelope.get("error"))
    if error.get("retryable") is not True:
        journal.forget(run_id)
    elif run_id in journal.unfinished():
        say(f"To go on with this run: perplexity-connector run --resume {run_id}")


def target_of(
    connector: JsonObject, *, connection: str | None, sandbox: bool
) -> AbstractContextManager[RunTarget]:
    """What a run goes against: the real service over a stored connection or the environment's, or a private sandbox.

    Raises `UsageError` for a stored connection and a sandbox at once: no real key is ever sent to one.
    """
    if not sandbox:
        return nullcontext(RunTarget(connection=connection))
    if connection is not None:
        message = "--sandbox has a connection of its own: leave --connection out."
        raise UsageError(message)
    return private_sandbox(connector)


def _described(host: Host, step: _Step) -> JsonObject:
    return as_object(host.describe(step.connector, step.action)["connector"])


def _input(args: RunArgs, description: JsonObject) -> JsonObject:
    examples = as_list(description.get("examples"))
    if args.example and not examples:
        message = (
            "This action has no example; give its input with --input or FIELD=VALUE."
        )
        raise UsageError(message)
    base = as_object(examples[0]) if args.example else {}
    given = {} if args.document is None else document(_given(args.document))
    schema = as_object(as_object(description.get("schemas")).get("input"))
    return with_fields({**base, **given}, args.assignments, schema)


def _given(source: str) -> str:
    return (
        read(source.removeprefix("@"), "--input")
        if source == "-" or source.startswith("@")
        else source
    )


def read(file: str, what: str) -> str:
    """The text of a file, or of stdin for `-`. Raises `UsageError`, naming `what` it is, when it cannot be read."""
    # utf-8-sig: Windows shells and editors put a byte order mark before what they write.
    try:
        return (
            sys.stdin.buffer.read().decode("utf-8-sig")
            if file == "-"
            else Path(file).read_text("utf-8-sig")
        )
    except OSError as problem:
        message = f"{what} cannot be read: {problem.strerror}."
    except ValueError:
        message = f"{what} cannot be read: it is no UTF-8 text."
    raise UsageError(message)


async def _run(
    host: Host, step: _Step, options: RunOptions, watcher: ConsoleRenderer
) -> JsonObject:
    where = (step.connector, step.action, step.input)
    async with host:
        if not watcher.wants_events:
            return await host.run(*where, **options)
        envelope: JsonObject = {}
        async with aclosing(host.stream(*where, **options)) as items:
            async for item in items:
                if "type" in item:
                    watcher.see(item)
                else:
                    envelope = item
        return envelope


def _show(args: RunArgs, envelope: JsonObject, streamed: str) -> None:
    if args.as_json:
        typer.echo(json_text(envelope, indent=None if args.stream else 2))
    else:
        show_result(envelope, streamed)


def show_result(envelope: JsonObject, streamed: str) -> None:
    """Print for people what a run gave; of an answer that was streamed already, only what is still missing."""
    output, partial = envelope.get("output"), as_object(envelope.get("partial"))
    if isinstance(output, Mapping):
        _print([*output_lines(output, streamed), "", totals_line(envelope)])
    elif is_worth_showing(partial):
        if not streamed:
            say("The run failed. This is what was received until then:")
        _print(output_lines(partial, streamed))
    elif streamed:
        typer.echo()


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def tell_problems(envelope: JsonObject) -> None:
    """Say on stderr what a run warned of, and how it failed."""
    error = as_object(envelope.get("error"))
    for line in (*warning_lines(envelope), *(error_lines(error) if error else ())):
        say(line)
