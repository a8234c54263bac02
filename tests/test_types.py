"""`typed`: the types of Perplexity's actions, over a host that stays as it is. `tests/typing` checks the types."""

import re
import subprocess
import sys
from typing import Any

import pytest

from perplexity_connector import contract, host, types
from perplexity_connector.host import Host, SyncHost
from perplexity_connector.perplexity.forms import documents
from perplexity_connector.types import TypedHost, TypedSyncHost, typed
from tests.paths import ROOT


@pytest.mark.parametrize("kind", [Host, SyncHost])
def test_a_typed_host_is_the_same_host(kind: type[Host | SyncHost]) -> None:
    """No call goes through a second object."""
    given = kind()
    assert typed(given) is given


@pytest.mark.parametrize(
    ("typed_kind", "kind"), [(TypedHost, Host), (TypedSyncHost, SyncHost)]
)
def test_a_typed_host_has_every_method_of_its_host(
    typed_kind: type, kind: type
) -> None:
    """One that is missing could not be called through `typed`."""
    wanted = {name for name in dir(kind()) if not name.startswith("_")}
    assert {name for name in dir(typed_kind) if not name.startswith("_")} == wanted


def test_every_type_of_an_action_is_exported() -> None:
    """Those of the objects inside an input too, so that a program can build them."""
    assert set(documents.__all__) < set(types.__all__)
    assert [name for name in types.__all__ if not hasattr(types, name)] == []


def test_importing_the_types_imports_no_host() -> None:
    """Nor one of the heavy libraries."""
    script = "import perplexity_connector.types, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    heavy = {"httpx", "pydantic", "jsonschema", "perplexity_connector.host"}
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize(
    "room", [contract, host, types], ids=lambda room: room.__name__
)
def test_the_type_checkers_see_every_public_name_used(room: Any) -> None:
    """A name of a wrong type, or of any type, is found by a program that uses it."""
    programs = (ROOT / "tests" / "typing").glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in programs)
    assert set(room.__all__) - set(re.findall(r"\w+", text)) == set()
