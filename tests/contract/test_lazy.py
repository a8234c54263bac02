"""Packages whose names are imported on first use."""

from types import ModuleType

import pytest

from perplexity_connector import contract, host
from perplexity_connector.contract import lazy


@pytest.mark.parametrize("package", [contract, host])
def test_every_exported_name_is_an_attribute_once_the_list_was_read(
    package: ModuleType,
) -> None:
    """The tool that writes the API reference looks at nothing else."""
    names: list[str] = package.__all__
    assert names
    assert [name for name in names if name not in vars(package)] == []
    assert [name for name in names if not getattr(package, name)] == []


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run asks for some names again and again, and a start for hundreds."""
    vars(contract).pop("RunWarning", None)
    looked_in: list[str] = []
    find = lazy._part

    def counted(package: str, part: str) -> ModuleType:
        looked_in.append(part)
        return find(package, part)

    monkeypatch.setattr(lazy, "_part", counted)
    first = contract.RunWarning
    asked = len(looked_in)
    assert contract.RunWarning is first
    assert len(looked_in) == asked > 0
