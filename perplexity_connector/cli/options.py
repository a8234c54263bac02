"""The options that several commands share, and their checks."""

from typing import Annotated

import typer

from perplexity_connector.cli.exits import UsageError

# The texts of an entry that `runs --search` looks into.
SEARCHED = "name, input, flow or summary"
ActionName = Annotated[
    str, typer.Argument(metavar="ACTION", help="An action, such as execute_search.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")
]
Plain = Annotated[
    bool,
    typer.Option(
        "--plain", help="Print plain text on a terminal too: no styles, no spinner."
    ),
]
ConnectionName = Annotated[
    str | None,
    typer.Option(
        "--connection",
        metavar="NAME",
        help="Use this stored connection. By default, the environment's key is used.",
    ),
]
UseSandbox = Annotated[
    bool, typer.Option("--sandbox", help="Use a private sandbox: no key, no cost.")
]
Stream = Annotated[
    bool, typer.Option("--stream", help="Show the answer, or the events, live.")
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="SPAN",
        help="Only the last minutes, hours, days or weeks: 90m, 12h, 30d, 4w.",
    ),
]
Port = Annotated[
    int,
    typer.Option(
        min=0, max=65535, metavar="PORT", help="The port; 0 takes any free one."
    ),
]


def check_timeout(timeout: float | None) -> None:
    """Raise `UsageError` for a timeout that is not a number of seconds."""
    if timeout is not None and not 0 < timeout < float("inf"):
        message = "--timeout must be more than 0 seconds."
        raise UsageError(message)


def check_sandbox(
    sandbox: bool, connection: str | None, argument: str = "--connection"
) -> None:
    """Raise `UsageError` for a sandbox with a stored connection, which `argument` names."""
    if sandbox and connection is not None:
        message = f"--sandbox has its own connection. Remove {argument}."
        raise UsageError(message)


def silence_logs() -> None:
    """Keep the libraries' logs off the terminal."""
    import logging

    # The envelope has all that a run reports. Without a handler, logging would print it again.
    logging.getLogger().addHandler(logging.NullHandler())
    silence_retries()


def silence_retries() -> None:
    """Keep the log of retries off the terminal."""
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([])
