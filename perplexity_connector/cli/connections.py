"""The commands `connections`, `test` and `disconnect`."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perplexity_connector.cli.exits import ExitCode, UsageError
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.progress import waiting
from perplexity_connector.cli.targets import HostMaker, sandbox_options, with_sandbox
from perplexity_connector.cli.terminal import print_table
from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectionStatus,
    ConnectorError,
)
from perplexity_connector.contract.near_matches import unknown_name
from perplexity_connector.host import Host
from perplexity_connector.host.credentials.connections import comparable_name
from perplexity_connector.rendering.durations import wait_in_words
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ConnectionDocument,
        ConnectionStatusDocument,
    )

# A key of the documents of connections. `Final` makes it a literal for the type checkers.
NAME: Final = "connection_name"
EXIT_BY_OUTCOME: Mapping[str, ExitCode] = {
    ConnectionOutcome.OK: ExitCode.SUCCEEDED,
    ConnectionOutcome.INVALID_CREDENTIALS: ExitCode.NOT_ALLOWED,
    ConnectionOutcome.PERMISSION_DENIED: ExitCode.NOT_ALLOWED,
    ConnectionOutcome.QUOTA_EXHAUSTED: ExitCode.NOT_ALLOWED,
    ConnectionOutcome.RATE_LIMITED: ExitCode.TRY_LATER,
    ConnectionOutcome.UNREACHABLE: ExitCode.TRY_LATER,
    ConnectionOutcome.UNKNOWN: ExitCode.REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _ConnectionToTest:
    """A stored connection, or the environment's connection of a connector.

    * `label`: how it is shown.
    * `name`: the name of a stored connection; None for the environment's.
    * `connector`: the connector's id; None for a stored connection, which knows its own.
    """

    label: str
    name: str | None = None
    connector: str | None = None


def list_connections(host: Host, *, as_json: bool) -> None:
    """Print each stored connection: name, connector, fingerprint, and when it last changed."""
    connections = host.connections.list()
    if as_json:
        print_json(connections)
        return
    rows = [list(map(one_line, _facts(connection))) for connection in connections]
    headers = ("Name", "Connector", "Fingerprint", "Changed")
    print_table(headers, rows, piped=map("  ".join, rows))
    if not connections:
        say("No connection is stored yet. Add one: perplexity-connector connect")


def check_connections(host: Host, name: str | None, *, as_json: bool) -> ExitCode:
    """Test one connection, or all, and print one line for each.

    Return the exit code of the first one that is not good. Raises `UsageError` for an unknown name.
    """
    return _check(host, _choose_connections(host, name), as_json=as_json)


def check_sandboxes(make_host: HostMaker, *, as_json: bool) -> ExitCode:
    """Test each connector's test credential, or the environment's, on a private sandbox.

    Print and return as `check_connections` does. Raises as `sandbox_options` and `with_sandbox` do.
    """
    connectors = with_sandbox(make_host({}).connectors())
    targets = [
        _ConnectionToTest(
            label=f"sandbox ({connector['id']})", connector=connector["id"]
        )
        for connector in connectors
    ]
    with sandbox_options(connectors) as options:
        return _check(make_host(options), targets, as_json=as_json)


def _check(
    host: Host, targets: Sequence[_ConnectionToTest], *, as_json: bool
) -> ExitCode:
    with waiting("Testing"):
        statuses = asyncio.run(_test_all(host, targets))
    labels = [target.label for target in targets]
    rows = list(zip(labels, statuses, strict=True))
    if as_json:
        print_json([{NAME: label, **status} for label, status in rows])
    else:
        _show_statuses(rows)
    codes = map(code_of_status, statuses)
    return next(filter(None, codes), ExitCode.SUCCEEDED)


def _facts(connection: "ConnectionDocument") -> tuple[str, ...]:
    return (
        connection[NAME],
        connection["connector"],
        connection["fingerprint"],
        connection["updated_at"],
    )


def _show_statuses(rows: "Sequence[tuple[str, ConnectionStatusDocument]]") -> None:
    headers = ("Connection", "Outcome", "Meaning")
    cells = [
        (one_line(label), status["outcome"], _advice(status)) for label, status in rows
    ]
    print_table(headers, cells, piped=map(": ".join, cells))


def disconnect(host: Host, name: str) -> None:
    """Remove a stored connection. Raises `UsageError` for an unknown name."""
    known = known_name(host, name)
    host.connections.remove(known)
    say(
        f"Removed {known}. The key itself still works: revoke it at the provider if nothing else uses it."
    )


def known_name(host: Host, name: str) -> str:
    """Return the name of a stored connection as it was stored.

    Raises `UsageError`, naming the stored ones, for an unknown name.
    """
    return _known_connection(host, name)[NAME]


def connection_by_connector(host: Host, name: str | None) -> Mapping[str, str]:
    """Return {connector: name} of a stored connection; empty without a name.

    Raises as `known_name` does.
    """
    if name is None:
        return {}
    found = _known_connection(host, name)
    return {found["connector"]: found[NAME]}


def find_connection(host: Host, name: str) -> "ConnectionDocument | None":
    """Return the stored connection of that name, or None. Names are compared as the store does."""
    wanted = comparable_name(name)
    for connection in host.connections.list():
        if comparable_name(connection[NAME]) == wanted:
            return connection
    return None


def status_line(status: "ConnectionStatusDocument") -> str:
    """Return the result of a test on one line: the outcome, the message and the next step."""
    return f"{status['outcome']}: {_advice(status)}"


def code_of_status(status: "ConnectionStatusDocument") -> ExitCode:
    """Return the exit code of a connection test."""
    return EXIT_BY_OUTCOME[status["outcome"]]


def _advice(status: "ConnectionStatusDocument") -> str:
    parts = [status["message"], status["next_step"]]
    if seconds := status["retry_after"]:
        parts.append(f"Try again in {wait_in_words(seconds)}.")
    return one_line(" ".join(parts))


def _known_connection(host: Host, name: str) -> "ConnectionDocument":
    found = find_connection(host, name)
    if found is not None:
        return found
    raise UsageError(unknown_name("connection", name, _names(host)))


def _names(host: Host) -> Sequence[str]:
    return [connection[NAME] for connection in host.connections.list()]


def _choose_connections(host: Host, name: str | None) -> Sequence[_ConnectionToTest]:
    if name is not None:
        return [_stored(known_name(host, name))]
    stored = [_stored(name) for name in _names(host)]
    return [*stored, *_from_environment(host, needed=not stored)]


def _stored(name: str) -> _ConnectionToTest:
    return _ConnectionToTest(label=name, name=name)


def _from_environment(host: Host, *, needed: bool) -> Iterator[_ConnectionToTest]:
    for connector in host.connectors():
        name = connector["id"]
        variables = connector["connection"]["env"].values()
        if needed or any(map(os.environ.get, variables)):
            yield _ConnectionToTest(label=f"environment ({name})", connector=name)


async def _test_all(
    host: Host, targets: Sequence[_ConnectionToTest]
) -> "Sequence[ConnectionStatusDocument]":
    """Return the status of each connection. Raises `ConnectorError` if none can be tested."""
    async with host:
        tests = [_test(host, target) for target in targets]
        results = await asyncio.gather(*tests)
    errors = [result for result in results if isinstance(result, ConnectorError)]
    if errors and len(errors) == len(results):
        raise errors[0]
    # One that cannot be tested, because its connector is missing, must not hide the others.
    return [
        _status_of_error(result) if isinstance(result, ConnectorError) else result
        for result in results
    ]


async def _test(
    host: Host, target: _ConnectionToTest
) -> "ConnectionStatusDocument | ConnectorError":
    try:
        return await host.connections.test(target.name, target.connector)
    except ConnectorError as error:
        return error


def _status_of_error(error: ConnectorError) -> "ConnectionStatusDocument":
    return ConnectionStatus(
        outcome=ConnectionOutcome.UNKNOWN, message=error.user_message
    ).to_dict()
