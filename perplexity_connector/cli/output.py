"""Prints results on stdout, and everything else on stderr."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

import typer

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


def print_json(value: object, *, on_one_line: bool = False) -> None:
    """Print a value as JSON on stdout, indented unless it must be one line."""
    typer.echo(json_text(value, indent=None if on_one_line else 2))
