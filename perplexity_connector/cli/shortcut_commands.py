"""Makes the command of an action, such as `ask`, from its manifest and its schemas."""

from collections.abc import Iterator, Sequence
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.asking import Asked, run_asked
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.examples import epilog_of
from perplexity_connector.cli.options import (
    AsJson,
    ConnectionName,
    Plain,
    UseSandbox,
    check_sandbox,
    check_timeout,
    silence_logs,
)
from perplexity_connector.cli.run_commands import RunTimeout
from perplexity_connector.cli.shortcut_input import Shortcut
from perplexity_connector.cli.terminal import use_plain
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import pointer_tokens
from perplexity_connector.host.validation.assignments import schema_at
from perplexity_connector.host.validation.schema_types import list_types
from perplexity_connector.rendering.text import line_of, one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        CommandOptionDocument,
        PaletteEntry,
    )

_CONTINUE = "Go on from the last answer over the same connection."
_STDIN = "The word - reads stdin."


def make_command(name: str, entry: "PaletteEntry") -> Any:
    """Return the command of an action, for the parser. It is called by `name`.

    Raises `ConnectorError` for an action that cannot be described.
    """
    host = hosts.make_host({})
    description = host.describe(entry["connector"], entry["action"])
    shortcut = Shortcut(description=description)
    run = _callback(shortcut)
    epilog = _epilog(name, shortcut.command.get("examples", []))
    maker = typer.Typer(add_completion=False, rich_markup_mode=None)
    summary = one_line((entry["command"] or entry)["summary"])
    maker.command(help=summary, epilog=epilog)(run)
    return typer.main.get_command(maker)


def _epilog(name: str, examples: Sequence[str]) -> str | None:
    if not examples:
        return None
    return epilog_of(one_line(f"{name} {each}") for each in examples)


def _callback(shortcut: Shortcut) -> Any:
    """Return the function of a command. Its signature has the options."""

    def run(**given: Any) -> None:
        _run(shortcut, given)

    vars(run)["__signature__"] = Signature(list(_parameters(shortcut)))
    return run


@reporting_errors()
def _run(shortcut: Shortcut, given: dict[str, Any]) -> None:
    check_timeout(given["timeout"])
    check_sandbox(given["sandbox"], given["connection"])
    silence_logs()
    use_plain(given.pop("plain"))
    options = {
        option["name"]: given.pop(parameter) or ()
        for parameter, option in _options(shortcut)
    }
    # The others have the names of the fields.
    asked = Asked(options=options, **given)
    with hosts.make_records() as records:
        raise typer.Exit(run_asked(shortcut, asked, hosts.make_host, records))


def _parameters(shortcut: Shortcut) -> Iterator[Parameter]:
    """Yield the words and the options, each as the parameter of a function."""
    yield _parameter("words", list[str], Parameter.empty, _words(shortcut))
    for name, option in _options(shortcut):
        yield _parameter(name, list[str] | None, None, _option(shortcut, option))
    if shortcut.command.get("continues"):
        switch = typer.Option("--continue", "-c", help=_CONTINUE)
        yield _parameter("continues", bool, False, switch)
    yield _parameter("fields", list[str] | None, None, _fields(shortcut))
    yield _parameter("connection", ConnectionName, None)
    yield _parameter("sandbox", UseSandbox, False)
    yield _parameter("timeout", RunTimeout, None)
    yield _parameter("as_json", AsJson, False)
    yield _parameter("plain", Plain, False)


def _parameter(name: str, kind: Any, default: Any, *words: Any) -> Parameter:
    annotation = Annotated[kind, *words] if words else kind
    return Parameter(
        name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _words(shortcut: Shortcut) -> Any:
    command = shortcut.command
    text = _help(shortcut, command.get("help"), command["words"])
    return typer.Argument(metavar="WORDS", help=f"{text} {_STDIN}".lstrip())


def _fields(shortcut: Shortcut) -> Any:
    action = shortcut.description["action"]["id"]
    text = f"Any other field, as for `run`: `describe {action}` lists them."
    return typer.Option("--field", "-f", metavar="FIELD=VALUE", help=text)


def _options(shortcut: Shortcut) -> "Iterator[tuple[str, CommandOptionDocument]]":
    """Yield each option with the name of its parameter."""
    # Its own name may be that of another parameter, or not be a name in Python.
    for index, option in enumerate(shortcut.options):
        yield f"option_{index}", option


def _option(shortcut: Shortcut, option: "CommandOptionDocument") -> Any:
    names = [f"--{option['name']}"]
    if short := option.get("short"):
        names.append(f"-{short}")
    text = _help(shortcut, option.get("help"), option["field"])
    if default := shortcut.setting_of(option):
        text = f"{text} Default: {default}.".lstrip()
    return typer.Option(*names, metavar=_metavar(shortcut, option), help=text)


def _metavar(shortcut: Shortcut, option: "CommandOptionDocument") -> str:
    if option.get("file"):
        return "FILE"
    place = _place(shortcut, option["field"])
    return "N" if list_types(place) == ["integer"] else "VALUE"


def _help(shortcut: Shortcut, given: str | None, pointer: str) -> str:
    """Return the given text on one line; without one, the description of a field."""
    if given:
        return one_line(given)
    return line_of(_place(shortcut, pointer), "description")


def _place(shortcut: Shortcut, pointer: str) -> JsonObject:
    """Return the schema of a field."""
    return schema_at(shortcut.schema, pointer_tokens(pointer) or ())
