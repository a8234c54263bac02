"""Making a connection: ask for the credential without showing it, test it, keep it."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import typer

from perplexity_connector.cli.connections import (
    EXIT_CODES,
    NAME,
    descriptions,
    find_name,
    known_name,
    status_line,
)
from perplexity_connector.cli.exits import ExitCode, UsageError
from perplexity_connector.cli.fields import with_fields
from perplexity_connector.cli.palette import guide_lines
from perplexity_connector.cli.progress import say, waiting
from perplexity_connector.contract import ConnectionOutcome, JsonObject
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.host import Host
from perplexity_connector.rendering.text import json_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectArgs:
    """The connection that is to be made, as it was typed; a name that is None is asked for."""

    name: str | None
    connector: str | None
    test: bool
    replace: bool
    as_json: bool


def connect(host: Host, wish: ConnectArgs) -> ExitCode:
    """Make a connection, and keep it if the test finds it good; the exit code tells what the test found.

    Raises `UsageError` for what cannot be asked for, `ConnectorError` for what cannot be kept.
    """
    connector = _connector(host, wish)
    description = descriptions(host)[connector]
    _tell_guide(description, wish)
    name = _name(host, wish)
    fields = {
        NAME: name,
        **_secrets(as_object(as_object(description["schemas"])["connection"])),
    }
    status = _tested(host, connector, fields) if wish.test else None
    good = status is None or status["outcome"] == ConnectionOutcome.OK
    kept = _kept(host, connector, fields, wish) if good else None
    if wish.as_json:
        typer.echo(json_text({"connection": kept, "status": status}, indent=2))
    else:
        for line in _outcome(status, kept):
            say(line)
    return (
        ExitCode.SUCCEEDED if status is None else EXIT_CODES[as_text(status["outcome"])]
    )


def _connector(host: Host, wish: ConnectArgs) -> str:
    there_is = list(
        dict.fromkeys(as_text(entry["connector"]) for entry in host.actions())
    )
    if wish.connector is None and len(there_is) == 1:
        return there_is[0]
    if wish.connector in there_is:
        return wish.connector
    message = f"Choose a connector with --connector. There is: {', '.join(there_is) or 'none'}."
    raise UsageError(message)


def _name(host: Host, wish: ConnectArgs) -> str:
    if wish.name is None and not sys.stdin.isatty():
        message = "Give the connection a name: perplexity-connector connect NAME."
        raise UsageError(message)
    name = (
        str(typer.prompt("Connection Name", err=True))
        if wish.name is None
        else wish.name
    )
    if wish.replace:
        return known_name(host, name)
    # Said before the key is asked for.
    if find_name(host, name) is not None:
        message = "There is a connection of that name already. Choose another name, or add --replace to change its key."
        raise UsageError(message)
    return name


def _tell_guide(description: JsonObject, wish: ConnectArgs) -> None:
    if sys.stdin.isatty() and not wish.replace:
        for line in guide_lines(as_object(description["connector"])):
            say(line)


def _secrets(form: JsonObject) -> Mapping[str, str]:
    fields = {
        name: as_object(field)
        for name, field in as_object(form.get("properties")).items()
        if name != NAME
    }
    wanted = [name for name in fields if name in as_list(form.get("required"))]
    if sys.stdin.isatty():
        return _given(form, {name: _asked(fields[name]) for name in wanted})
    if len(wanted) != 1:
        message = f"Run this in a terminal: it has to ask for {', '.join(wanted) or 'nothing'}."
        raise UsageError(message)
    # Through stdin, since arguments and the environment of a process can be read by others.
    return _given(
        form,
        {wanted[0]: sys.stdin.buffer.read().decode("utf-8-sig", "replace").strip()},
    )


def _given(form: JsonObject, texts: Mapping[str, str]) -> Mapping[str, str]:
    return cast(
        "Mapping[str, str]",
        with_fields({}, [f"{name}={text}" for name, text in texts.items()], form),
    )


def _asked(field: JsonObject) -> str:
    hidden = field.get("format") == "password" or field.get("writeOnly") is True
    return str(typer.prompt(as_text(field.get("title")), hide_input=hidden, err=True))


def _tested(host: Host, connector: str, fields: Mapping[str, str]) -> JsonObject:
    async def test() -> JsonObject:
        async with host:
            return await host.connections.test(fields, connector)

    with waiting("Testing the connection"):
        return asyncio.run(test())


def _kept(
    host: Host, connector: str, fields: Mapping[str, str], wish: ConnectArgs
) -> JsonObject:
    if not wish.replace:
        return host.connections.add(connector, fields)
    return host.connections.replace_key(
        fields[NAME], {name: value for name, value in fields.items() if name != NAME}
    )


def _outcome(status: JsonObject | None, kept: JsonObject | None) -> Iterator[str]:
    if status is not None:
        yield status_line(status)
    if kept is None:
        yield "Nothing was saved. To save it all the same, add --no-test."
    else:
        yield f"Saved as {as_text(kept[NAME])} (fingerprint {as_text(kept['fingerprint'])})."
