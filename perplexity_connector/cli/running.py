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
from perplexity_connector.cli.progress import Watcher, say
from perplexity_connector.cli.stand_in import Target, private_sandbox
from perplexity_connector.contract import JsonObject
from perplexity_connector.host import Host, RunOptions, StepRun
from perplexity_connector.readable.errors import error_lines
from perplexity_connector.readable.shape import as_list, as_object, as_text
from perplexity_connector.readable.show import is_worth_showing, output_lines, totals_line, warning_lines
from perplexity_connector.readable.text import json_text

HostMaker = Callable[[Mapping[str, Mapping[str, str]]], Host]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
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


def carry_out(order: Order, make_host: HostMaker, journal: Journal) -> ExitCode:
    """Run what was ordered and show it; the exit code tells what became of it.

    Raises `UsageError` for an order that cannot be understood, `BrokenPipeError` when the reader of a stream leaves.
    """
    host = make_host({})
    step = _fresh_step(order, host) if order.resume is None else _resumed_step(order, journal.read(order.resume))
    live = order.stream or step.input.get("stream") is True
    with (
        target_of(_described(host, step), connection=step.connection, sandbox=order.sandbox) as target,
        Watcher(text=live and not order.as_json, lines=order.stream and order.as_json) as watcher,
    ):
        options = _options(order, step, target, journal)
        envelope = asyncio.run(_run(make_host(target.settings), step, options, watcher))
    with reader_may_leave():
        _show(order, envelope, watcher.streamed)
    tell_problems(envelope)
    close_journal(journal, envelope)
    return code_of_run(envelope)


def _fresh_step(order: Order, host: Host) -> _Step:
    connector, action = palette.find(host.actions(), order.action)
    description = host.describe(connector, action)
    version = as_object(description["action"])["version"]
    return _Step(
        connector=connector,
        action=action,
        version=int(str(version)),
        input=_input(order, description),
        run_id=f"run_{secrets.token_hex(16)}",
        resume_from=None,
        connection=None if order.connection is None else known_name(host, order.connection),
    )


def _resumed_step(order: Order, kept: Unfinished) -> _Step:
    if order.action or order.assignments or order.document is not None or order.example or order.sandbox:
        message = "--resume goes on with the step as it was saved: name no action, no input and no sandbox."
        raise UsageError(message)
    return _Step(
        connector=kept.connector,
        action=kept.action,
        version=kept.version,
        input=kept.input,
        run_id=kept.run_id,
        resume_from=kept.state,
        connection=order.connection or kept.connection,
    )


def _options(order: Order, step: _Step, target: Target, journal: Journal) -> RunOptions:
    return RunOptions(
        version=step.version,
        connection=target.connection,
        timeout=order.timeout,
        run_id=step.run_id,
        resume_from=step.resume_from,
        # A private sandbox ends with this process, and its runs with it.
        on_checkpoint=None if order.sandbox else functools.partial(journal.note, step),
    )


def close_journal(journal: Journal, envelope: JsonObject) -> None:
    """Forget a run whose end was seen; of one that could go on, say how."""
    run_id, error = as_text(envelope.get("run_id")), as_object(envelope.get("error"))
    if error.get("retryable") is not True:
        journal.forget(run_id)
    elif run_id in journal.unfinished():
        say(f"To go on with this run: perplexity-connector run --resume {run_id}")


def target_of(connector: JsonObject, *, connection: str | None, sandbox: bool) -> AbstractContextManager[Target]:
    """What a run goes against: the real service over a stored connection or the environment's, or a private sandbox.

    Raises `UsageError` for a stored connection and a sandbox at once: no real key is ever sent to one.
    """
    if not sandbox:
        return nullcontext(Target(connection=connection))
    if connection is not None:
        message = "--sandbox has a connection of its own: leave --connection out."
        raise UsageError(message)
    return private_sandbox(connector)


def _described(host: Host, step: _Step) -> JsonObject:
    return as_object(host.describe(step.connector, step.action)["connector"])


def _input(order: Order, description: JsonObject) -> JsonObject:
    examples = as_list(description.get("examples"))
    if order.example and not examples:
        message = "This action has no example; give its input with --input or FIELD=VALUE."
        raise UsageError(message)
    base = as_object(examples[0]) if order.example else {}
    given = {} if order.document is None else document(_given(order.document))
    schema = as_object(as_object(description.get("schemas")).get("input"))
    return with_fields({**base, **given}, order.assignments, schema)


def _given(source: str) -> str:
    return read(source.removeprefix("@"), "--input") if source == "-" or source.startswith("@") else source


def read(file: str, what: str) -> str:
    """The text of a file, or of stdin for `-`. Raises `UsageError`, naming `what` it is, when it cannot be read."""
    # utf-8-sig: Windows shells and editors put a byte order mark before what they write.
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig") if file == "-" else Path(file).read_text("utf-8-sig")
    except OSError as problem:
        message = f"{what} cannot be read: {problem.strerror}."
    except ValueError:
        message = f"{what} cannot be read: it is no UTF-8 text."
    raise UsageError(message)


async def _run(host: Host, step: _Step, options: RunOptions, watcher: Watcher) -> JsonObject:
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


def _show(order: Order, envelope: JsonObject, streamed: str) -> None:
    if order.as_json:
        typer.echo(json_text(envelope, indent=None if order.stream else 2))
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
