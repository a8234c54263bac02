"""The command `models`: lists the language models to choose from."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perplexity_connector.cli.connections import known_name
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.progress import waiting
from perplexity_connector.cli.targets import Connection, HostMaker, choose_target
from perplexity_connector.cli.terminal import print_table
from perplexity_connector.host import Host, HostOptions
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import ConnectorDocument, OptionDocument

# The source of options that lists models.
SOURCE = "models"


def show_models(
    make_host: HostMaker,
    connection: str | None,
    search: str,
    *,
    sandbox: bool,
    as_json: bool,
) -> None:
    """Print every model of the first connector that has a list of models.

    A note on stderr gives the reason if the list is not up to date. Raises `UsageError` if no
    connector has a list, or for an unknown connection.
    """
    host = make_host({})
    connector = connector_with_models(host)
    name = connector["id"]
    connections = {name: None if connection is None else known_name(host, connection)}
    with (
        choose_target([connector], connections, sandbox=sandbox) as target,
        waiting("Asking for the models"),
    ):
        host = make_host(HostOptions(settings=target.settings))
        chosen = target.connections.get(name)
        pages = _all_pages(host, name, search, chosen)
        options, note = asyncio.run(pages)
    if as_json:
        print_json(options)
    else:
        rows = [_cells(option) for option in options]
        print_table(("Model", "Meaning or price"), rows, piped=map(_line, rows))
    if note:
        say(f"note: {note}")


def connector_with_models(host: Host) -> "ConnectorDocument":
    """Return the first connector with a list of models. Raises `UsageError` if none has one."""
    for entry in host.actions():
        description = host.describe(entry["connector"], entry["action"])
        if SOURCE in description["action"]["options"].values():
            return description["connector"]
    message = "No connector has a list of models."
    raise UsageError(message)


async def _all_pages(
    host: Host, connector: str, search: str, connection: Connection | None
) -> tuple[Sequence["OptionDocument"], str]:
    """Return every option, and the note of the last page."""
    options: list[OptionDocument] = []
    cursor: str | None = None
    async with host:
        while True:
            page = await host.options(
                connector, SOURCE, search=search, cursor=cursor, connection=connection
            )
            options += page["options"]
            cursor = page["next_cursor"]
            if not cursor:
                return options, page["note"]


def _cells(option: "OptionDocument") -> Sequence[str]:
    return one_line(option["value"]), one_line(option["description"])


def _line(row: Sequence[str]) -> str:
    return "  ".join(row).rstrip()
