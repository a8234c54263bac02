"""The command `prefect setup`, and the server of Prefect for both commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec

import typer

from perplexity_connector.cli.exits import ExitCode
from perplexity_connector.cli.output import print_json, say


def require_extra() -> None:
    """Raise `typer.Exit` without the `[prefect]` extra."""
    if find_spec("prefect") is None:
        say("error: This command needs: pip install 'perplexity-connector[prefect]'")
        raise typer.Exit(ExitCode.INTERNAL)


@contextmanager
def reporting_server() -> Iterator[None]:
    """Report a server of Prefect that cannot be reached, or that refuses, in one line."""
    # Its client raises the errors of its own HTTP library.
    from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415 - it is slow to import

    http_errors = tuple(
        kind
        for kind in PrefectHTTPStatusError.__mro__
        if kind.__name__ == "HTTPError" and issubclass(kind, Exception)
    )
    try:
        yield
    except PrefectHTTPStatusError as error:
        say(f"error: Prefect's server refused this: {error.response.status_code}.")
        raise typer.Exit(ExitCode.REFUSED) from None
    except http_errors:
        say("error: Prefect's server cannot be reached. PREFECT_API_URL names it.")
        raise typer.Exit(ExitCode.TRY_LATER) from None


def set_up_server(pool: str, *, as_json: bool) -> ExitCode:
    """Set the server up, and show the names of all that it has now. Return the exit code."""
    require_extra()
    from perplexity_connector.adapters.prefect.setup import set_up  # noqa: PLC0415 - it imports the extra

    with reporting_server():
        made = set_up(pool)
    if as_json:
        print_json(asdict(made))
        return ExitCode.SUCCEEDED
    say(f"Work pool: {made.pool}")
    say(f"Blocks: {', '.join(made.blocks)}")
    say(f"Deployments: {', '.join(made.deployments)}")
    say(f"Automation: {made.automation}")
    say(f"Start a worker: prefect worker start --pool {made.pool}")
    return ExitCode.SUCCEEDED
