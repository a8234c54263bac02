"""The sandbox on the command line: as a private stand-in for one run, and as a server of its own."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import typer

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.progress import say
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_list, as_object, as_text

_SETTING = "base_url"
_KEYS = (
    ("GOOD_KEY", "an answer"),
    ("WRONG_KEY", "refused as no valid key"),
    ("NO_CREDIT_KEY", "refused for want of credit"),
    ("ORGANISATION_KEY", "refused, though it is a valid key"),
    ("RATE_LIMITED_KEY", "refused twice, then an answer"),
    ("ONE_PER_SECOND_KEY", "one answer a second"),
    ("ALWAYS_LIMITED_KEY", "refused as one request too many, for ever"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTarget:
    """What a run goes against: the host's settings and the connection; as it stands, the real service."""

    settings: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict[str, Mapping[str, str]]
    )
    connection: str | Mapping[str, str] | None = None


def can_stand_in(connector: JsonObject) -> bool:
    """Whether a connector can be pointed at a sandbox."""
    return _SETTING in [
        as_object(setting).get("name") for setting in as_list(connector.get("settings"))
    ]


@contextmanager
def private_sandbox(
    connector: JsonObject, delta_seconds: float = 0.0
) -> Iterator[RunTarget]:
    """A sandbox that lives as long as the block, and a test key for it. A real key is never sent to it.

    `delta_seconds` is the pause after each event of a stream. Raises `UsageError` for a connector that cannot be
    pointed at one.
    """
    from perplexity_connector.sandbox import GOOD_KEY, TEST_KEY_PREFIX, Sandbox  # noqa: PLC0415 - a web server: heavy

    if not can_stand_in(connector):
        message = (
            f"--sandbox works with connectors that have the setting {_SETTING} only."
        )
        raise UsageError(message)
    variables = as_object(as_object(connector.get("connection")).get("env"))
    key = os.environ.get(as_text(variables.get("api_key")), "")
    usable = key if key.startswith(TEST_KEY_PREFIX) else GOOD_KEY
    with Sandbox(delta_seconds=delta_seconds) as sandbox:
        say(f"Running against a private sandbox ({sandbox.url}), not the real service.")
        yield RunTarget(
            settings={as_text(connector.get("id")): {_SETTING: sandbox.url}},
            connection={"connection_name": "Sandbox", "api_key": usable},
        )


def serve_until_interrupted(port: int) -> None:
    """Serve a sandbox, saying how to use it; Ctrl-C ends it quietly. Raises `UsageError` when the port is taken."""
    from perplexity_connector.sandbox import serve  # noqa: PLC0415 - a web server: heavy

    try:
        serve(port, _tell_how_to_use_it)
    except OSError as problem:
        message = f"Port {port} cannot be used: {problem.strerror}. Choose another one, or 0 for any free one."
        raise UsageError(message) from None


def _tell_how_to_use_it(url: str) -> None:
    from perplexity_connector.sandbox import keys  # noqa: PLC0415 - only this command shows them

    typer.echo(
        f"A sandbox is serving at {url}; Ctrl-C stops it. To use it, in another terminal:\n"
    )
    typer.echo(f"export PERPLEXITY_BASE_URL={url} PERPLEXITY_API_KEY={keys.GOOD_KEY}\n")
    typer.echo("Test keys:")
    for name, meaning in _KEYS:
        typer.echo(f"  {getattr(keys, name):<26}  {meaning}")
