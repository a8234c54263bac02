"""Discovery is free: what a host imports to read a catalogue is the standard library and pluggy."""

import subprocess
import sys

import pytest

HEAVY = ("httpx", "pydantic", "jsonschema", "yaml")


@pytest.mark.parametrize("module", ["perplexity_connector", "perplexity_connector.contract"])
def test_importing_costs_none_of_the_heavy_libraries(module: str) -> None:
    """A fresh interpreter that imports this has loaded no HTTP, no validation."""
    script = f"import {module}, sys; print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


def test_checking_an_input_without_a_schema_of_its_own_does_not_load_jsonschema() -> None:
    """The validator of author schemas is imported when the first such schema comes."""
    script = (
        "import sys; from perplexity_connector.models.checking import parsed; "
        "from perplexity_connector.models.create_chat_completion import ChatInput; "
        "parsed(ChatInput, {'model': 'sonar', 'messages': [{'role': 'user', 'content': 'x'}]}); "
        "print('jsonschema' in sys.modules, 'httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]
