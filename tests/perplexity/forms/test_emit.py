"""Writing `schemas/`, and finding drift."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from perplexity_connector.perplexity.forms import emit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the schemas as the models emit them."""
    assert emit.main([], tmp_path) == 0
    return tmp_path


def test_emitting_writes_every_schema(folder: Path) -> None:
    """Nine documents, each valid JSON with a final newline."""
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(emit.documents())
    assert len(names) == 9
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert json.loads(text)
        assert text.endswith("}\n")


def test_a_fresh_folder_has_not_drifted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checking says nothing and succeeds."""
    assert emit.drifted(folder) == []
    assert emit.main(["--check"], folder) == 0
    assert capsys.readouterr().out == ""


def test_drift_is_found_whether_changed_missing_or_surplus(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file at fault is named, and the check fails without mending anything."""
    changed, missing = (
        folder / "connection.schema.json",
        folder / "envelope.schema.json",
    )
    changed.write_text(
        changed.read_text(encoding="utf-8").replace("API Key", "Key"), encoding="utf-8"
    )
    missing.unlink()
    (folder / "old.v1.input.schema.json").write_text("{}", encoding="utf-8")
    (folder / "notes.txt").write_text("no schema", encoding="utf-8")
    names = [
        "connection.schema.json",
        "envelope.schema.json",
        "old.v1.input.schema.json",
    ]
    assert emit.drifted(folder) == names
    assert emit.main(["--check"], folder) == 1
    assert [
        name in line
        for name, line in zip(names, capsys.readouterr().out.splitlines(), strict=True)
    ] == [True] * 3
    assert not missing.exists()


def test_emitting_again_mends_what_was_changed(folder: Path) -> None:
    """A changed file is written anew; what is surplus stays for a person to remove."""
    (folder / "connection.schema.json").write_text("{}", encoding="utf-8")
    (folder / "old.schema.json").write_text("{}", encoding="utf-8")
    assert emit.main([], folder) == 0
    assert emit.drifted(folder) == ["old.schema.json"]


def test_the_module_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a script it checks the checkout's own schemas, and its exit code says what it found."""
    monkeypatch.setattr(sys, "argv", ["emit", "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(emit.__file__), run_name="__main__")
    assert ended.value.code == 0
