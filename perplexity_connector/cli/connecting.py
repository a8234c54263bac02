"""The command `connect`: asks for a credential, tests it and stores it."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import typer

from perplexity_connector.cli.connections import (
    NAME,
    code_of_status,
    find_connection,
    known_name,
    status_line,
)
from perplexity_connector.cli.connectors import guide_lines
from perplexity_connector.cli.exits import ExitCode, UsageError
from perplexity_connector.cli.fields import apply_assignments
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.progress import waiting
from perplexity_connector.contract import ConnectionOutcome, JsonObject
from perplexity_connector.contract.readers import as_list, as_object
from perplexity_connector.host import Host
from perplexity_connector.rendering.text import line_of

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ConnectionDocument,
        ConnectionStatusDocument,
        ConnectorDocument,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectArgs:
    """The arguments of `connect`, as typed. A missing name is asked for."""

    name: str | None
    connector: str | None
    test: bool
    replace: bool
    as_json: bool


def connect(host: Host, args: ConnectArgs) -> ExitCode:
    """Ask for a credential, test it, and store it if it is good. Return the exit code of the test.

    Raises `UsageError` if it cannot be asked for, `ConnectorError` if it cannot be stored.
    """
    connector = _choose_connector(host, args)
    connector_id = connector["id"]
    if sys.stdin.isatty() and not args.replace:
        for line in guide_lines(connector):
            say(line)
    name = _choose_name(host, args)
    # Crash reporters print variables, but not those named `credentials` or `secret`.
    credentials = {NAME: name, **_ask_secrets(_credential_form(host, connector_id))}
    status = _test(host, connector_id, credentials) if args.test else None
    is_good = status is None or status["outcome"] == ConnectionOutcome.OK
    stored = _store(host, connector_id, credentials, args) if is_good else None
    if args.as_json:
        print_json({"connection": stored, "status": status})
    else:
        _show_result(status, stored)
    return ExitCode.SUCCEEDED if status is None else code_of_status(status)


def _choose_connector(host: Host, args: ConnectArgs) -> "ConnectorDocument":
    connectors = host.connectors()
    if args.connector is None and len(connectors) == 1:
        return connectors[0]
    for connector in connectors:
        if connector["id"] == args.connector:
            return connector
    known = ", ".join(connector["id"] for connector in connectors) or "none"
    message = f"Choose a connector with --connector. Available: {known}."
    raise UsageError(message)


def _choose_name(host: Host, args: ConnectArgs) -> str:
    name = args.name
    if name is None:
        if not sys.stdin.isatty():
            message = "Name the connection: perplexity-connector connect NAME."
            raise UsageError(message)
        name = str(typer.prompt("Connection Name", err=True))
    if args.replace:
        return known_name(host, name)
    # The store would refuse it too, but only after the key has been typed.
    if find_connection(host, name) is not None:
        message = "A connection of this name exists. Choose another name, or use --replace to change its key."
        raise UsageError(message)
    return name


def _credential_form(host: Host, connector: str) -> JsonObject:
    """Return the JSON Schema of a connector's credential."""
    names = [
        entry["action"] for entry in host.actions() if entry["connector"] == connector
    ]
    return host.describe(connector, names[0])["schemas"]["connection"]


def _ask_secrets(form: JsonObject) -> Mapping[str, str]:
    """Ask for the required fields of a credential, or read the only one from stdin."""
    properties = as_object(form.get("properties"))
    required = as_list(form.get("required"))
    names = [name for name in properties if name != NAME and name in required]
    if sys.stdin.isatty():
        credentials = [_ask(as_object(properties[name])) for name in names]
    elif len(names) == 1:
        # Not from arguments or the environment: other users can read those.
        secret = sys.stdin.buffer.read().decode("utf-8-sig", "replace")
        credentials = [secret.strip()]
    else:
        message = (
            f"Run this in a terminal: it must ask for {', '.join(names) or 'nothing'}."
        )
        raise UsageError(message)
    secret = [f"{name}={text}" for name, text in zip(names, credentials, strict=True)]
    return cast("Mapping[str, str]", apply_assignments({}, secret, form))


def _ask(field: JsonObject) -> str:
    is_password = field.get("format") == "password"
    is_secret = is_password or field.get("writeOnly") is True
    title = line_of(field, "title")
    return str(typer.prompt(title, hide_input=is_secret, err=True))


def _test(
    host: Host, connector: str, credentials: Mapping[str, str]
) -> "ConnectionStatusDocument":
    async def test() -> "ConnectionStatusDocument":
        async with host:
            return await host.connections.test(credentials, connector)

    with waiting("Testing the connection"):
        return asyncio.run(test())


def _store(
    host: Host, connector: str, credentials: Mapping[str, str], args: ConnectArgs
) -> "ConnectionDocument":
    if not args.replace:
        return host.connections.add(connector, credentials)
    secret = dict(credentials)
    name = secret.pop(NAME)
    return host.connections.replace_key(name, secret)


def _show_result(
    status: "ConnectionStatusDocument | None", stored: "ConnectionDocument | None"
) -> None:
    if status is not None:
        say(status_line(status))
    if stored is None:
        say("Nothing was saved. To save it anyway, add --no-test.")
        return
    name, fingerprint = stored[NAME], stored["fingerprint"]
    say(f"Saved as {name} (fingerprint {fingerprint}).")
