"""Decides where runs go: to the real service, or to private sandboxes."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TypeAlias

from perplexity_connector.cli.connectors import credential_variables, has_setting
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import say
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_text
from perplexity_connector.host import Host

Settings: TypeAlias = Mapping[str, Mapping[str, str]]
Connection: TypeAlias = str | Mapping[str, str]
HostMaker: TypeAlias = Callable[[Settings], Host]

_SETTING = "base_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTarget:
    """Where runs go.

    * `connections`: by connector id, the name of a stored connection or a credential's fields.
      A connector without one uses the environment's.
    * `settings`: the host's settings, by connector id; empty for the real service.
    """

    connections: Mapping[str, Connection]
    settings: Settings = field(default_factory=dict[str, Mapping[str, str]])


def choose_target(
    connectors: Iterable[JsonObject],
    connections: Mapping[str, str | None],
    *,
    sandbox: bool,
) -> AbstractContextManager[RunTarget]:
    """Return the real service with these connections, or a private sandbox for each connector.

    Raises as `private_sandboxes` does.
    """
    if sandbox:
        return private_sandboxes(connectors)
    named = {connector: name for connector, name in connections.items() if name}
    return nullcontext(RunTarget(connections=named))


def can_use_sandbox(connector: JsonObject) -> bool:
    """Return whether a connector can be sent to a sandbox."""
    return has_setting(connector, _SETTING)


@contextmanager
def private_sandboxes(
    connectors: Iterable[JsonObject], delta_seconds: float = 0.0
) -> Iterator[RunTarget]:
    """Run a sandbox for each connector until the block ends. Only test keys are sent to it.

    `delta_seconds` is the pause after each event of a stream. Raises `UsageError` for a connector
    that cannot use a sandbox.
    """
    settings = {}
    connections = {}
    with ExitStack() as stack:
        for connector in connectors:
            name = as_text(connector["id"])
            url = stack.enter_context(_private_sandbox(connector, delta_seconds))
            settings[name] = {_SETTING: url}
            connections[name] = {
                "connection_name": "Sandbox",
                "api_key": _test_key(connector),
            }
        yield RunTarget(connections=connections, settings=settings)


@contextmanager
def _private_sandbox(connector: JsonObject, delta_seconds: float) -> Iterator[str]:
    from perplexity_connector.sandbox import Sandbox  # noqa: PLC0415 - slow to import: a web server

    if not can_use_sandbox(connector):
        message = f"--sandbox needs a connector with the setting {_SETTING}."
        raise UsageError(message)
    with Sandbox(delta_seconds=delta_seconds) as sandbox:
        say(f"Running against a private sandbox ({sandbox.url}), not the real service.")
        yield sandbox.url


def _test_key(connector: JsonObject) -> str:
    from perplexity_connector.sandbox import GOOD_KEY, TEST_KEY_PREFIX  # noqa: PLC0415 - likewise

    variable = credential_variables(connector).get("api_key", "")
    key = os.environ.get(variable, "")
    return key if key.startswith(TEST_KEY_PREFIX) else GOOD_KEY
