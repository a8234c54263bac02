"""The documents name every part of the contract, and only files and functions that exist."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from perplexity_connector import contract
from perplexity_connector.cli.app import app
from perplexity_connector.host import (
    ConnectionBackend,
    FlowOptions,
    HostOptions,
    RunOptions,
    StoredConnection,
)
from perplexity_connector.perplexity.forms.outputs import ChatEvent
from tests.paths import ROOT

PACKAGE = ROOT / "perplexity_connector"
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
]
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)*(?:/|\.(?:py|js|md|yaml|toml|json)))`")
FUNCTION = re.compile(r"`([\w./-]+\.py)`\s+\(`([\w.]+)`\)")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)")


def read(name: str) -> str:
    """A page of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(title: str) -> str:
    """One section of the contract's page."""
    found = re.search(
        rf"^## {title}\n(.*?)(?=^## |\Z)",
        read("docs/contract.md"),
        re.DOTALL | re.MULTILINE,
    )
    assert found, title
    return found[1]


def names_of(kind: type) -> list[str]:
    """The fields of one of the contract's dataclasses."""
    return [field.name for field in fields(kind)]


PARTS: Mapping[str, list[str]] = {
    "Registration and the hook": [
        name for name in vars(contract.ConnectorSpecs) if not name.startswith("_")
    ],
    "The connector": [
        name
        for kind in (
            contract.Connector,
            contract.ConnectionTester,
            contract.OptionLister,
        )
        for name, part in vars(kind).items()
        if callable(part) and not name.startswith("_")
    ],
    "Manifest": [
        name
        for kind in (
            contract.Manifest,
            contract.HostApiRange,
            contract.Setting,
            contract.ConnectionSpec,
            contract.GuideStep,
            contract.SandboxSpec,
            contract.Action,
            contract.Annotations,
            contract.Command,
            contract.CommandOption,
            contract.Continuation,
        )
        for name in (kind.__name__, *names_of(kind))
    ],
    "ActionContext": [
        name for name in vars(contract.ActionContext) if not name.startswith("_")
    ],
    "ActionResult": [*names_of(contract.ActionResult), *names_of(contract.RunWarning)],
    "Events": [
        *contract.EventType,
        *(key for event in get_args(ChatEvent) for key in event.model_fields),
    ],
    "Errors": [
        *contract.ErrorCode,
        *contract.Effect,
        *names_of(contract.ErrorRecord),
    ],
    "Field codes": names_of(contract.FieldError),
    "Envelope": [*contract.RunStatus, *names_of(contract.Envelope)],
    "Options": [
        *contract.OptionsOrigin,
        *names_of(contract.Option),
        *names_of(contract.OptionsQuery),
        *names_of(contract.OptionsPage),
    ],
    "Connection test": [
        *contract.ConnectionOutcome,
        *names_of(contract.ConnectionStatus),
    ],
    "Flows": [*names_of(contract.FlowStep), *names_of(contract.Flow)],
    "Seams for engines": [
        *(
            name
            for kind in (contract.Limiter, contract.RunObserver, ConnectionBackend)
            for name in (kind.__name__, *vars(kind))
            if not name.startswith("_")
        ),
        *(
            name
            for kind in (*get_args(contract.Observation), StoredConnection)
            for name in (kind.__name__, *names_of(kind))
        ),
        "Observation",
        "RateLimiters",
    ],
    "Using the reference host": [
        *RunOptions.__annotations__,
        *HostOptions.__annotations__,
        *FlowOptions.__annotations__,
    ],
}


@pytest.mark.parametrize("title", PARTS)
def test_the_contracts_page_names_every_part(title: str) -> None:
    """Each hook, key, code, event, outcome and part, in its own section."""
    spans = re.findall(r"`([^`\n]+)`", section(title))
    words = {word for span in spans for word in re.findall(r"\w+(?:\.\w+)*", span)}
    assert [name for name in PARTS[title] if name not in words] == []


def literal_codes() -> Iterator[str]:
    """Every text of the connector or the host that becomes a `code`, as a parameter or a variable."""
    files = [
        file for room in ("host", "perplexity") for file in (PACKAGE / room).rglob("*")
    ]
    trees = [
        ast.parse(file.read_text(encoding="utf-8"))
        for file in files
        if file.suffix == ".py"
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    places = {}
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            names = [each.arg for each in node.args.args if each.arg != "self"]
            if "code" in names:
                places[node.name] = names.index("code")
    given: list[ast.expr] = []
    for node in nodes:
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given += [each.value for each in node.keywords if each.arg == "code"]
            given += node.args[places[called] :][:1] if called in places else []
        elif isinstance(node, ast.Assign) and "code" in map(ast.unparse, node.targets):
            given.append(node.value)
    for part in (part for value in given for part in ast.walk(value)):
        if isinstance(part, ast.Constant):
            # Functions of one name may take a sentence at that place.
            yield from re.findall(r"^[A-Za-z_]+$", str(part.value))


def test_the_contracts_page_names_every_code_of_a_field_or_a_warning() -> None:
    """An author, or a host, can look each one up."""
    text = read("docs/contract.md")
    codes = set(literal_codes())
    assert {"unknown_step", "withdrawn", "recovered"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in text] == []


def test_the_readme_shows_every_command_error_and_event() -> None:
    """Users begin there."""
    text = read("README.md")
    commands = [
        command.name or command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if command.callback
    ]
    assert len(commands) >= 12
    missing = [
        name for name in commands if not re.search(rf"(-connector |`){name}\b", text)
    ]
    codes = [*contract.ErrorCode, *contract.EventType, *contract.ConnectionOutcome]
    missing += [code for code in codes if f"`{code}`" not in text]
    assert missing == []


def resolved(path: str) -> Path | None:
    """The file or folder that the page on the architecture means."""
    return next(
        (place / path for place in (ROOT, PACKAGE) if (place / path).exists()), None
    )


def test_the_page_on_the_architecture_names_only_what_exists() -> None:
    """Each path is a file or a folder, and each function is in its file."""
    text = read("docs/architecture.md")
    assert [path for path in PATH.findall(text) if not resolved(path)] == []
    missing = []
    for path, name in FUNCTION.findall(text):
        file = resolved(path)
        code = file.read_text(encoding="utf-8") if file else ""
        if not all(
            re.search(rf"(def |class |^){part}\b", code, re.MULTILINE)
            for part in name.split(".")
        ):
            missing.append(f"{path}: {name}")
    assert missing == []


def test_the_page_on_the_architecture_names_every_room() -> None:
    """A package without a purpose in words has no place in the house."""
    text = read("docs/architecture.md")
    rooms = [
        file.parent.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("__init__.py")
        if file.parent != PACKAGE
    ]
    assert [room for room in rooms if f"| `{room}/` |" not in text] == []


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as repository hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """To a file of the repository, and to a heading where it names one."""
    broken = []
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}")
    assert broken == []
