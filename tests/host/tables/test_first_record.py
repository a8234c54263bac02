"""The first record of an output without a header may be out of date: the file is still the job's own."""

import pytest

from perplexity_connector.contract import ConnectorError, Effect, ErrorCode
from tests.host.tables.stage import THREE, Desk, failing

FAILED = failing(ErrorCode.NOT_FOUND, effect=Effect.NONE)


@pytest.fixture(autouse=True)
def json_lines(desk: Desk) -> None:
    """The output is a file of JSON Lines, and each run fails."""
    desk.out = desk.folder / "out.jsonl"
    desk.fate = dict.fromkeys(("Ada", "Grace", "Alan"), FAILED)


def names(desk: Desk) -> list[tuple[str, str]]:
    """Each record's name and state."""
    return sorted((each["name"], each["_status"]) for each in desk.json_records())


def kill(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the table in a process that dies before the ledger has the end of any record."""
    with monkeypatch.context() as patch:
        patch.setattr(
            type(desk.ledger),
            "line_ends",
            lambda self, job_id, _: self.find_job(job_id),
        )
        desk.run(desk.table(THREE))


def test_a_table_whose_rows_have_all_failed_is_retried(desk: Desk) -> None:
    """No record in the file is one that the ledger could make now."""
    desk.run(desk.table(THREE))
    desk.fate = {}
    desk.run(desk.table(THREE), retry="failed")
    assert names(desk) == [("Ada", "done"), ("Alan", "done"), ("Grace", "done")]


def test_so_is_one_that_is_entered_and_written_by_other_processes(desk: Desk) -> None:
    """The file is opened long after the rows were planned again."""
    desk.enter(desk.table(THREE))
    desk.run_job()
    desk.write()
    desk.fate = {}
    desk.run_job(retry="failed")
    desk.write()
    assert names(desk) == [("Ada", "done"), ("Alan", "done"), ("Grace", "done")]


def test_a_changed_first_line_goes_on_after_a_crash(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is another one now."""
    kill(desk, monkeypatch)
    desk.fate = {}
    text = "name\nBob\nGrace\nAlan\n"
    desk.run(desk.table(text))
    assert names(desk) == [("Alan", "failed"), ("Bob", "done"), ("Grace", "failed")]


@pytest.mark.parametrize(
    "text", ["mine\n", "[]\n", '{"_run": 1}\n', '{"_run": "run_other"}\n']
)
def test_a_file_with_another_first_line_is_left_alone(desk: Desk, text: str) -> None:
    """Another program may have written it."""
    desk.run(desk.table(THREE))
    desk.out.write_text(text, encoding="utf-8")
    with pytest.raises(ConnectorError):
        desk.run(desk.table(THREE), retry="failed")
    assert desk.out.read_text(encoding="utf-8") == text
