"""Prints results on stdout, and everything else on stderr."""

from collections.abc import Iterable, Mapping

import typer

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import as_object
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import (
    is_worth_showing,
    output_lines,
    totals_line,
    warning_lines,
)
from perplexity_connector.rendering.text import json_text, one_line


def say(line: str) -> None:
    """Print one line on stderr."""
    typer.echo(one_line(line), err=True)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines on stdout."""
    for line in lines:
        typer.echo(line)


def print_json(value: JsonValue, *, on_one_line: bool = False) -> None:
    """Print a value as JSON on stdout, indented unless it must be one line."""
    typer.echo(json_text(value, indent=None if on_one_line else 2))


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
            say("The run failed. This was received before it failed:")
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
