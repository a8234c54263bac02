"""Reports a command line that cannot be parsed, without repeating any of it: an argument may be a key."""

from collections.abc import Iterator
from typing import Any

import typer

from perplexity_connector.cli.output import say

# The parser's own class has no public name, and it depends on typer's version.
ParseError: type[Exception] = typer.BadParameter.__bases__[0]

_WANTED = {
    "float": "a number",
    "integer": "a whole number",
    "integer range": "a whole number in the range that the help shows",
}


def report_parse_error(mistake: Any, *, is_empty: bool) -> None:
    """Print one line about the mistake and one about the help; for an empty command line, the help."""
    if is_empty:
        mistake.show()
        return
    say(f"error: {_message(mistake)}")
    say(f"See: {mistake.ctx.command_path} --help")


def _message(mistake: Any) -> str:
    """Return a message made only of names that the program itself has given."""
    command = mistake.ctx.command
    if isinstance(mistake, typer.BadParameter) and mistake.param is not None:
        return _about_value(mistake.param, is_missing=_is_missing(mistake))
    if option := getattr(mistake, "option_name", ""):
        known = {name for param in command.params for name in param.opts}
        if option in known:
            return f"The option {option} is not used correctly."
        return " ".join(["Unknown option.", *_suggestions(mistake)])
    if hasattr(command, "list_commands"):
        names = ", ".join(command.list_commands(mistake.ctx))
        return f"Unknown command. Available: {names}."
    return "There are too many arguments."


def _is_missing(mistake: Exception) -> bool:
    return type(mistake).__name__ == "MissingParameter"


def _about_value(param: Any, *, is_missing: bool) -> str:
    name = param.opts[0] if param.param_type_name == "option" else param.metavar
    if is_missing:
        return f"{name} is missing."
    wanted = _WANTED.get(param.type.name, "valid")
    return f"{name} must be {wanted}."


def _suggestions(mistake: Any) -> Iterator[str]:
    # The parser suggests only options of the command.
    if names := getattr(mistake, "possibilities", None):
        yield f"Did you mean {' or '.join(names)}?"
