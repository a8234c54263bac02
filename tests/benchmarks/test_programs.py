import sys
from pathlib import Path

import pytest

from benchmarks import programs


def test_the_catalogue_of_generated_connectors_is_measured_and_none_is_imported() -> (
    None
):
    """Every one of them is found."""
    ours, libyaml, has_import = programs.discovery(2)
    assert ours > 0
    assert libyaml > 0
    assert not has_import


def test_a_program_of_another_checkout_imports_that_one(tmp_path: Path) -> None:
    """A package of the same name there comes first."""
    package = tmp_path / "perplexity_connector"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    command = [sys.executable, "-c", "import perplexity_connector"]
    assert programs.started(command)[0] > 0
    with pytest.raises(RuntimeError):
        programs.started(command, tmp_path)
