"""Ends a command: after a mistake of the user, a failure, Ctrl-C, or when its reader has left."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import typer

from perplexity_connector.cli.exits import ExitCode, UsageError, code_of_error
from perplexity_connector.cli.output import say
from perplexity_connector.contract import ConnectorError
from perplexity_connector.rendering.errors import error_lines


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Report expected errors in one or two lines on stderr and exit with their code.

    Any other error is a bug and is raised on.
    """
    try:
        yield
    except UsageError as mistake:
        say(f"error: {mistake}")
        raise typer.Exit(ExitCode.INVALID) from None
    except ConnectorError as error:
        record = error.to_dict()
        for line in error_lines(record):
            say(line)
        raise typer.Exit(code_of_error(record)) from None
    # Ctrl-C at a prompt raises `Abort`.
    except (KeyboardInterrupt, typer.Abort):
        say("Interrupted.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has all it wanted, as in `| head`. Nothing has failed.
        _discard(sys.stdout)
        _discard(sys.stderr)
        raise typer.Exit(ExitCode.SUCCEEDED) from None
    except OSError as problem:
        _discard(sys.stdout)
        say(f"error: The result cannot be written: {problem.strerror}.")
        raise typer.Exit(ExitCode.INTERNAL) from None


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Print to a reader that may have left, and go on without it."""
    try:
        yield
    except BrokenPipeError:
        _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    # The interpreter flushes the streams at its end. That must not fail again.
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)
