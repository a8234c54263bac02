"""Ends a command: after a mistake of the user, a failure, Ctrl-C, or when its reader has left."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from perplexity_connector.cli.exits import ExitCode, UsageError, code_of_error
from perplexity_connector.cli.output import discard, say
from perplexity_connector.contract import ConnectorError


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
        from perplexity_connector.rendering.errors import error_lines  # noqa: PLC0415 - only errors need it

        record = error.to_dict()
        for line in error_lines(record):
            say(line)
        raise typer.Exit(code_of_error(record)) from None
    # Ctrl-C at a prompt raises `Abort`. Another signal than Ctrl-C has its own code.
    except (KeyboardInterrupt, typer.Abort) as interruption:
        say("Interrupted.")
        code = getattr(interruption, "code", ExitCode.INTERRUPTED)
        raise typer.Exit(code) from None
    except BrokenPipeError:
        # The reader has all it wanted, as in `| head`. Nothing has failed.
        discard(sys.stdout)
        discard(sys.stderr)
        raise typer.Exit(ExitCode.SUCCEEDED) from None
    except OSError as problem:
        discard(sys.stdout)
        say(f"error: The result cannot be written: {problem.strerror}.")
        raise typer.Exit(ExitCode.INTERNAL) from None
