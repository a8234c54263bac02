"""Decides where runs go: to the real service, or to private sandboxes."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import say
from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import ConnectionStore, Host, HostOptions

if TYPE_CHECKING:
    from perplexity_connector.contract import ConnectorDocument, SandboxDocument

Settings: TypeAlias = Mapping[str, Mapping[str, str]]
Connection: TypeAlias = str | Mapping[str, str]
HostMaker: TypeAlias = Callable[[HostOptions], Host]

_ADDRESS = "{address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTarget:
    """Where runs go.

    * `connections`: by connector id, the name of a stored connection or a credential's fields.
      A connector without one uses the environment's.
    * `settings`: the host's settings, by connector id; empty for the real service.
    * `environ`: the variables of test credentials; empty for the real service.
    """

    connections: Mapping[str, Connection]
    settings: Settings = field(default_factory=dict[str, Mapping[str, str]])
    environ: Mapping[str, str] = field(default_factory=dict[str, str])


def choose_target(
    connectors: "Iterable[ConnectorDocument]",
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


def with_sandbox(
    connectors: "Iterable[ConnectorDocument]",
) -> "Sequence[ConnectorDocument]":
    """Return the connectors that have a sandbox, and name the others on stderr.

    Raises `UsageError` if no connector has one.
    """
    usable = []
    for connector in connectors:
        if connector["sandbox"]:
            usable.append(connector)
        else:
            say(f"{connector['id']} is left out: it has no sandbox.")
    if not usable:
        message = "No connector has a sandbox. Remove --sandbox."
        raise UsageError(message)
    return usable


@contextmanager
def private_sandboxes(
    connectors: "Iterable[ConnectorDocument]", pace: float = 0.0
) -> Iterator[RunTarget]:
    """Run the sandbox of each connector until the block ends. Only test values are sent to it.

    `pace` is the pause in seconds between the events of a stream. Raises `UsageError` for a
    connector without a sandbox, `ConnectorError` (`internal`) for one that cannot be started.
    """
    settings = {}
    connections = {}
    environ: dict[str, str] = {}
    with ExitStack() as stack:
        # A list, so that each has one before the first is started.
        for connector, sandbox in _sandboxes(connectors):
            name, variables = connector["id"], connector["connection"]["env"]
            settings[name] = _start(stack, name, sandbox, pace)
            connections[name] = fields = _test_fields(variables, sandbox)
            environ |= {
                variable: fields[part]
                for part, variable in variables.items()
                if part in fields
            }
        yield RunTarget(connections=connections, settings=settings, environ=environ)


@contextmanager
def sandbox_options(
    connectors: "Iterable[ConnectorDocument]", pace: float = 0.0
) -> Iterator[HostOptions]:
    """Run sandboxes and make host options with test keys and an empty store.

    A host with these options has no access to real keys, and only these connectors. Raises as
    `private_sandboxes` does.
    """
    with (
        TemporaryDirectory() as folder,
        private_sandboxes(connectors, pace) as target,
    ):
        yield HostOptions(
            settings=target.settings,
            environ=target.environ,
            store=ConnectionStore(Path(folder), {}),
            connectors=target.settings.keys(),
            sandbox=True,
        )


def check_test_values(
    connector: "ConnectorDocument", credentials: Mapping[str, str]
) -> None:
    """Raise `UsageError` for a credential that a sandbox must not get, since it may be real."""
    sandbox = connector["sandbox"]
    prefixes = sandbox["test_prefixes"] if sandbox else {}
    for name, prefix in prefixes.items():
        if not credentials.get(name, prefix).startswith(prefix):
            message = (
                f"A sandbox gets only test values: {name} must begin with {prefix}"
            )
            raise UsageError(message)


def _sandboxes(
    connectors: "Iterable[ConnectorDocument]",
) -> "list[tuple[ConnectorDocument, SandboxDocument]]":
    """Return each connector with its sandbox. Raises `UsageError` for one without."""
    found = []
    for connector in connectors:
        if not (sandbox := connector["sandbox"]):
            message = f"{connector['id']} has no sandbox, so it would reach the real service. Remove --sandbox."
            raise UsageError(message)
        found.append((connector, sandbox))
    return found


def _start(
    stack: ExitStack, connector: str, sandbox: "SandboxDocument", pace: float
) -> Mapping[str, str]:
    """Start a sandbox, which ends with the stack, and return the settings that lead to it."""
    try:
        start = EntryPoint(name=connector, value=sandbox["start"], group="").load()
        server = ExitStack()
        stack.callback(_stop, connector, server)
        address = server.enter_context(start(pace=pace))
        settings = {
            name: text.replace(_ADDRESS, address)
            for name, text in sandbox["settings"].items()
        }
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a connector's own code, which may raise anything
        message = (
            f"The sandbox of {connector} cannot be started ({type(error).__name__})."
        )
        raise ConnectorError(ErrorCode.INTERNAL, message) from None
    say(f"Running against a private sandbox ({address}), not the real service.")
    return settings


def _stop(connector: str, server: ExitStack) -> None:
    """Stop a sandbox. A failure is named and ignored, since the runs have ended."""
    try:
        server.close()  # without the error of a run, which a sandbox could hide
    except (Exception, SystemExit) as error:  # noqa: BLE001 - likewise
        say(f"The sandbox of {connector} did not stop ({type(error).__name__}).")


def _test_fields(
    variables: Mapping[str, str], sandbox: "SandboxDocument"
) -> Mapping[str, str]:
    """Return the sandbox's credential; a test value from the environment replaces a field of it.

    `variables` has the environment variable of each field.
    """
    fields = dict(sandbox["connection"])
    for name, prefix in sandbox["test_prefixes"].items():
        value = os.environ.get(variables.get(name, ""), "")
        if value.startswith(prefix):
            fields[name] = value
    return fields
