"""Makes the command of an action, such as `ask`, from its manifest and its schemas."""

from collections.abc import Iterator, Mapping
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.asking import Asked, run_asked
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.options import (
    AsJson,
    ConnectionName,
    UseSandbox,
    check_sandbox,
    check_timeout,
    silence_logs,
)
from perplexity_connector.cli.run_commands import RunTimeout
from perplexity_connector.cli.shortcut_input import Shortcut
from perplexity_connector.rendering.text import line_of

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        CommandDocument,
        CommandOptionDocument,
        PaletteEntry,
    )

_FIELDS = "Any other field of the action, as for `run`. Can be repeated."
_CONTINUE = "Go on from the last answer over the same connection."
_STDIN = "The word - reads stdin."


def make_command(entry: "PaletteEntry") -> Any:
    """Return the command of an action, for the parser.

    Raises `ConnectorError` for an action that cannot be described.
    """
    host = hosts.make_host({})
    description = host.describe(entry["connector"], entry["action"])
    # The palette has named it.
    command = cast("CommandDocument", description["action"]["command"])
    run = _callback(Shortcut(description=description, command=command))
    maker = typer.Typer(add_completion=False, rich_markup_mode=None)
    fields = f"perplexity-connector describe {entry['connector']}.{entry['action']}"
    names = {"help_option_names": ["-h", "--help"]}
    maker.command(
        help=entry["summary"],
        epilog=f"The fields for -f: {fields}",
        context_settings=names,
    )(run)
    return typer.main.get_command(maker)


def _callback(shortcut: Shortcut) -> Any:
    """Return the function of a command. Its signature has the options."""

    def run(**given: Any) -> None:
        _run(shortcut, given)

    vars(run)["__signature__"] = Signature(list(_parameters(shortcut)))
    return run


@reporting_errors()
def _run(shortcut: Shortcut, given: Mapping[str, Any]) -> None:
    check_timeout(given["timeout"])
    check_sandbox(given["sandbox"], given["connection"])
    silence_logs()
    options = {option["name"]: given[name] or () for name, option in _options(shortcut)}
    asked = Asked(
        words=given["words"],
        options=options,
        fields=given["fields"] or (),
        continues=given.get("continues", False),
        connection=given["connection"],
        sandbox=given["sandbox"],
        timeout=given["timeout"],
        as_json=given["as_json"],
    )
    with hosts.make_records() as records:
        raise typer.Exit(run_asked(shortcut, asked, hosts.make_host, records))


def _parameters(shortcut: Shortcut) -> Iterator[Parameter]:
    """Yield the words and the options, each as the parameter of a function."""
    command = shortcut.command
    text = command.get("help") or _help(shortcut, command["words"])
    words = typer.Argument(metavar="WORDS", help=f"{text} {_STDIN}".lstrip())
    yield _parameter("words", list[str], Parameter.empty, words)
    for name, option in _options(shortcut):
        yield _parameter(name, list[str] | None, None, _option(shortcut, option))
    if command.get("continues"):
        switch = typer.Option("--continue", "-c", help=_CONTINUE)
        yield _parameter("continues", bool, False, switch)
    fields = typer.Option("--field", "-f", metavar="FIELD=VALUE", help=_FIELDS)
    yield _parameter("fields", list[str] | None, None, fields)
    yield _parameter("connection", ConnectionName, None)
    yield _parameter("sandbox", UseSandbox, False)
    yield _parameter("timeout", RunTimeout, None)
    yield _parameter("as_json", AsJson, False)


def _parameter(name: str, kind: Any, default: Any, *words: Any) -> Parameter:
    annotation = Annotated[kind, *words] if words else kind
    return Parameter(
        name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _options(shortcut: Shortcut) -> "Iterator[tuple[str, CommandOptionDocument]]":
    """Yield each option with the name of its parameter, which no other parameter has."""
    for index, option in enumerate(shortcut.options):
        yield f"option_{index}", option


def _option(shortcut: Shortcut, option: "CommandOptionDocument") -> Any:
    short = option.get("short")
    names = [f"--{option['name']}", *([f"-{short}"] if short else [])]
    default = shortcut.setting_of(option)
    texts = [
        option.get("help") or _help(shortcut, option["field"]),
        f"Default: {default}." if default else "",
    ]
    metavar = "FILE" if option.get("file") else "VALUE"
    return typer.Option(*names, metavar=metavar, help=" ".join(filter(None, texts)))


def _help(shortcut: Shortcut, pointer: str) -> str:
    """Return the description of a field."""
    return line_of(shortcut.schema_at(pointer), "description")
