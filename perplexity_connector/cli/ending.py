"""How a command comes to its end: on its own, by a mistake of the user, by Ctrl-C, or when its reader has left."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import typer

from perplexity_connector.cli.exits import ExitCode, UsageError, code_of_error
from perplexity_connector.cli.progress import say
from perplexity_connector.contract import ConnectorError
from perplexity_connector.rendering.errors import error_lines


@contextmanager
def told_to_the_user() -> Iterator[None]:
    """Turn what a user can bring about into a line or two on stderr and an exit code. Anything else is a bug."""
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
    # The second is what Ctrl-C becomes while something is asked for.
    except (KeyboardInterrupt, typer.Abort):
        say("Interrupted.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has what it wanted (`| head`): nothing has failed, and nobody is left to tell.
        _discard(sys.stdout)
        _discard(sys.stderr)
        raise typer.Exit(ExitCode.SUCCEEDED) from None
    except OSError as problem:
        _discard(sys.stdout)
        say(f"error: The result cannot be written: {problem.strerror}.")
        raise typer.Exit(ExitCode.INTERNAL) from None


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Print to a reader that may be gone by now, and go on without it."""
    try:
        yield
    except BrokenPipeError:
        _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    # The interpreter flushes the streams once more at its end; what is left in them must have somewhere to go.
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
