"""Discovery is free: what a host imports to read a catalogue is the standard library and pluggy."""

import subprocess
import sys
from types import ModuleType

import pytest

from perplexity_connector import contract, host

HEAVY = ("httpx", "pydantic", "jsonschema", "jsonschema_rs", "yaml")


@pytest.mark.parametrize(
    "module", ["perplexity_connector", "perplexity_connector.contract"]
)
def test_importing_costs_none_of_the_heavy_libraries(module: str) -> None:
    """A fresh interpreter that imports this has loaded no HTTP, no validation."""
    script = f"import {module}, sys; print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []


def test_checking_an_input_without_a_schema_of_its_own_does_not_load_jsonschema() -> (
    None
):
    """The validator of author schemas is imported when the first such schema comes."""
    script = (
        "import sys; from perplexity_connector.perplexity.forms.validation import validate_input; "
        "from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput; "
        "validate_input(ChatInput, {'model': 'sonar', 'messages': [{'role': 'user', 'content': 'x'}]}); "
        "print('jsonschema' in sys.modules, 'httpx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["False", "False"]


def test_a_search_imports_nothing_of_a_chat() -> None:
    """Each action is imported on first use."""
    script = (
        "import sys; from perplexity_connector import plugin; "
        "connector = plugin.load_connector('perplexity', {}); "
        "connector.check('execute_search', 1, {'query': 'moon'}); "
        "connector.action('execute_search', 1); "
        "print(*[name for name in sys.modules if 'chat' in name or 'citation' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("room", [contract, host], ids=lambda room: room.__name__)
def test_what_is_exported_is_there_though_it_is_imported_on_use(
    room: ModuleType,
) -> None:
    """Every name, and none besides."""
    assert [name for name in room.__all__ if not hasattr(room, name)] == []
    with pytest.raises(AttributeError):
        room.no_such_name  # noqa: B018 - to look is the test


@pytest.mark.parametrize("name", ["ConnectorError", "HOST_API"])
def test_a_name_of_the_contract_brings_its_own_part_alone(name: str) -> None:
    """A host that reads manifests makes none of the dataclasses that runs are made of."""
    script = f"from perplexity_connector.contract import {name}; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    parts = {
        "connector",
        "context",
        "envelope",
        "flow",
        "hookspecs",
        "manifest",
        "options",
        "result",
        "status",
    }
    assert {f"perplexity_connector.contract.{part}" for part in parts} & set(
        done.stdout.split()
    ) == set()
