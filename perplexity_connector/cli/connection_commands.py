"""The commands for stored connections and for models, and their arguments.

Imports are inside the commands, so that `actions` and `describe` start fast (docs/performance.md).
"""

from typing import Annotated

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.options import (
    AsJson,
    ConnectionName,
    Plain,
    UseSandbox,
    check_sandbox,
    silence_logs,
)
from perplexity_connector.cli.terminal import use_plain


@reporting_errors()
def connect(  # noqa: PLR0913 - each option of the command is a parameter
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The name of the connection; asked for if left out.",
        ),
    ] = None,
    *,
    connector: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The connector, if there are several."),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Test it before it is saved.")
    ] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the key of a stored connection.")
    ] = False,
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox", help="Exercise it with a test key on a private sandbox."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Store a connection. Its key is asked for without being shown, or read from stdin.

    The key is kept encrypted. Nothing is saved if the test fails; on a terminal, a refused key is asked
    for again. Exit codes are those of `test`.
    """
    from perplexity_connector.cli import connecting

    silence_logs()
    args = connecting.ConnectArgs(
        name=name,
        connector=connector,
        test=test,
        replace=replace,
        sandbox=sandbox,
        as_json=as_json,
    )
    raise typer.Exit(connecting.connect(hosts.make_host, args))


@reporting_errors()
def list_connections(*, as_json: AsJson = False, plain: Plain = False) -> None:
    """List the stored connections. Keys are never shown."""
    from perplexity_connector.cli import connections

    use_plain(plain)
    connections.list_connections(hosts.make_host({}), as_json=as_json)


@reporting_errors()
def check_connections(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A stored connection; all if left out."),
    ] = None,
    *,
    sandbox: UseSandbox = False,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Test one connection, or all of them. It costs nothing.

    All: the stored ones, and the environment's.

    Exit codes: 0 ok; 3 invalid_credentials, permission_denied or quota_exhausted; 4 rate_limited
    or unreachable; 5 unknown.
    """
    from perplexity_connector.cli import connections

    check_sandbox(sandbox, name, "NAME")
    silence_logs()
    use_plain(plain)
    if sandbox:
        code = connections.check_sandboxes(hosts.make_host, as_json=as_json)
        raise typer.Exit(code)
    host = hosts.make_host({})
    raise typer.Exit(connections.check_connections(host, name, as_json=as_json))


@reporting_errors()
def disconnect(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A stored connection.")],
) -> None:
    """Remove a stored connection."""
    from perplexity_connector.cli import connections

    connections.disconnect(hosts.make_host({}), name)


@reporting_errors()
def list_models(
    search: Annotated[
        str,
        typer.Argument(metavar="[WORDS]", help="Only models that match these words."),
    ] = "",
    *,
    connection: ConnectionName = None,
    sandbox: UseSandbox = False,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """List the models to choose from, with their meaning or price."""
    from perplexity_connector.cli import language_models

    check_sandbox(sandbox, connection)
    silence_logs()
    use_plain(plain)
    language_models.show_models(
        hosts.make_host, connection, search, sandbox=sandbox, as_json=as_json
    )
