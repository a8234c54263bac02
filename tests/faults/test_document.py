"""The page for operators holds the matrix as it is tested."""

from tests.faults.table import table
from tests.paths import ROOT

PAGE = ROOT / "docs" / "reliability.md"


def test_the_page_holds_exactly_the_table_of_the_rows() -> None:
    """Print it anew with `python -m tests.faults.table` when a row has changed."""
    page = PAGE.read_text(encoding="utf-8")
    _, _, rest = page.partition("<!-- matrix: python -m tests.faults.table -->\n")
    found, end, _ = rest.partition("\n<!-- end of matrix -->")
    assert end
    assert found.strip() == table()


def test_the_page_says_what_could_not_be_verified() -> None:
    """And leaves its place to the load figures."""
    headings = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert "## What could not be verified without the real service" in headings
    assert "## Load" in headings
