"""Prints results on stdout, and everything else on stderr."""

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TextIO

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
    """Print one line on stderr. Without a reader of stderr, nothing else can be said."""
    try:
        typer.echo(one_line(line), err=True)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Send all further text of a stream to nowhere.

    The interpreter flushes the streams at its end. That must not fail again.
    """
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)


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
    if envelope.get("status") == "cancelled":
        return "The run was stopped. This was received before:"
    return "The run failed. This was received before it failed:"
