"""The command `connect`: asks for a credential, tests it and stores it; with a sandbox, as an exercise."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import typer

from perplexity_connector.cli.connections import (
    NAME,
    code_of_status,
    find_connection,
    known_name,
    status_line,
)
from perplexity_connector.cli.connectors import guide_lines, lines_of_test_values
from perplexity_connector.cli.exits import ExitCode, UsageError
from perplexity_connector.cli.fields import apply_assignments
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.progress import waiting
from perplexity_connector.cli.targets import (
    HostMaker,
    check_test_values,
    sandbox_options,
)
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


# Another credential may be better. All else would end in the same way.
_REFUSED = frozenset(
    {ConnectionOutcome.INVALID_CREDENTIALS, ConnectionOutcome.PERMISSION_DENIED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectArgs:
    """The arguments of `connect`, as typed. A missing name is asked for."""

    name: str | None
    connector: str | None
    test: bool
    replace: bool
    sandbox: bool
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A credential that was asked for, and how its test ended; None without a test."""

    credentials: Mapping[str, str] = field(repr=False)
    status: "ConnectionStatusDocument | None"

    @property
    def is_good(self) -> bool:
        """Whether it may be stored."""
        return self.status is None or self.status["outcome"] == ConnectionOutcome.OK


def connect(make_host: HostMaker, args: ConnectArgs) -> ExitCode:
    """Ask for a credential, test it, and store it if it is good. Return the exit code of the test.

    With a sandbox, it is tested there and stored in a folder that is removed. Raises `UsageError`
    if it cannot be asked for, `ConnectorError` if it cannot be stored.
    """
    host = make_host({})
    connector = _choose_connector(host, args)
    if not args.sandbox:
        return _connect(host, connector, args)
    if args.replace:
        message = "--sandbox has no stored connections. Remove --replace."
        raise UsageError(message)
    with sandbox_options([connector]) as options:
        return _connect(make_host(options), connector, args)


def _connect(host: Host, connector: "ConnectorDocument", args: ConnectArgs) -> ExitCode:
    if sys.stdin.isatty() and not args.replace:
        _show_guide(connector, sandbox=args.sandbox)
    name = _choose_name(host, args)
    asked = _ask_until_good(host, connector, name, args)
    status = asked.status
    stored = _store(host, connector["id"], asked, args) if asked.is_good else None
    if args.as_json:
        print_json({"connection": stored, "status": status})
    else:
        _show_result(status, stored, args)
    return ExitCode.SUCCEEDED if status is None else code_of_status(status)


def _show_guide(connector: "ConnectorDocument", *, sandbox: bool) -> None:
    lines = lines_of_test_values if sandbox else guide_lines
    for line in lines(connector):
        say(line)


def _ask_until_good(
    host: Host, connector: "ConnectorDocument", name: str, args: ConnectArgs
) -> _Asked:
    """Ask for a credential, and on a terminal again until it is not refused."""
    form = _credential_form(host, connector["id"])
    while True:
        # Crash reporters print variables, but not those named `credentials` or `secret`.
        credentials = {NAME: name, **_ask_secrets(form)}
        if args.sandbox:
            check_test_values(connector, credentials)
        if not args.test:
            return _Asked(credentials=credentials, status=None)
        status = _test(host, connector["id"], credentials)
        is_refused = status["outcome"] in _REFUSED
        if not is_refused or not sys.stdin.isatty():
            return _Asked(credentials=credentials, status=status)
        say(status_line(status))
        say("Nothing was saved. Try another one; Ctrl-C ends.")


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
        fields = ", ".join(names) or "nothing"
        message = f"Run this in a terminal: it must ask for {fields}."
        raise UsageError(message)
    secret = [f"{name}={text}" for name, text in zip(names, credentials, strict=True)]
    return cast("Mapping[str, str]", apply_assignments({}, secret, form))


def _ask(part: JsonObject) -> str:
    is_password = part.get("format") == "password"
    is_secret = is_password or part.get("writeOnly") is True
    title = line_of(part, "title")
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
    host: Host, connector: str, asked: _Asked, args: ConnectArgs
) -> "ConnectionDocument":
    if not args.replace:
        return host.connections.add(connector, asked.credentials)
    secret = dict(asked.credentials)
    name = secret.pop(NAME)
    return host.connections.replace_key(name, secret)


def _show_result(
    status: "ConnectionStatusDocument | None",
    stored: "ConnectionDocument | None",
    args: ConnectArgs,
) -> None:
    if status is not None:
        say(status_line(status))
    if stored is None:
        say("Nothing was saved. To save it anyway, add --no-test.")
        return
    name, fingerprint = stored[NAME], stored["fingerprint"]
    say(f"Saved as {name} (fingerprint {fingerprint}).")
    if args.sandbox:
        say("That was an exercise: the sandbox ends now, and so does this connection.")
