"""The models that can be picked, and where the list comes from."""

import asyncio
from collections.abc import Mapping, Sequence

import typer

from perplexity_connector.cli.connections import known_name
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.progress import say, waiting
from perplexity_connector.cli.running import HostMaker, target_of
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.host import Host
from perplexity_connector.rendering.text import json_text, one_line

_SOURCE = "models"


def show_models(
    make_host: HostMaker,
    connection: str | None,
    search: str,
    *,
    sandbox: bool,
    as_json: bool,
) -> None:
    """Print every model of the connector that has such a list, and on stderr why the list is not today's if it is not.

    Raises `UsageError` where no connector has one, or for a connection that is not there.
    """
    host = make_host({})
    connector = _with_models(host)
    name = None if connection is None else known_name(host, connection)
    with (
        target_of(connector, connection=name, sandbox=sandbox) as target,
        waiting("Asking for the models"),
    ):
        where = as_text(connector["id"])
        options, note = asyncio.run(
            _all_pages(make_host(target.settings), where, search, target.connection)
        )
    if as_json:
        typer.echo(json_text(list(options), indent=2))
    else:
        for option in options:
            typer.echo(
                "  ".join(
                    one_line(as_text(option[part])) for part in ("value", "description")
                ).rstrip()
            )
    if note:
        say(f"note: {note}")


def _with_models(host: Host) -> JsonObject:
    for entry in host.actions():
        description = host.describe(
            as_text(entry["connector"]), as_text(entry["action"])
        )
        if _SOURCE in as_object(as_object(description["action"])["options"]).values():
            return as_object(description["connector"])
    message = "No connector has a list of models."
    raise UsageError(message)


async def _all_pages(
    host: Host, connector: str, search: str, connection: str | Mapping[str, str] | None
) -> tuple[Sequence[JsonObject], str]:
    found: list[JsonObject] = []
    cursor: str | None = ""
    async with host:
        while cursor is not None:
            page = await host.options(
                connector,
                _SOURCE,
                search=search,
                cursor=cursor or None,
                connection=connection,
            )
            found += map(as_object, as_list(page["options"]))
            cursor = as_text(page["next_cursor"]) or None
    return found, as_text(page["note"])
