"""`typed`: the types of Perplexity's actions, over a host that stays as it is. `tests/typing` checks the types."""

import subprocess
import sys

import pytest

from perplexity_connector import types
from perplexity_connector.host import Host, SyncHost
from perplexity_connector.perplexity.forms import documents
from perplexity_connector.types import TypedHost, TypedSyncHost, typed


@pytest.mark.parametrize("kind", [Host, SyncHost])
def test_a_typed_host_is_the_same_host(kind: type[Host | SyncHost]) -> None:
    """No call goes through a second object."""
    host = kind()
    assert typed(host) is host


@pytest.mark.parametrize(
    ("typed_kind", "kind"), [(TypedHost, Host), (TypedSyncHost, SyncHost)]
)
def test_a_typed_host_has_every_method_of_its_host(
    typed_kind: type, kind: type
) -> None:
    """One that is missing could not be called through `typed`."""
    host = kind()
    wanted = {name for name in dir(host) if not name.startswith("_")}
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
