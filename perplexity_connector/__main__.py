"""The console script, also run as `python -m perplexity_connector`."""

import gc
import sys

_EXTRA = ("rich", "stamina", "starlette", "typer", "uvicorn")
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; without the `[host]` extra, say what to install and exit with 1."""
    try:
        _run()
    except KeyboardInterrupt:
        # Ctrl-C during the imports, which take most of the time of a start.
        sys.exit(_INTERRUPTED)


def _run() -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - Ctrl-C during this import leaves no traceback either

    if any(find_spec(name) is None for name in _EXTRA):
        sys.stderr.write(
            "error: the command line needs: pip install 'perplexity-connector[host]'\n"
        )
        sys.exit(1)
    # All that an import makes stays. To look through it for garbage takes a twentieth of a start.
    gc.disable()
    from perplexity_connector.cli.app import main as run_command_line  # noqa: PLC0415 - it imports the extra

    # Neither a later search for garbage nor the one at the end looks through it either.
    gc.freeze()
    gc.enable()
    run_command_line()


if __name__ == "__main__":
    main()
