"""Flow runs of actions and of tables, with the real host, ledger and sandbox."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelling

from perplexity_connector.adapters.prefect import flows, hosting, repeats, tables
from perplexity_connector.adapters.prefect.actions import ActionFailedError
from perplexity_connector.adapters.prefect.artifacts import (
    answer_text,
    result_rows,
    summary_text,
)
from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import Ledger, LedgerError, SyncHost
from perplexity_connector.host.ledger.entries import NewRun, RunEnd
from perplexity_connector.sandbox import Sandbox
from tests.adapters.prefect.fake_server import FakeServer

pytestmark = pytest.mark.usefixtures("sandbox", "flow_run_id")
KEY = "pplx-test-good"
CHAT: dict[str, Any] = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}

search = flows.perplexity_execute_search.fn
chat = flows.perplexity_create_chat_completion.fn
run_table = flows.run_table.fn


def asked(prompt: str) -> dict[str, Any]:
    """Return a chat with this prompt."""
    return {**CHAT, "messages": [{"role": "user", "content": prompt}]}


def state_of(sandbox: Sandbox) -> Any:
    """Return what the provider has done."""
    return httpx.get(f"{sandbox.url}/sandbox/state").json()


# Actions.


def test_an_answer_is_an_artifact_with_its_sources_and_the_state_has_its_cost(
    sandbox: Sandbox, fake: FakeServer, flow_run_id: str, ledger: Ledger
) -> None:
    """The ledger has it under the flow run's id."""
    state = chat(**CHAT, max_tokens=None)
    assert state.is_completed()
    assert "USD" in str(state.message)
    assert "[1]" in fake.artifacts["answer"].data
    assert fake.artifacts["results"].data[0]["url"]
    run = ledger.run(flow_run_id).result()
    assert run is not None
    assert (run.state, run.action) == ("done", "create_chat_completion")
    assert sandbox.billed_runs == 1


def test_results_are_a_table_of_short_cells(fake: FakeServer) -> None:
    """With a saved block; its key is nowhere."""
    fake.save("my-account", api_key=KEY)
    state = search(query="moon", connection="my-account")
    assert state.is_completed()
    assert list(fake.artifacts) == ["results"]
    rows = fake.artifacts["results"].data
    assert rows[0]["rank"] == 1
    assert all(len(str(cell)) <= 500 for row in rows for cell in row.values())
    assert KEY not in str(fake.artifacts) + str(state)


def test_cells_that_are_no_text_are_short_too() -> None:
    """A list is shown as JSON."""
    rows = result_rows({"results": [{"tags": ["x" * 900], "ok": True}]})
    assert len(str(rows[0]["tags"])) <= 500
    assert rows[0]["ok"] is True


def test_a_search_without_results_has_no_artifact(fake: FakeServer) -> None:
    """There is nothing to see."""
    assert search(query="sandbox:empty").is_completed()
    assert fake.artifacts == {}


def test_a_failed_run_raises_its_error() -> None:
    """A caller's flow can read the code."""
    with pytest.raises(ActionFailedError) as failed:
        search(query="moon", max_results=0)
    assert failed.value.error["code"] == "invalid_input"


def test_an_unknown_connection_is_named_and_nothing_is_sent(sandbox: Sandbox) -> None:
    """It costs nothing."""
    with pytest.raises(ActionFailedError) as failed:
        search(query="moon", connection="nobody")
    assert failed.value.error["code"] == "not_found"
    assert sandbox.billed_searches == 0


def test_a_run_that_another_process_stops_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has not failed."""

    def stopped(*_: object, **__: object) -> Any:
        return {
            "status": "cancelled",
            "warnings": [{"code": "x", "message": "Careful."}],
            "error": {"user_message": "The run was stopped."},
        }

    monkeypatch.setattr(SyncHost, "run", stopped)
    assert chat(**CHAT).is_cancelled()


# A flow run that Prefect begins again.


def test_a_repeated_flow_run_gives_the_answer_back_without_paying(
    sandbox: Sandbox, fake: FakeServer
) -> None:
    """With the same artifacts."""
    first = chat(**CHAT)
    again = chat(**CHAT)
    assert first.data == again.data
    assert len(fake.artifacts) == 2
    assert sandbox.billed_runs == 1


def test_a_failure_without_effect_is_repeated_under_a_further_id(
    sandbox: Sandbox, flow_run_id: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused key, twice; then a good one."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-wrong")
    for _ in range(2):
        with pytest.raises(ActionFailedError):
            chat(**CHAT)
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)
    assert chat(**CHAT).is_completed()
    assert chat(**CHAT).is_completed()
    ended = ledger.run(f"{flow_run_id}-3").result()
    assert ended is not None
    assert ended.state == "done"
    assert sandbox.billed_runs == 1


def test_a_failure_that_may_have_cost_is_given_back(sandbox: Sandbox) -> None:
    """It is not paid again."""
    for _ in range(2):
        with pytest.raises(ActionFailedError) as failed:
            chat(**asked("sandbox:failed"))
        assert failed.value.error["code"] == "upstream_failed"
    assert len(state_of(sandbox)["runs"]) == 1


def test_a_begun_run_is_followed(sandbox: Sandbox, flow_run_id: str) -> None:
    """By its checkpoint, without a second payment."""
    # The first process ends in the middle: its claim dies with it.
    with dying_process() as dying:
        run_id = begun_at_provider()
        claim = dying.begin_run(new_run(flow_run_id)).result()
        dying.checkpoint(claim, run_id).result()
    state = chat(**CHAT)
    assert state.is_completed()
    assert sandbox.billed_runs == 1


@pytest.mark.parametrize("is_sent", [False, True])
def test_after_a_crash_a_claimed_run_is_repeated_and_a_sent_one_is_unsure(
    sandbox: Sandbox, flow_run_id: str, *, is_sent: bool
) -> None:
    """The ledger knows which it was."""
    with dying_process() as dying:
        claim = dying.begin_run(new_run(flow_run_id)).result()
        if is_sent:
            dying.sent(claim).result()
    if is_sent:
        with pytest.raises(repeats.UnsureRunError):
            chat(**CHAT)
        assert sandbox.billed_runs == 0
    else:
        assert chat(**CHAT).is_completed()


def test_after_a_crash_a_search_is_repeated(flow_run_id: str) -> None:
    """It may be repeated freely."""
    with dying_process() as dying:
        new = new_run(flow_run_id, action="execute_search", idempotent=True)
        dying.begin_run(new).result()
    assert search(query="moon").is_completed()


def test_an_answer_that_was_not_kept_is_not_paid_again(
    sandbox: Sandbox, flow_run_id: str, ledger: Ledger
) -> None:
    """The flow run says so."""
    assert chat(**CHAT).is_completed()
    assert ledger.erase(flow_run_id).result()
    with pytest.raises(repeats.LostAnswerError):
        chat(**CHAT)
    assert sandbox.billed_runs == 1


def test_it_waits_while_a_process_works_on_the_run(
    flow_run_id: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And goes on when that has ended."""
    claim = ledger.begin_run(new_run(flow_run_id)).result()
    waits: list[float] = []

    def end_it(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            end = RunEnd(
                state="failed", effect="none", ended_at=time.time_ns() // 1_000_000
            )
            ledger.end_run(claim, end).result()

    monkeypatch.setattr(repeats, "time", SimpleNamespace(sleep=end_it))
    assert chat(**CHAT).is_completed()
    assert len(waits) == 2


@pytest.mark.parametrize("still_works", [True, False])
def test_two_processes_that_begin_in_the_same_moment_have_one_answer(
    flow_run_id: str,
    ledger: Ledger,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    still_works: bool,
) -> None:
    """The second one is refused by the ledger. It waits for the first, and is not cancelled."""
    run = SyncHost.run

    def end_it(*_: object) -> None:
        answer: Any = {
            "status": "succeeded",
            "output": {"results": []},
            "warnings": [],
            "summary": "",
            "usage": {},
            "duration_ms": 1,
        }
        end = RunEnd(state="done", ended_at=time.time_ns() // 1_000_000)
        ledger.end_run(claims[0], replace(end, envelope=answer)).result()

    def be_late(host: SyncHost, *args: Any, **options: Any) -> Any:
        claims.append(ledger.begin_run(new_run(flow_run_id)).result())
        envelope = run(host, *args, **options)
        if not still_works:
            end_it()
        return envelope

    claims: list[Any] = []
    monkeypatch.setattr(SyncHost, "run", be_late)
    monkeypatch.setattr(repeats, "time", SimpleNamespace(sleep=end_it))
    assert chat(**CHAT).is_completed()
    assert len(claims) == 1
    assert sandbox.billed_runs == 0


@pytest.mark.parametrize("given", [5, ["my-account"], {"api_key": KEY}])
def test_a_connection_that_is_not_one_is_not_replaced_by_the_environment(
    sandbox: Sandbox, given: object
) -> None:
    """Its key may be of another account. No error has the key."""
    with pytest.raises(ConnectorError) as refused:
        search(query="moon", connection=given)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert KEY not in str(refused.value)
    assert sandbox.billed_searches == 0


def test_no_request_leaves_before_the_ledger_has_its_run(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a crash would hide it."""

    def refuse(*_: Any) -> "Future[Any]":
        refused: Future[Any] = Future()
        refused.set_exception(LedgerError("The disk is full."))
        return refused

    monkeypatch.setattr(Ledger, "begin_run", refuse)
    with pytest.raises(ActionFailedError) as failed:
        chat(**CHAT)
    assert failed.value.error["code"] == "unavailable"
    assert sandbox.billed_runs == 0


def test_a_problem_of_the_ledger_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The run itself is over."""
    monkeypatch.setattr(Ledger, "close", lambda _: ["The disk is full."])
    with hosting.opened_host():
        pass
    assert "The disk is full." in caplog.text


# Tables.


@pytest.fixture
def enter(tmp_path: Path) -> Callable[..., Any]:
    """Enters a job of searches into the ledger, as the command does, and returns the last item."""

    def entered(count: int, action: str = "execute_search", **options: Any) -> Any:
        table = tmp_path / "table.csv"
        word = options.pop("word", "moon")
        lines = [f"{word} {number}" for number in range(count)]
        table.write_text("\n".join(["name", *lines, ""]), encoding="utf-8")
        template = {"query": "{name}"}
        if action != "execute_search":
            template = {
                "messages.0.role": "user",
                "messages.0.content": "{name}",
                "model": "sonar",
                "stream:": "true",
            }
        own = Ledger()
        with SyncHost(ledger=own) as host:
            *_, last = host.stream_table(
                "perplexity",
                action,
                table,
                template,
                out=tmp_path / "out.csv",
                job="moons",
                enter_only=True,
                **options,
            )
        own.close()
        return last

    return entered


def test_a_chunk_runs_the_rows_of_a_job_and_shows_its_progress(
    enter: Callable[..., Any],
    sandbox: Sandbox,
    fake: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second start finds nothing to do."""
    monkeypatch.setattr(tables, "_PAUSE_S", 0.001)
    start = enter(12)["start"]
    state = run_table(job="moons", start=start, chunk=1, at_once=2)
    assert state.is_completed()
    data: Any = state.data
    assert data["rows"]["done"] == 12
    assert 0 <= fake.artifacts["progress"].data <= 100
    assert "12" in fake.artifacts["summary"].data
    assert sandbox.billed_searches == 12
    assert run_table(job="moons").is_completed()
    assert sandbox.billed_searches == 12


def test_at_the_ceiling_it_pauses_and_goes_on_when_that_is_raised(
    enter: Callable[..., Any], sandbox: Sandbox
) -> None:
    """The paid rows stay paid."""
    enter(10, budget="0.02")
    state = run_table(job="moons")
    assert (state.name, state.is_failed()) == (tables.PAUSED, True)
    assert sandbox.billed_searches == 4
    enter(10, budget="1")
    assert run_table(job="moons").is_completed()
    assert sandbox.billed_searches == 10


def test_a_refused_key_fails_the_chunk(
    enter: Callable[..., Any], fake: FakeServer
) -> None:
    """It is not a pause."""
    enter(3)
    fake.save("bad", api_key="pplx-test-wrong")
    state = run_table(job="moons", connection="bad")
    assert state.is_failed()
    assert state.name != tables.PAUSED


def test_an_unknown_job_fails() -> None:
    """There is nothing to run."""
    with pytest.raises(Exception, match="job"):
        run_table(job="nobody's")


def test_a_server_that_is_away_stops_no_row(
    enter: Callable[..., Any],
    sandbox: Sandbox,
    fake: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the progress waits."""
    monkeypatch.setattr(tables, "_PAUSE_S", 0.001)
    enter(5)
    fake.save("my-account", api_key=KEY)
    fake.is_away = True
    assert run_table(job="moons").is_completed()
    assert sandbox.billed_searches == 5


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_cancelled_flow_run_stops_its_rows_at_the_provider(
    enter: Callable[..., Any],
    sandbox: Sandbox,
    fake: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_cancelled: bool,
) -> None:
    """A stopped worker leaves them to the next start."""
    enter(6, "create_chat_completion", word="sandbox:slow")
    cancels: list[str] = []
    cancel = SyncHost.cancel

    def noted(host: SyncHost, run_id: str) -> bool:
        cancels.append(run_id)
        return cancel(host, run_id)

    def terminate(_: object) -> None:
        # As Prefect does in the main thread, while that waits for the rows.
        while len(state_of(sandbox)["runs"]) < 2:
            time.sleep(0.01)
        monkeypatch.setattr(tables, "_quietly", quietly)
        raise TerminationSignal(15)

    quietly = tables._quietly
    monkeypatch.setattr(tables, "_PAUSE_S", 0.001)
    monkeypatch.setattr(tables, "_quietly", terminate)
    monkeypatch.setattr(SyncHost, "cancel", noted)
    if is_cancelled:
        fake.state = Cancelling()
    with pytest.raises(TerminationSignal):
        run_table(job="moons", at_once=2)
    # Once sends nothing new, twice stops what has begun.
    assert len(cancels) == (2 if is_cancelled else 1)
    stopped = [
        one for one in state_of(sandbox)["requests"] if one["path"].endswith("cancel")
    ]
    assert bool(stopped) == is_cancelled


def test_a_job_that_another_process_cancels_ends_cancelled() -> None:
    """As a person wanted."""
    finished: Any = FINISHED | {"reason": "stopped"}
    assert tables._state_of(finished).is_cancelled()


FINISHED: dict[str, Any] = {
    "type": "table.finished",
    "job_id": "job_1",
    "reason": "done",
    "cause": None,
    "message": None,
    "rows": {},
    "failed": {"upstream_failed": [2, 4, 6, 7, 8]},
    "unsure": [
        {"line": 3, "key": "ada", "run_id": "run_3"},
        {"line": 5, "key": "", "run_id": "run_5"},
    ],
    "begun": ["run_7"],
    "cost": 0.5,
    "output": "/home/ada/out.csv",
    "unsaved": None,
    "unsaved_lines": [],
}


def test_the_summary_names_failures_unsure_rows_and_runs_that_go_on() -> None:
    """Each by line, key or id."""
    finished: Any = FINISHED
    text = summary_text(finished)
    for word in (
        "upstream_failed",
        "2, 4, 6-8",
        "ada",
        "run_3",
        "run_5",
        "run_7",
        "0.5 USD",
    ):
        assert word in text


def test_an_output_of_another_shape_is_shown_as_json() -> None:
    """Of any connector."""
    envelope: Any = {
        "output": {"number": 3},
        "usage": None,
        "duration_ms": 5,
        "warnings": [],
    }
    text = answer_text(envelope)
    assert '"number": 3' in str(text)


# Helpers.


@contextmanager
def dying_process() -> Iterator[Ledger]:
    """A process that uses the ledger and dies: its claims are those of a dead process then."""
    made = Ledger()
    yield made
    made.close()


def new_run(run_id: str, **changes: Any) -> NewRun:
    """Return a chat of a flow run, as the ledger gets it."""
    fields: dict[str, Any] = {
        "connector": "perplexity",
        "action": "create_chat_completion",
        "version": 1,
        "input": CHAT,
    }
    return NewRun(run_id=run_id, **{**fields, **changes})


def begun_at_provider() -> dict[str, Any]:
    """Begin a run at the provider, and return the checkpoint that leads to it."""
    states: list[dict[str, Any]] = []
    with SyncHost() as host:
        host.run(
            "perplexity",
            "create_chat_completion",
            {**CHAT, "stream": True},
            on_checkpoint=lambda state: states.append(dict(state)),
        )
    return next(state for state in states if state)
