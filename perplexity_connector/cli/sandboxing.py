"""The command `sandbox`: serves a local copy of the provider's API."""

import typer

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import print_lines

_KEYS = (
    ("GOOD_KEY", "an answer"),
    ("WRONG_KEY", "refused: not a valid key"),
    ("NO_CREDIT_KEY", "refused: no credit left"),
    ("ORGANISATION_KEY", "refused: valid, but not permitted"),
    ("RATE_LIMITED_KEY", "refused twice, then an answer"),
    ("ONE_PER_SECOND_KEY", "one answer a second"),
    ("ALWAYS_LIMITED_KEY", "always refused: too many requests"),
)


def serve_sandbox(port: int) -> None:
    """Serve a sandbox and print how to use it; return after Ctrl-C.

    Raises `UsageError` if the port is taken.
    """
    from perplexity_connector.sandbox import serve  # noqa: PLC0415 - slow to import: a web server

    try:
        serve(port, _print_instructions)
    except OSError as problem:
        message = f"Port {port} cannot be used: {problem.strerror}. Choose another port, or 0 for any free one."
        raise UsageError(message) from None


def _print_instructions(url: str) -> None:
    from perplexity_connector.sandbox import keys  # noqa: PLC0415 - likewise

    print_lines(
        [
            f"A sandbox is serving at {url}; Ctrl-C stops it. To use it, in another terminal:",
            "",
            f"export PERPLEXITY_BASE_URL={url} PERPLEXITY_API_KEY={keys.GOOD_KEY}",
            "",
            "Test keys:",
        ]
    )
    for name, meaning in _KEYS:
        typer.echo(f"  {getattr(keys, name):<26}  {meaning}")
