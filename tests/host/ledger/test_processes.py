"""Real processes: one that is killed, and its forked child that lives on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import FencedError
from tests.host.ledger.entering import WAIT_S, environ_of, outcome

PROGRAM = """
import os, sys
from perplexity_connector.host.ledger.entries import LedgerError, NewRun
from perplexity_connector.host.ledger.ledger import Ledger
heavy = {"sqlalchemy", "concurrent.futures", "asyncio", "logging"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
ledger = Ledger(environ={"AUTOMATION_HOST_HOME": sys.argv[1]})
run = NewRun(run_id="run_1", connector="toy", action="greet", version=1)
claim = ledger.begin_run(run).result()
if os.fork():
    sys.stdin.read()  # until it is killed
for call in (lambda: ledger.sent(claim), lambda: ledger.run("run_1"), ledger.close):
    try:
        call()
    except LedgerError:
        print("refused", flush=True)
new = Ledger(environ={"AUTOMATION_HOST_HOME": sys.argv[1]})
print(new.run("run_1").result().state, flush=True)
new.close()
sys.stdin.read()  # until the test ends
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that holds a run, and has a forked child."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        yield started
        started.kill()


def test_the_rows_of_a_killed_process_are_free_at_once(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    """The kernel frees its lock, although a forked child of it lives. The child could use only a ledger of its own."""
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(4)]
    assert lines == ["refused\n"] * 3 + ["claimed\n"]
    ledger = Ledger(environ=environ_of(tmp_path))
    assert isinstance(outcome(ledger.forget("run_1")), FencedError)
    process.kill()
    process.wait()
    assert ledger.forget("run_1").result(WAIT_S) is None
    assert ledger.close() == []
