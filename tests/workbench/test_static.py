"""The page's files: what a strict policy forbids is not in them, and nothing in them comes from elsewhere."""

import re
from pathlib import Path

import pytest

from perplexity_connector.workbench.app import STATIC

MODULES = sorted(STATIC.rglob("*.js"))
SOURCES = [
    *MODULES,
    *STATIC.rglob("*.ts"),
    *STATIC.rglob("*.css"),
    *STATIC.glob("*.html"),
]
# Copies of libraries, and their licences. The tests of the page compare them with their packages.
VENDORED = STATIC / "vendor"
FILES = sorted(
    file
    for file in STATIC.rglob("*")
    if file.is_file() and not file.is_relative_to(VENDORED)
)
WIDTH = 100
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment"
)
# In JSDoc, `@import {…} from` brings in types alone.
STYLES = re.compile(r"@import\s*(?!\s*\{)")
CODE = re.compile(r"\beval\(|new Function|set(Timeout|Interval)\([\"'`]")


def named(file: Path) -> str:
    """A file's place in the page."""
    return file.relative_to(STATIC).as_posix()


@pytest.mark.parametrize("file", MODULES, ids=named)
def test_a_module_makes_nodes_and_never_markup(file: Path) -> None:
    """Nothing that is shown can become an element or code; no module is too long to be read."""
    text = file.read_text(encoding="utf-8")
    assert MARKUP.search(text) is None
    assert CODE.search(text) is None
    assert len(text.splitlines()) < 400


@pytest.mark.parametrize("file", MODULES, ids=named)
def test_a_module_imports_its_neighbours_alone(file: Path) -> None:
    """By files that are there."""
    for place in re.findall(
        r"""(?:from|import) ["']([^"']+)["'];""", file.read_text(encoding="utf-8")
    ):
        assert place.startswith(".")
        assert (file.parent / place).resolve() in MODULES


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_a_file_has_short_lines(file: Path) -> None:
    """Comments and texts too, which the formatter does not break."""
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > WIDTH] == []


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_file_names_no_other_origin(file: Path) -> None:
    """But the names of XML vocabularies, which nobody fetches."""
    text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?://[\w.]+", text) == []
    assert STYLES.search(text) is None


@pytest.mark.parametrize("file", sorted(VENDORED.rglob("*.mjs")), ids=named)
def test_a_copied_library_makes_no_markup_or_code_and_has_its_licence(
    file: Path,
) -> None:
    """Its package and its version are named in the file of the licences."""
    text = file.read_text(encoding="utf-8")
    assert MARKUP.search(text) is None
    assert CODE.search(text) is None
    name = re.match(r"/\*! (\S+ [\d.]+) ", text)
    assert name is not None
    assert f"{name[1]}: MIT" in (file.parent / "LICENSES.txt").read_text("utf-8")


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    """All of it is in files: the policy allows nothing else."""
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.search(r"<style|\sstyle=|\son\w+=|javascript:", text) is None
    assert re.findall(r"<script[^>]*>([^<]*)</script>", text) == [""]
    assert all(
        place.startswith("/static/")
        for place in re.findall(r'(?:src|href)="([^"#]+)"', text)
    )
