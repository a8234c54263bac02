"""A process that dies at any step of the ledger loses no answer, and no chat is paid twice."""

import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.paths import ROOT

CHILD = Path(__file__).with_name("crash_child.py")
DIED = 9
CHAT = {
    "action": "create_chat_completion",
    "template": {
        "messages.0.role": "user",
        "messages.0.content": "{word}",
        "model": "low",
    },
}
SEARCH = {"action": "execute_search", "template": {"query": "{word}"}}
WORDS = ("moon",)


@pytest.fixture(scope="module")
def starter() -> Iterator[Any]:
    """Runs one start in a process of its own, and returns its exit code."""
    with subprocess.Popen(
        [sys.executable, str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def start(**document: Any) -> int:
            stdin.write(json.dumps(document) + "\n")
            stdin.flush()
            return int(stdout.readline())

        yield start
        stdin.close()


class Scene:
    """A sandbox, and a folder with a table of one row for each crash."""

    def __init__(self, folder: Path, sandbox: Sandbox, start: Any, job: Any) -> None:
        """Write the table."""
        self.folder = folder
        self.sandbox = sandbox
        self._start = start
        self._job = {"key": GOOD_KEY, **job}
        folder.mkdir()
        text = "word\n" + "".join(f"{word} {folder.name}\n" for word in WORDS)
        (folder / "in.csv").write_text(text, encoding="utf-8")

    def start(self, step: int = 0, moment: str = "before") -> int:
        """The exit code of a start that dies at that step."""
        return int(
            self._start(
                folder=str(self.folder),
                url=self.sandbox.url,
                step=step,
                moment=moment,
                **self._job,
            )
        )

    def report(self) -> Any:
        """What the last whole start has said."""
        return json.loads((self.folder / "report.json").read_text("utf-8"))

    def records(self) -> list[dict[str, str]]:
        """The records of the output."""
        with (self.folder / "out.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def billed(self) -> Counter[str]:
        """How often each row was billed."""
        asked = [run.plan.request.question for run in self.sandbox._state.runs.values()]
        return Counter(text for text in asked if text.endswith(self.folder.name))


def steps_of(scene: Scene) -> int:
    """How many steps the ledger takes for the table."""
    assert scene.start() == 0
    assert len(scene.records()) == len(WORDS)
    return int(scene.report()["steps"])


def test_a_crash_at_any_step_loses_no_chat_and_pays_none_twice(
    tmp_path: Path, starter: Any
) -> None:
    """Each row is done, or unsure and named; a done one was billed once, and an unsure one once at most."""
    with Sandbox() as sandbox:
        steps = steps_of(Scene(tmp_path / "whole", sandbox, starter, CHAT))
        unsure_rows = 0
        for step in range(1, steps + 1):
            for moment in ("before", "after"):
                scene = Scene(tmp_path / f"{moment}-{step}", sandbox, starter, CHAT)
                assert scene.start(step, moment) == DIED
                assert scene.start() == 0
                end = scene.report()["end"]
                billed = scene.billed()
                unsure = {row["run_id"] for row in end["unsure"]}
                unsure_rows += len(unsure)
                assert len(scene.records()) == len(WORDS), (step, moment)
                for record in scene.records():
                    times = billed[record["word"]]
                    if record["_run"] in unsure:
                        assert (record["_status"], times) <= ("unsure", 1)
                    else:
                        assert (record["_status"], times) == ("done", 1)
        # Only between the fence and the run's id.
        assert 1 <= unsure_rows <= 2
