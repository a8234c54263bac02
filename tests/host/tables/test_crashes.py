"""A process that dies at any step of the ledger loses no answer, and no chat is paid twice."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from perplexity_connector.sandbox.keys import RATE_LIMITED_KEY
from tests.host.starters import Starter, starting
from tests.host.tables.crash_child import ANY, DIED

CHILD = Path(__file__).with_name("crash_child.py")
MOMENTS = ("before", "after")
# The steps of a start, in their order, so that each has work left.
OF_THE_JOB = (
    "erase_expired",
    "begin_job",
    "start_job",
    "add_rows",
    "drop_lines",
    "keep_plan",
)
OF_A_ROW = (
    "claim_row",
    "take_turns",
    "sent",
    "set_rate",
    "checkpoint",
    "end_run",
    "line_ends",
)
OF_THE_END = ("take_over_rows", "end_job")
CHAT_TEMPLATE = {
    "messages.0.role": "user",
    "messages.0.content": "{word}",
    "model": "low",
}
CHAT = {"action": "create_chat_completion", "template": CHAT_TEMPLATE}
SEARCH = {"action": "execute_search", "template": {"query": "{word}"}}
# The second query fails once after each reset, and the first is kept.
SEARCHES = {
    "action": "execute_search",
    "template": {"query.0": "{word}", "query.1": "sandbox:unavailable-once {word}"},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A provider, which counts its bills."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def starter(sandbox: Sandbox) -> Iterator[Starter]:
    """Runs one start in a process of its own, and returns its exit code."""
    with starting(CHILD) as start_child:

        def start(**document: Any) -> int:
            # A search of the start before may have taken the one failure.
            sandbox._state.refused_once = False
            return start_child(url=sandbox.url, **document)

        yield start


class Scene:
    """A table in a folder, whose words no other scene has."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, start: Starter, rows: int, **job: Any
    ) -> None:
        """Write the table."""
        self.folder = folder
        self.words = [f"{folder} {number}" for number in range(rows)]
        self._sandbox = sandbox
        self._start = start
        self._job = {"key": GOOD_KEY, "at_once": 1, **job}
        text = "\n".join(["word", *self.words, ""])
        (folder / "in.csv").write_text(text, encoding="utf-8")

    def start(self, **options: Any) -> int:
        """The exit code of a start."""
        return self._start(folder=str(self.folder), **self._job, **options)

    def die(self, name: str, moment: str, times: int = 1) -> None:
        """Start, and die at that step."""
        assert self.start(dies=[name, times, moment]) == DIED, (name, moment)

    def end(self) -> Any:
        """Start for the last time, and return its last item."""
        assert self.start() == 0
        report = json.loads((self.folder / "report.json").read_text("utf-8"))
        assert report["problems"] == []
        return report["end"]

    def records(self) -> list[dict[str, str]]:
        """The records of the output so far."""
        with (self.folder / "out.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def billed(self) -> Counter[str]:
        """How often each row was billed as a chat."""
        asked = [
            run.plan.request.question for run in self._sandbox._state.runs.values()
        ]
        return Counter(text for text in asked if text in self.words)

    def unsure(self, end: Any) -> list[str]:
        """The words of the rows that are unsure. All others are done, and each of them is named."""
        records = self.records()
        assert sorted(record["word"] for record in records) == self.words
        named = {row["run_id"] for row in end["unsure"]}
        assert {record["_status"] for record in records} <= {"done", "unsure"}
        unsure = [record for record in records if record["_status"] == "unsure"]
        assert {record["_run"] for record in unsure} == named
        return [record["word"] for record in unsure]

    def unsure_chats(self, end: Any) -> list[str]:
        """The same for chats: one that is done was billed once, an unsure one once at most."""
        unsure, billed = self.unsure(end), self.billed()
        for word in self.words:
            assert billed[word] in ({0, 1} if word in unsure else {1})
        return unsure


def test_a_crash_at_any_step_loses_no_chat_and_pays_none_twice(
    tmp_path: Path, sandbox: Sandbox, starter: Starter
) -> None:
    """Only a death between the fence and the run's id leaves a row unsure, which was billed once at most."""
    scene = Scene(tmp_path, sandbox, starter, 6, **CHAT)
    points = [(name, moment) for name in OF_THE_JOB for moment in MOMENTS]
    points += [(name, moment) for name in OF_A_ROW for moment in MOMENTS]
    for name, moment in points:
        scene.die(name, moment)
    # Of the last row only the end of the job is left.
    for name in OF_THE_END:
        for moment in MOMENTS:
            scene.die(name, moment)
    unsure = scene.unsure_chats(scene.end())
    billed = scene.billed()
    # The first was not sent. The others were: the rate of an answer is written before its run is known.
    first, *others = [billed[word] for word in unsure]
    assert first == 0
    assert others in (
        [1, 1],
        [1, 1, 1],
    )  # after the rate, the run may be written with it


def test_the_steps_of_a_start_are_those_at_which_the_others_die(
    tmp_path: Path, sandbox: Sandbox, starter: Starter
) -> None:
    """So none is forgotten."""
    scene = Scene(tmp_path, sandbox, starter, 1, **CHAT)
    scene.end()
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert set(report["steps"]) == {*OF_THE_JOB, *OF_A_ROW, *OF_THE_END}


def test_a_record_that_a_crash_kept_from_the_file_is_written_by_the_next_start(
    tmp_path: Path, sandbox: Sandbox, starter: Starter
) -> None:
    """The ledger has the answer already, and it is not paid again."""
    scene = Scene(tmp_path, sandbox, starter, 2, **CHAT)
    scene.die("end_run", "after")
    assert scene.records() == []
    # The record is in the file, and the ledger does not know it.
    scene.die("line_ends", "before")
    assert len(scene.records()) == 1
    assert scene.unsure_chats(scene.end()) == []


def test_a_crash_after_a_refusal_pays_nothing(
    tmp_path: Path, sandbox: Sandbox, starter: Starter
) -> None:
    """A request that was refused may be unsure after a crash, but only until its refusal is written."""
    scene = Scene(tmp_path, sandbox, starter, 2, **CHAT, key=RATE_LIMITED_KEY)
    for moment in MOMENTS:
        scene.die("back", moment)
    end = scene.end()
    assert scene.unsure_chats(end) == scene.words[:1]
    assert scene.billed() == {scene.words[1]: 1}


def test_a_run_whose_stop_a_crash_prevented_is_followed(
    tmp_path: Path, sandbox: Sandbox, starter: Starter
) -> None:
    """The process dies after two wishes to stop, before it asks the provider."""
    template = {**CHAT_TEMPLATE, "messages.0.content": "sandbox:slow {word}"}
    job = {**CHAT, "template": template}
    scene = Scene(tmp_path, sandbox, starter, 1, **job)
    died = scene.start(stop_after="checkpoint", dies=["owns", 1, "before"])
    assert died == DIED
    assert scene.unsure_chats(scene.end()) == []
    assert not [one for one in sandbox.requests if one.path.endswith("/cancel")]


def test_a_crash_loses_no_search(
    tmp_path: Path, sandbox: Sandbox, starter: Starter
) -> None:
    """A search may be repeated, so none is unsure; its checkpoint keeps the queries that are answered."""
    scene = Scene(tmp_path, sandbox, starter, 3, **SEARCHES)
    for name in ("claim_row", "checkpoint", "end_run", "line_ends"):
        for moment in MOMENTS:
            scene.die(name, moment)
    assert scene.unsure(scene.end()) == []


@settings(max_examples=5)
@given(
    job=st.sampled_from([CHAT, SEARCH]),
    step=st.integers(6, 24),
    moment=st.sampled_from(MOMENTS),
)
def test_a_crash_at_a_random_step_of_several_rows_loses_none(
    sandbox: Sandbox, starter: Starter, job: Any, step: int, moment: str
) -> None:
    """At most the rows under way are unsure."""
    with TemporaryDirectory() as folder:
        scene = Scene(Path(folder), sandbox, starter, 6, **job, at_once=3)
        scene.die(ANY, moment, step)
        if job is CHAT:
            assert len(scene.unsure_chats(scene.end())) <= 3
        else:
            assert scene.unsure(scene.end()) == []
