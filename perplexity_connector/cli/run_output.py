"""Prints the result of a run: its output on stdout, its warnings and its error on stderr."""

from collections.abc import Mapping

import typer

from perplexity_connector.cli.output import print_lines, say
from perplexity_connector.contract import JsonObject, RunStatus
from perplexity_connector.contract.json import as_object
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import (
    is_worth_showing,
    output_lines,
    totals_line,
    warning_lines,
)


def show_result(envelope: JsonObject, streamed: str) -> None:
    """Print the result of a run for people.

    `streamed` is the part of the answer that is shown already; it is not repeated.
    """
    output = envelope.get("output")
    partial = as_object(envelope.get("partial"))
    if isinstance(output, Mapping):
        print_lines(output_lines(output, streamed))
        print_lines(["", totals_line(envelope)])
    elif is_worth_showing(partial):
        if not streamed:
            say(_heading(envelope))
        print_lines(output_lines(partial, streamed))
    elif streamed:
        # Ends the line of the streamed text.
        typer.echo()


def show_problems(envelope: JsonObject) -> None:
    """Print the warnings and the error of a run on stderr."""
    for line in warning_lines(envelope):
        say(line)
    if error := as_object(envelope.get("error")):
        for line in error_lines(error):
            say(line)


def _heading(envelope: JsonObject) -> str:
    if envelope.get("status") == RunStatus.CANCELLED:
        return "The run was stopped. This was received before:"
    return "The run failed. This was received before it failed:"
