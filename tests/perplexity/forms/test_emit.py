"""Writing `schemas/` and the types of the actions, and finding drift."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from perplexity_connector.perplexity.forms import emit

TYPES = "perplexity_connector/perplexity/forms/documents.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the files as the models emit them."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / TYPES).parent.mkdir(parents=True)
    assert emit.main([], tmp_path) == 0
    return tmp_path


def test_emitting_writes_every_schema(root: Path) -> None:
    """Nine documents, each valid JSON with a final newline."""
    schemas = list((root / "schemas").iterdir())
    assert sorted(path.name for path in schemas) == sorted(emit.documents())
    assert len(schemas) == 9
    for path in schemas:
        text = path.read_text(encoding="utf-8")
        assert json.loads(text)
        assert text.endswith("}\n")


def test_a_fresh_checkout_has_not_drifted(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checking says nothing and succeeds."""
    assert emit.drifted(root) == []
    assert emit.main(["--check"], root) == 0
    assert capsys.readouterr().out == ""


def test_drift_is_found_whether_changed_missing_or_surplus(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file at fault is named, and the check fails without changing anything."""
    types = root / TYPES
    types.write_text(
        types.read_text(encoding="utf-8").replace("int", "str"), encoding="utf-8"
    )
    (root / "schemas" / "envelope.schema.json").unlink()
    (root / "schemas" / "old.v1.input.schema.json").write_text("{}", encoding="utf-8")
    (root / "schemas" / "notes.txt").write_text("no schema", encoding="utf-8")
    paths = [
        TYPES,
        "schemas/envelope.schema.json",
        "schemas/old.v1.input.schema.json",
    ]
    assert emit.drifted(root) == paths
    assert emit.main(["--check"], root) == 1
    assert [
        path in line
        for path, line in zip(paths, capsys.readouterr().out.splitlines(), strict=True)
    ] == [True] * 3
    assert not (root / "schemas" / "envelope.schema.json").exists()


def test_emitting_again_restores_a_changed_file(root: Path) -> None:
    """A changed file is written again; one that is surplus stays for a person to remove."""
    (root / "schemas" / "connection.schema.json").write_text("{}", encoding="utf-8")
    (root / "schemas" / "old.schema.json").write_text("{}", encoding="utf-8")
    assert emit.main([], root) == 0
    assert emit.drifted(root) == ["schemas/old.schema.json"]


def test_the_module_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a script it checks the checkout's own files, and its exit code says what it found."""
    monkeypatch.setattr(sys, "argv", ["emit", "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(emit.__file__), run_name="__main__")
    assert ended.value.code == 0
