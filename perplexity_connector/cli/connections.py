"""The stored connections: list them, test them, forget one."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import typer

from perplexity_connector.cli.exits import ExitCode, UsageError
from perplexity_connector.cli.progress import say, waiting
from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectionStatus,
    ConnectorError,
    JsonObject,
)
from perplexity_connector.contract.json import as_number, as_object, as_text
from perplexity_connector.host import Host
from perplexity_connector.host.credentials.connections import comparable_name
from perplexity_connector.rendering.text import json_text, one_line

NAME = "connection_name"
EXIT_CODES: Mapping[str, ExitCode] = {
    ConnectionOutcome.OK: ExitCode.SUCCEEDED,
    ConnectionOutcome.INVALID_CREDENTIALS: ExitCode.NOT_ALLOWED,
    ConnectionOutcome.PERMISSION_DENIED: ExitCode.NOT_ALLOWED,
    ConnectionOutcome.QUOTA_EXHAUSTED: ExitCode.NOT_ALLOWED,
    ConnectionOutcome.RATE_LIMITED: ExitCode.TRY_LATER,
    ConnectionOutcome.UNREACHABLE: ExitCode.TRY_LATER,
    ConnectionOutcome.UNKNOWN: ExitCode.REFUSED,
}


class _Target(NamedTuple):
    label: str
    name: str | None = None
    connector: str | None = None


def list_connections(host: Host, *, as_json: bool) -> None:
    """Print every stored connection: its name, connector, fingerprint, and when it was last changed."""
    found = host.connections.list()
    if as_json:
        typer.echo(json_text(found, indent=2))
        return
    for connection in found:
        parts = (
            as_text(connection[part])
            for part in (NAME, "connector", "fingerprint", "updated_at")
        )
        typer.echo("  ".join(map(one_line, parts)))
    if not found:
        say("There is no connection yet. Make one with: perplexity-connector connect")


def try_connections(host: Host, name: str | None, *, as_json: bool) -> ExitCode:
    """Test one connection, or all that are there, a line each; the exit code is the first one's that is not good.

    Raises `UsageError` for a name that is not there.
    """
    targets = _all_targets(host) if name is None else [_stored(known_name(host, name))]
    with waiting("Testing"):
        statuses = asyncio.run(_tested(host, targets))
    labelled = [
        (target.label, status) for target, status in zip(targets, statuses, strict=True)
    ]
    if as_json:
        typer.echo(
            json_text([{NAME: label, **status} for label, status in labelled], indent=2)
        )
    else:
        for label, status in labelled:
            typer.echo(f"{one_line(label)}: {status_line(status)}")
    codes = [EXIT_CODES[as_text(status["outcome"])] for status in statuses]
    return next(filter(None, codes), ExitCode.SUCCEEDED)


def disconnect(host: Host, name: str) -> None:
    """Forget a stored connection. Raises `UsageError` for a name that is not there."""
    known = known_name(host, name)
    host.connections.remove(known)
    say(
        f"Forgot {known}. The key itself still works: revoke it at the provider if nothing else uses it."
    )


def known_name(host: Host, name: str) -> str:
    """The stored connection of that name, as it is written. Raises `UsageError`, naming what there is."""
    found = find_name(host, name)
    if found is not None:
        return found
    # What was typed is not repeated: it may be a key in the wrong place.
    message = f"There is no connection of that name. There is: {', '.join(_names(host)) or 'none'}."
    raise UsageError(message)


def find_name(host: Host, name: str) -> str | None:
    """The stored connection of that name, as it is written, or None; the store says which names count as one."""
    wanted = comparable_name(name)
    return next(
        (known for known in _names(host) if comparable_name(known) == wanted), None
    )


def _names(host: Host) -> Sequence[str]:
    return [as_text(connection[NAME]) for connection in host.connections.list()]


def status_line(status: JsonObject) -> str:
    """The outcome of a test on one line: in a word, in a sentence, and what to do next."""
    wait = as_number(status.get("retry_after"))
    words = [as_text(status.get("message")), as_text(status.get("next_step"))]
    hint = [] if wait is None else [f"Try again in {wait:.0f} s."]
    return one_line(f"{as_text(status.get('outcome'))}: {' '.join([*words, *hint])}")


def _all_targets(host: Host) -> Sequence[_Target]:
    targets = [_stored(name) for name in _names(host)]
    return [*targets, *_from_environment(host, needed=not targets)]


def _stored(name: str) -> _Target:
    return _Target(label=name, name=name)


def _from_environment(host: Host, *, needed: bool) -> Iterator[_Target]:
    for connector, description in descriptions(host).items():
        variables = as_object(
            as_object(as_object(description["connector"])["connection"])["env"]
        ).values()
        if needed or any(os.environ.get(as_text(variable)) for variable in variables):
            yield _Target(label=f"environment ({connector})", connector=connector)


def descriptions(host: Host) -> Mapping[str, JsonObject]:
    """For each connector, the description of one of its actions: it tells all about the connector itself."""
    pairs = {
        as_text(entry["connector"]): as_text(entry["action"])
        for entry in host.actions()
    }
    return {
        connector: host.describe(connector, action)
        for connector, action in pairs.items()
    }


async def _tested(host: Host, targets: Sequence[_Target]) -> Sequence[JsonObject]:
    async with host:
        found = await asyncio.gather(*[_status(host, target) for target in targets])
    errors = [status for status in found if isinstance(status, ConnectorError)]
    # One that cannot be tested, such as one of a connector that is gone, keeps no other from being told of.
    if errors and len(errors) == len(found):
        raise errors[0]
    return [
        _untested(status) if isinstance(status, ConnectorError) else status
        for status in found
    ]


async def _status(host: Host, target: _Target) -> JsonObject | ConnectorError:
    try:
        return await host.connections.test(target.name, target.connector)
    except ConnectorError as error:
        return error


def _untested(error: ConnectorError) -> JsonObject:
    return ConnectionStatus(
        outcome=ConnectionOutcome.UNKNOWN, message=error.user_message
    ).to_dict()
