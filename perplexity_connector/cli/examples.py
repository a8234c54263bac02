"""The examples in the help of each command. Each is a command line that can be copied."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import typer
from typer.models import CommandInfo

from perplexity_connector.cli.shortcuts import PROGRAM

# A line that begins with this control is not wrapped into the one before.
_KEEP_LINES = "\b"

# By command. `#` begins a comment, also for the shell.
EXAMPLES: Mapping[str, Sequence[str]] = {
    "": [
        "ask 'How far away is the Moon?' --sandbox",
        "run execute_search query='moon distance' --sandbox",
        "describe execute_search",
    ],
    "actions": ["actions", "actions --json"],
    "describe": ["describe execute_search"],
    "where": ["where", "where --json"],
    "completion": ["completion bash", "completion fish"],
    "run": [
        "run execute_search query=moon max_results=3",
        "run execute_search query=moon query=jupiter  # a list",
        "run create_chat_completion --example --stream",
        "run create_chat_completion --input @question.json",
        "run --resume last",
    ],
    "run-flow": [
        "run-flow briefing.json company=ACME",
        "run-flow briefing.json --only ask  # one step again",
        "run-flow briefing.json --from ask  # it and later ones",
        "run-flow --resume last             # after a crash",
    ],
    "run-table": [
        "run-table look.json rows.csv --out out.csv --plan",
        "run-table execute_search rows.csv query='{name} news' \\",
        "  --out news.csv --budget 5",
    ],
    "connect": ["connect Mine", "connect Mine --replace", "connect Try --sandbox"],
    "connections": ["connections"],
    "test": ["test", "test Mine", "test --sandbox"],
    "disconnect": ["disconnect Mine"],
    "models": ["models", "models sonar --connection Mine"],
    "usage": ["usage", "usage --by day --since 4w"],
    "sandbox": ["sandbox --port 8080"],
    "workbench": ["workbench", "workbench --sandbox --no-browser"],
    "mcp": ["mcp --connection Mine", "mcp --http 8000 --sandbox"],
    "runs": ["runs --since 7d", "runs --search moon --json"],
    "runs show": ["runs show last"],
    "runs resume": ["runs resume last"],
    "runs cancel": ["runs cancel last"],
    "runs forget": ["runs forget last"],
    "prefect": ["prefect setup --pool perplexity"],
    "prefect setup": ["prefect setup --pool perplexity"],
    "prefect run-table": [
        "prefect run-table execute_search a.csv query={name} \\",
        "  --out b.csv --job names",
    ],
}


def epilog_of(examples: Iterable[str]) -> str:
    """Return the end of a command's help, which shows examples of it."""
    lines = [line if line.startswith(" ") else f"{PROGRAM} {line}" for line in examples]
    return "\n  ".join([f"{_KEEP_LINES}\nExamples:", *lines])


EPILOG = epilog_of(EXAMPLES[""])


def name_of(command: CommandInfo) -> str:
    """Return the word that calls a command."""
    name = command.name or str(getattr(command.callback, "__name__", ""))
    return name.replace("_", "-")


def add_examples(app: typer.Typer, path: str = "") -> None:
    """Add to each command of a program, or of a group, the examples in its help."""
    for command in app.registered_commands:
        words = f"{path} {name_of(command)}".strip()
        command.epilog = epilog_of(EXAMPLES[words])
    for group in app.registered_groups:
        path_of_group = f"{path} {group.name}".strip()
        group.epilog = epilog_of(EXAMPLES[path_of_group])
        # A registered group has one.
        inner = cast("typer.Typer", group.typer_instance)
        add_examples(inner, path_of_group)
