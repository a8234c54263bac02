"""Reports a command line that cannot be parsed, without repeating any of it: an argument may be a key."""

import sys
from collections.abc import Iterator
from typing import Any

from perplexity_connector.cli.output import say
from perplexity_connector.cli.shortcuts import PROGRAM, UNKNOWN
from perplexity_connector.contract.near_matches import did_you_mean

_WANTED = {"float": "a number", "integer": "a whole number"}


def report_parse_error(mistake: Any, *, is_empty: bool) -> None:
    """Print one line about the mistake and one about the help; for an empty command line, the help."""
    if is_empty:
        mistake.show()
        return
    say(f"error: {_message(mistake)}")
    path = mistake.ctx.command_path if mistake.ctx else PROGRAM
    say(f"See: {path} --help")


def _message(mistake: Any) -> str:
    """Return a message made only of names that the program itself has given."""
    match type(mistake).__name__:
        case "MissingParameter":
            return f"{_name(mistake.param)} is missing.{_of_stdin(mistake.param)}"
        case "BadParameter":
            return f"{_name(mistake.param)} must be {_wanted(mistake.param.type)}."
        case "NoSuchOption":
            return " ".join(["Unknown option.", *_suggestions(mistake)])
        case "BadOptionUsage":
            # The parser knows this option, but it has no value, or one that it does not take.
            return f"The option {mistake.option_name} is not used correctly."
    command = mistake.ctx.command
    if hasattr(command, "list_commands"):
        names = command.list_commands(mistake.ctx)
        near = did_you_mean(mistake.ctx.meta.get(UNKNOWN, ""), names)
        return f"Unknown command.{near} Available: {', '.join(names)}."
    return "There are too many arguments."


def _of_stdin(param: Any) -> str:
    # A text that is piped in is not read by itself.
    is_piped = param.metavar == "WORDS" and not sys.stdin.isatty()
    return " To read stdin, write -." if is_piped else ""


def _wanted(kind: Any) -> str:
    # Only whole numbers have a range, and each range has a lower end.
    if hasattr(kind, "max"):
        is_open = kind.max is None
        ends = (
            f"of at least {kind.min}" if is_open else f"from {kind.min} to {kind.max}"
        )
        return f"a whole number {ends}"
    return _WANTED.get(kind.name, "valid")


def _name(param: Any) -> str:
    return str(param.opts[0] if param.param_type_name == "option" else param.metavar)


def _suggestions(mistake: Any) -> Iterator[str]:
    # The parser suggests only options of the command.
    if names := mistake.possibilities:
        yield f"Did you mean {' or '.join(names)}?"
