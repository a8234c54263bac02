"""Prints the result of a run: its output on stdout, its hints, warnings and error on stderr."""

from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from perplexity_connector.cli.output import say
from perplexity_connector.cli.terminal import is_screen, print_page
from perplexity_connector.contract import ConnectorError, JsonObject
from perplexity_connector.rendering.errors import error_lines, hint_line
from perplexity_connector.rendering.lines import EMPTY, Kind, text_line
from perplexity_connector.rendering.results import (
    is_worth_showing,
    output_parts,
    totals_line,
    warning_lines,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host import Host, StepRun


def show_hints(host: "Host", step: "StepRun") -> None:
    """Print the hints about the input of a run on stderr."""
    where = (step.connector, step.action)
    # The run itself says why a connector cannot be used.
    with suppress(ConnectorError):
        for hint in host.hints(*where, step.input, version=step.version):
            say(hint_line(hint.pointer, hint.message))


def show_result(envelope: "EnvelopeDocument", streamed: str) -> None:
    """Print the result of a run for people.

    `streamed` is the part of the answer that is shown already; it is not repeated.
    """
    partial = envelope["partial"] or {}
    if envelope["status"] == "succeeded":
        _show_output(envelope["output"], streamed)
        print_page([EMPTY, text_line(totals_line(envelope), Kind.NOTE)])
    elif is_worth_showing(partial):
        if not streamed:
            say(_heading(envelope))
        _show_output(partial, streamed)
    elif streamed:
        # Ends the line of the streamed text.
        typer.echo()


def show_problems(envelope: "EnvelopeDocument") -> None:
    """Print the warnings and the error of a run on stderr."""
    for line in warning_lines(envelope):
        say(line)
    show_error(envelope)


def show_error(envelope: "EnvelopeDocument") -> None:
    """Print the error of a run on stderr, if it has one."""
    if error := envelope["error"]:
        for line in error_lines(error):
            say(line)


def _show_output(output: JsonObject, streamed: str) -> None:
    print_page(output_parts(output, streamed, cited_first=is_screen()))


def _heading(envelope: "EnvelopeDocument") -> str:
    if envelope["status"] == "cancelled":
        return "The run was stopped. This was received before:"
    return "The run failed. This was received before it failed:"
