"""Reading CSV and JSON Lines: each record with its line, and what is wrong with a line."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import ConnectorError
from perplexity_connector.host.ledger.entries import KnownLine
from perplexity_connector.host.tables.inputs.reading import open_table
from perplexity_connector.host.tables.outputs.records import Layout, Outcome

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def write(folder: Path, content: bytes, name: str = "in.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_record_has_the_line_that_it_begins_in(tmp_path: Path) -> None:
    """Newlines in quotes belong to their cell; blank lines count, and are not records."""
    content = b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n'
    table = open_table(write(tmp_path, content))
    assert table.columns == ("a", "b")
    found = [(line.number, dict(line.cells), line.problem) for line in table.lines()]
    assert found == [(2, {"a": "1", "b": "x\r\ny"}, ""), (5, {"a": "2", "b": "z"}, "")]


def test_a_line_that_does_not_fit_is_a_problem_of_its_own(tmp_path: Path) -> None:
    """Ragged lines, and bytes that are not UTF-8."""
    table = open_table(write(tmp_path, b"a,b\n1\n1,2,3\n1,\xff\n1,2\n"))
    assert [bool(line.problem) for line in table.lines()] == [True, True, True, False]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'a\n"x"y\n', "line 2"),
        (b'a\nb\n"x\n', "line 3"),
        (b"", "no columns"),
        (b",\n", "no columns"),
        (b"a,a\n", "twice"),
        (b"\xff\xfea\n", "first line"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes, words: str
) -> None:
    """With the line where it goes wrong: what follows may be another record than it seems."""
    with pytest.raises(ConnectorError, match=words):
        list(open_table(write(tmp_path, content)).lines())


def test_json_lines_have_the_columns_of_all_lines(tmp_path: Path) -> None:
    """And each line that is not an object is a problem of its own."""
    content = b'{"a": 1}\n\n[1]\n{"b": null}\n{"c": NaN}\n{"d"\n"\xff"\n' + b"[" * 5000
    # Half a character, which no file can keep, and a whole one.
    content += b'\n{"a": "\\ud83d"}\n{"\\ud83d": 1}\n{"a": "\\ud83d\\ude00"}\n'
    table = open_table(write(tmp_path, content, "in.jsonl"))
    assert table.columns == ("a", "b")
    found = [(line.number, bool(line.problem)) for line in table.lines()]
    assert found == [
        (1, False),
        (3, True),
        (4, False),
        (5, True),
        (6, True),
        (7, True),
        (8, True),
        (9, True),
        (10, True),
        (11, False),
    ]


@pytest.mark.parametrize("name", ["none.csv", "in.txt", "in"])
def test_a_missing_file_or_another_format_is_refused(tmp_path: Path, name: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConnectorError):
        open_table(tmp_path / name)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5).filter(
        lambda rows: all(any(row) for row in rows)
    )
)
def test_cells_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Read from a table and written into an output, which is read again."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b"], *rows])
    folder = tmp_path_factory.mktemp("table")
    table = open_table(write(folder, text.getvalue().encode()))
    layout = Layout(
        is_json_lines=False, columns=table.columns, own={"x": ""}, raw=False
    )
    records = [
        layout.encode(
            KnownLine(
                number=line.number,
                row_number=line.number,
                key="",
                digest="",
                record=line.record,
                output_end=None,
                state="done",
                run_id=None,
                error_code=None,
                cost=None,
                output=None,
            ),
            Outcome(
                line=line.number,
                state="done",
                error=None,
                cost=None,
                run_id=None,
                output="=1",
            ),
        )
        for line in table.lines()
    ]
    again = open_table(write(folder, layout.header() + b"".join(records), "out.csv"))
    cells = [[line.cells[name] for name in ("a", "b", "x")] for line in again.lines()]
    assert cells == [[*row, "'=1"] for row in rows]
