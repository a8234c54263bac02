"""Packages whose names are imported on first use."""

from types import ModuleType

import pytest

from perplexity_connector import contract, host


@pytest.mark.parametrize("package", [contract, host])
def test_every_exported_name_is_an_attribute_once_the_list_was_read(
    package: ModuleType,
) -> None:
    """The tool that writes the API reference looks at nothing else."""
    names: list[str] = package.__all__
    assert names
    assert [name for name in names if name not in vars(package)] == []
    assert [name for name in names if not getattr(package, name)] == []
