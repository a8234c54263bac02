"""Finds the commands of connectors, such as `ask`: an action's manifest gives them.

Manifests are read only for a word that is not a command of this program, and for help. The commands
themselves are made when they are called, in `shortcut_commands`.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from perplexity_connector.cli import hosts
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import PaletteEntry

PROGRAM = "perplexity-connector"
# A shell sets it to ask for completions.
COMPLETE = "_PERPLEXITY_CONNECTOR_COMPLETE"
# The parser's notes of a command line: the actions by their command.
_FOUND = "perplexity_connector.shortcuts"
# And the word that is not a command.
UNKNOWN = "perplexity_connector.unknown"


class Commands(TyperGroup):
    """The commands of this program, and those of connectors. This program's names win."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*_shortcuts(ctx, self.commands), *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None for an unknown name, which is noted."""
        if own := super().get_command(ctx, cmd_name):
            return own
        if entry := _shortcuts(ctx, self.commands).get(cmd_name):
            return _Shortcut(cmd_name, entry)
        ctx.meta[UNKNOWN] = cmd_name
        return None


class _Shortcut(TyperCommand):
    """The command of an action. `_entry`: the action."""

    def __init__(self, name: str, entry: "PaletteEntry") -> None:
        """Make a command for a list of commands."""
        summary = entry["command"]["summary"] if entry["command"] else ""
        super().__init__(name, help=one_line(summary), rich_markup_mode=None)
        self._entry = entry

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse the arguments. The options need the schemas of the action, so they are made now."""
        with reporting_errors():
            from perplexity_connector.cli.shortcut_commands import make_command  # noqa: PLC0415 - few commands need it

            command = make_command(str(self.name), self._entry)
        return command.make_context(*args, **extra)


def _shortcuts(ctx: Any, own: Collection[str]) -> "Mapping[str, PaletteEntry]":
    """Return the actions that have a command, by its name."""
    if _FOUND not in ctx.meta:
        with reporting_errors():
            entries = hosts.make_host({}).actions()
        ctx.meta[_FOUND] = dict(_named(entries, own))
    found: Mapping[str, PaletteEntry] = ctx.meta[_FOUND]
    return found


def _named(
    entries: "Sequence[PaletteEntry]", own: Collection[str]
) -> "Iterator[tuple[str, PaletteEntry]]":
    """Yield the name of each command, and its action. A taken name begins with the connector's id."""
    named = [
        (command["name"], entry) for entry in entries if (command := entry["command"])
    ]
    names = [name for name, _ in named]
    claims = Counter([*own, *names])
    for name, entry in named:
        is_taken = claims[name] > 1
        yield f"{entry['connector']}:{name}" if is_taken else name, entry
