"""The command `sandbox`: serves a local copy of the provider's API."""

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import print_lines


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
    from perplexity_connector.sandbox import keys, prompts  # noqa: PLC0415 - likewise

    print_lines(
        [
            f"A sandbox is serving at {url}; Ctrl-C stops it. To use it, in another terminal:",
            "",
            f"export PERPLEXITY_BASE_URL={url} PERPLEXITY_API_KEY={keys.GOOD_KEY}",
            "",
            "Runs that reach it so count in `usage` and the daily budget like real ones; those with --sandbox do not.",
            "",
            "Test keys:",
            *_table(keys.MEANINGS),
            "",
            "Test prompts, words in the last user message or in a query:",
            *_table(
                {f"sandbox:{name}": text for name, text in prompts.MEANINGS.items()}
            ),
        ]
    )


def _table(meanings: dict[str, str]) -> list[str]:
    width = max(map(len, meanings))
    return [
        f"  {name:<{width}}  {meaning.replace('`', '')}"
        for name, meaning in meanings.items()
    ]
