"""A table of chats on Prefect, and what became of it at the sandbox."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.prefect_stage import Program, Stage
from perplexity_connector.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

CHAT = {
    "messages.0.role": "user",
    "messages.0.content": "{word}",
    "model": "low",
}
_ENDED_S = 900.0


class Job:
    """A table whose words no other job has.

    * `words`: the question of each row.
    * `out`: the output. `_table` is the input.
    * `_from`: how many requests the sandbox had answered before.
    """

    def __init__(
        self,
        stage: Stage,
        sandbox: Sandbox,
        name: str,
        rows: int,
        template: Mapping[str, str] | None = None,
    ) -> None:
        """Write the table."""
        self.name = name
        self.words = [f"{name}-{row:06d}" for row in range(rows)]
        self.out = stage.folder / f"{name}.out.csv"
        self._table = stage.folder / f"{name}.csv"
        self._table.write_text("\n".join(["word", *self.words, ""]), encoding="utf-8")
        self._stage = stage
        self._sandbox = sandbox
        self._template = CHAT if template is None else template
        self._from = len(sandbox.requests)
        self._log: Path | None = None

    def start(self, *options: str, chunks: int = 2) -> Program:
        """Start the job on Prefect; the log of its follower has its items."""
        more = ("--chunks", str(chunks), "--connection", "limited", *options)
        return self._start("perplexity-connector", "prefect", "run-table", more=more)

    def start_alone(self, key: str) -> Program:
        """Start the job in one process, without Prefect."""
        return self._start(
            "perplexity-connector", "run-table", environment={"PERPLEXITY_API_KEY": key}
        )

    def _start(
        self,
        *command: str,
        more: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Program:
        fields = [f"{name}={text}" for name, text in self._template.items()]
        table = ("create_chat_completion", str(self._table), *fields)
        job = ("--job", self.name, "--out", str(self.out), "--yes", "--json")
        program = self._stage.start(
            self.name, *command, *table, *job, *more, more=environment
        )
        self._log = program.log
        return program

    def items(self) -> Sequence[Any]:
        """Return what the follower has printed so far."""
        text = self._log.read_text(encoding="utf-8") if self._log else ""
        lines = text.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def ended(self, follower: Program) -> int:
        """Wait for the follower, and return its exit code."""
        return follower.process.wait(_ENDED_S)

    def billed(self) -> Counter[str]:
        """How often each row was billed."""
        runs = self._sandbox._state.runs.copy()  # noqa: SLF001 - only there are the questions
        asked = [run.plan.request.question for run in runs.values()]
        return Counter(text for text in asked if text.startswith(f"{self.name}-"))

    def records(self) -> Sequence[Mapping[str, str]]:
        """The records of the output."""
        with self.out.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def requests(self) -> Sequence[Any]:
        """The requests that the sandbox has answered since this job was made."""
        return self._sandbox.requests[self._from :]

    def refused(self) -> float:
        """The share of the requests that were refused by a limit."""
        statuses = [one.status for one in self.requests()]
        return statuses.count(429) / max(1, len(statuses))

    def cancelled(self) -> int:
        """How many requests asked the provider to stop a run."""
        return sum(one.path.endswith("/cancel") for one in self.requests())

    def unsure(self) -> Sequence[str]:
        """The runs whose rows are unsure in the output."""
        return [one["_run"] for one in self.records() if one["_status"] == "unsure"]
