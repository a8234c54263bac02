"""The command `models`: lists the language models to choose from."""

import asyncio
from collections.abc import Iterable, Sequence

import typer

from perplexity_connector.cli.connections import known_name
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.progress import waiting
from perplexity_connector.cli.targets import Connection, HostMaker, choose_target
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_object, as_objects, as_text
from perplexity_connector.host import Host
from perplexity_connector.rendering.text import line_of

_SOURCE = "models"


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
    connector = _connector_with_models(host)
    name = as_text(connector["id"])
    connections = {name: None if connection is None else known_name(host, connection)}
    with (
        choose_target([connector], connections, sandbox=sandbox) as target,
        waiting("Asking for the models"),
    ):
        host = make_host(target.settings)
        chosen = target.connections.get(name)
        pages = _all_pages(host, name, search, chosen)
        options, note = asyncio.run(pages)
    if as_json:
        print_json(options)
    else:
        _print_table(options)
    if note:
        say(f"note: {note}")


def _connector_with_models(host: Host) -> JsonObject:
    for entry in host.actions():
        names = as_text(entry["connector"]), as_text(entry["action"])
        description = host.describe(*names)
        action = as_object(description["action"])
        if _SOURCE in as_object(action["options"]).values():
            return as_object(description["connector"])
    message = "No connector has a list of models."
    raise UsageError(message)


async def _all_pages(
    host: Host, connector: str, search: str, connection: Connection | None
) -> tuple[Sequence[JsonObject], str]:
    """Return every option, and the note of the last page."""
    options: list[JsonObject] = []
    cursor: str | None = None
    async with host:
        while True:
            page = await host.options(
                connector, _SOURCE, search=search, cursor=cursor, connection=connection
            )
            options += as_objects(page["options"])
            cursor = as_text(page["next_cursor"]) or None
            if cursor is None:
                return options, as_text(page["note"])


def _print_table(options: Iterable[JsonObject]) -> None:
    for option in options:
        line = f"{line_of(option, 'value')}  {line_of(option, 'description')}"
        typer.echo(line.rstrip())
