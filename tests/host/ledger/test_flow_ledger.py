"""The facade of flows: each method reaches its transaction, and processes share flows as they share runs."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.address import Address
from perplexity_connector.host.ledger.entries import FencedError
from perplexity_connector.host.ledger.flow_entries import KnownFlow, NewFlow
from perplexity_connector.host.ledger.transactions import flows
from perplexity_connector.host.ledger.writing import service
from perplexity_connector.host.ledger.writing.database import Database
from perplexity_connector.host.ledger.writing.groups import commit
from perplexity_connector.host.ledger.writing.unit import Unit
from tests.host.ledger.books import a_job
from tests.host.ledger.entering import WAIT_S, a_run, an_end, environ_of, outcome
from tests.host.ledger.flow_books import DOCUMENT, FLOW_ID, an_envelope

PROGRAM = """
import sys
from perplexity_connector.host.ledger.flow_entries import NewFlow
from perplexity_connector.host.ledger.ledger import Ledger
ledger = Ledger(environ={"AUTOMATION_HOST_HOME": sys.argv[1]})
ledger.begin_flow(NewFlow(flow_id="flow_1", document={})).result()
ledger.begin_step("flow_1", "ask", "run_1").result()
print("begun", flush=True)
sys.stdin.read()  # until it is killed
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return a ledger."""
    made = Ledger(environ=environ_of(tmp_path))
    yield made
    made.close()


def begin(ledger: Ledger, **known: Any) -> None:
    """Begin a flow."""
    known = {"flow_id": FLOW_ID, "document": DOCUMENT} | known
    ledger.begin_flow(NewFlow(**known)).result(WAIT_S)


def flow_of(ledger: Ledger) -> KnownFlow:
    """Return the flow, which there must be."""
    found = ledger.flow(FLOW_ID).result(WAIT_S)
    assert found
    return found


def ran(ledger: Ledger) -> None:
    """Run a step."""
    ledger.begin_step(FLOW_ID, "ask", "run_1").result(WAIT_S)
    claim = ledger.begin_run(a_run("run_1")).result(WAIT_S)
    end = replace(an_end(), envelope=an_envelope())
    ledger.end_run(claim, end).result(WAIT_S)
    ledger.end_step(FLOW_ID, "ask", an_envelope(), "done").result(WAIT_S)


def test_a_flow_runs_from_its_begin_to_its_end(ledger: Ledger) -> None:
    """Its steps can be used by another flow, and it is in the lists."""
    begin(ledger, source="/flow.json")
    steps = [("search", {"output": 1})]
    ledger.keep_steps(FLOW_ID, "flow_0", steps).result(WAIT_S)
    ran(ledger)
    ledger.end_step(FLOW_ID, "more", None, "skipped").result(WAIT_S)
    ledger.end_flow(FLOW_ID, "failed").result(WAIT_S)
    flow = ledger.last_flow("/flow.json").result(WAIT_S)
    assert flow == flow_of(ledger)
    assert [step.state for step in flow.steps] == ["kept", "done", "skipped"]
    (listed,) = ledger.flows(search="flow.json", status="failed").result(WAIT_S)
    assert listed.cursor == flow.cursor
    (entry,) = ledger.history(search="An answer").result(WAIT_S)
    assert (entry.id, entry.cursor) == (FLOW_ID, flow.cursor)
    for page in (ledger.flows, ledger.history):
        assert not page(before=entry.cursor).result(WAIT_S)
        with pytest.raises(ValueError, match="int"):
            page(before="x")
    assert ledger.resume_flow(FLOW_ID).result(WAIT_S).is_running


def test_a_row_is_run_by_a_flow_that_any_process_knows(ledger: Ledger) -> None:
    """The flow of the job, and the newest one of the row."""
    ledger.begin_job(a_job(flow=DOCUMENT)).result(WAIT_S)
    assert ledger.job_flow("job_1").result(WAIT_S) == DOCUMENT
    assert ledger.row_flow(1).result(WAIT_S) is None


def test_without_recorded_content_a_flow_keeps_it_until_its_end(
    tmp_path: Path,
) -> None:
    """A crash must not lose the outputs that later steps need."""
    ledger = Ledger(environ=environ_of(tmp_path), record_content=False)
    begin(ledger)
    ran(ledger)
    assert [step.record for step in flow_of(ledger).steps] == [an_envelope()]
    ledger.end_flow(FLOW_ID, None).result(WAIT_S)
    assert not flow_of(ledger).content_erased
    ledger.resume_flow(FLOW_ID).result(WAIT_S)
    ledger.end_flow(FLOW_ID, "succeeded").result(WAIT_S)
    flow = flow_of(ledger)
    assert flow.content_erased
    assert [step.record for step in flow.steps] == [None]
    run = ledger.run("run_1").result(WAIT_S)
    assert run
    assert run.input is None
    assert ledger.close() == []


def test_a_flow_may_be_erased_by_its_host(ledger: Ledger) -> None:
    """As a table may, once it has ended."""
    begin(ledger)
    assert not ledger.erase(FLOW_ID).result(WAIT_S)
    ledger.end_flow(FLOW_ID, "succeeded").result(WAIT_S)
    assert ledger.erase(FLOW_ID).result(WAIT_S)
    assert flow_of(ledger).document is None


@pytest.mark.usefixtures("watchful_thread")
def test_the_process_of_a_flow_hears_that_it_should_stop(tmp_path: Path) -> None:
    """Another one asks for it through the ledger."""
    ledger, other = (Ledger(environ=environ_of(tmp_path)) for _ in range(2))
    asked, heard = list[str](), threading.Event()

    def hear(entry_id: str) -> None:
        asked.append(entry_id)
        heard.set()

    ledger.on_cancel(hear)
    begin(ledger)
    assert other.cancel(FLOW_ID).result(WAIT_S)
    assert heard.wait(WAIT_S)
    assert asked == [FLOW_ID]
    other.close()
    assert ledger.close() == []


def test_the_flow_of_a_killed_process_is_resumed_by_one_of_two(tmp_path: Path) -> None:
    """At once: the kernel frees its lock. Both ask in one moment."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        ledger = Ledger(environ=environ_of(tmp_path))
        assert flow_of(ledger).is_running
        assert isinstance(outcome(ledger.resume_flow(FLOW_ID)), FencedError)
        process.kill()
    assert not flow_of(ledger).is_running
    asked = [ledger.resume_flow(FLOW_ID) for _ in range(2)]
    found = [outcome(one) for one in asked]
    assert isinstance(found[0], KnownFlow)
    assert isinstance(found[1], FencedError)
    assert ledger.close() == []


def test_two_processes_that_resume_a_flow_at_once_do_not_share_it(
    tmp_path: Path,
) -> None:
    """One has it, and the other is refused."""
    file = tmp_path / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{file}")
    begin(ledger)
    ledger.close()
    begun, refused = threading.Barrier(2), list[bool]()

    def resume() -> None:
        database = Database(Address(file=file), {})
        begun.wait(WAIT_S)
        unit: Unit[None] = Unit(
            work=lambda tx: flows.resume_flow(
                tx.connection,
                tx.owner,
                FLOW_ID,
                within=None,
                is_alive=tx.is_alive,
                now=tx.now,
            )
        )
        commit(database, [unit])
        refused.append(isinstance(unit.error, FencedError))
        begun.wait(WAIT_S)
        database.close()

    threads = [threading.Thread(target=resume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert sorted(refused) == [False, True]


def test_a_process_that_opens_the_ledger_leaves_the_flows_of_dead_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that closes in good order has left its own."""
    ledger = Ledger(environ=environ_of(tmp_path))
    begin(ledger)
    ledger.close()
    asked = list[str]()
    leave = flows.leave_dead_flows

    def leave_and_note(connection: Any, is_alive: Any) -> None:
        leave(connection, is_alive)
        asked.append("left")

    monkeypatch.setattr(service, "leave_dead_flows", leave_and_note)
    assert not flow_of(ledger).is_running
    assert asked == ["left"]
    assert ledger.resume_flow(FLOW_ID).result(WAIT_S).is_running
    assert ledger.close() == []
