"""A host with a ledger: which steps of a run are written, in which order, and which of them it waits for."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
)
from perplexity_connector.host import Host
from perplexity_connector.host.ledger.entries import (
    FencedError,
    LedgerError,
    OverBudgetError,
)
from perplexity_connector.host.ledger.ledger import Ledger
from perplexity_connector.host.runs.logs import ledger_log
from perplexity_connector.host.tables.rows.brakes import Brakes
from perplexity_connector.host.tables.rows.row_log import RowLog
from tests.host.runs.ledgers import NEVER, NotedLedger, claim
from tests.host.runs.test_budget import Plugin, down
from tests.host.stage import CONNECTION, COUNT, GREET, in_host, toy_host

DAILY = {"AUTOMATION_HOST_DAILY_BUDGET": "5"}
BROKEN = LedgerError("the disk is full")
USAGE = {"cost": {"total_cost": 0.25}}


def run(
    ledger: Any,
    *script: Any,
    step: Any = GREET,
    plugin: Plugin | None = None,
    host: Any = None,
    **options: Any,
) -> Any:
    """The envelope of one run with this ledger."""
    opened = toy_host(plugin or Plugin(*script), ledger=ledger, **(host or {}))
    options = {"connection": CONNECTION, **options}
    return in_host(opened, lambda opened: opened.run(*step, **options))


def run_row(log: RowLog, *script: Any, step: Any = GREET, **options: Any) -> Any:
    """The envelope of a run with the log of a row."""
    given: Any = {"connection": CONNECTION, **options}

    async def work(opened: Host) -> Any:
        connector, action, values = step
        return await opened._runs.run(connector, action, values, given, log=log)

    return in_host(toy_host(Plugin(*script)), work)


def row(ledger: Any, held: Any = None, *, is_leaving: bool = False) -> RowLog:
    """The log of a row of a job, which may leave its runs to the provider."""
    brakes = Brakes()
    brakes.is_leaving = is_leaving
    return RowLog(ledger, held or claim(), brakes, idempotent=False)


async def checkpoint(ctx: ActionContext) -> float:
    """Keep a checkpoint, and cost something."""
    await ctx.checkpoint({"id": 1})
    return 0.25


async def follow(ctx: ActionContext) -> ConnectorError:
    """Keep a checkpoint, and fail for a passing reason while the run goes on."""
    await ctx.checkpoint({"id": 1})
    return ConnectorError(
        ErrorCode.UPSTREAM_FAILED, "x", retryable=True, http_status=502
    )


@pytest.mark.parametrize("environ", [{}, DAILY])
def test_a_run_is_recorded_with_the_time_of_its_start(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """Not that of a later commit: it would be after its end."""
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", environ={})
    envelope = run(ledger, 0.25, host={"environ": environ})
    ledger.close()
    known = ledger.run(envelope["run_id"]).result()
    ledger.close()
    assert known
    began = datetime.fromisoformat(envelope["started_at"]).timestamp()
    assert known.created_at == round(began * 1000)
    assert known.ended_at is not None
    assert known.created_at <= known.ended_at


def test_the_steps_of_a_run_are_written_in_order() -> None:
    """Begun, sent within its turn, its checkpoint, its end with the cost."""
    ledger = NotedLedger()
    assert run(ledger, checkpoint)["error"] is None
    assert ledger.steps == ["begin", "sent", "checkpoint", "end"]
    (new,), (end,) = ledger.new, ledger.ends
    assert (new.connector, new.action, new.version) == ("toy", "greet", 2)
    assert (new.idempotent, new.price, new.budgets, new.price_group) == (
        False,
        None,
        (),
        None,  # its price is a listed one
    )
    assert new.connection is None
    assert new.fingerprint
    assert new.input == {"name": "Ada"}
    assert (end.state, end.status, end.cost, end.cost_basis) == (
        "done",
        "succeeded",
        250_000_000,
        "provider",
    )
    assert end.envelope is not None
    assert end.envelope["output"] == {"text": "Hello"}


def test_an_attempt_without_an_effect_goes_back_and_is_sent_again() -> None:
    """The fence is written for each attempt that may have an effect."""
    ledger = NotedLedger()
    run(ledger, down(), 0.25)
    assert ledger.steps == ["begin", "sent", "back", "sent", "end"]


def test_the_fence_is_written_once_for_all_requests_of_an_attempt() -> None:
    """Each waits for it."""

    class Several(Plugin):
        async def handle(self, input: Any, ctx: ActionContext) -> ActionResult:
            async def ask() -> None:
                async with ctx.permit():
                    pass

            await asyncio.gather(ask(), ask(), ask())
            return await super().handle(input, ctx)

    for host in ({}, {"environ": DAILY}):
        ledger = NotedLedger()
        run(ledger, plugin=Several(0.25), host=host)
        assert ledger.steps.count("sent") == 1


def test_nothing_is_fenced_while_a_checkpoint_is_held() -> None:
    """A later request continues what is known to have begun. A cleared checkpoint ends that."""

    async def again(ctx: ActionContext) -> Any:
        await ctx.checkpoint({"id": 1})
        async with ctx.permit():
            pass
        return down()

    async def cleared(ctx: ActionContext) -> Any:
        await ctx.checkpoint({})
        return down()

    for host in ({}, {"environ": DAILY}, {"budget": 9}):
        ledger = NotedLedger()
        run(ledger, again, cleared, 0.25, host=host)
        steps = [step for step in ledger.steps if not step.startswith("cap")]
        assert steps == [
            "begin",
            "sent",
            "checkpoint",
            "checkpoint",
            "back",
            "sent",
            "end",
        ]


@pytest.mark.parametrize(
    ("begin", "steps"), [(claim(), ["begin", "sent", "end"]), (BROKEN, ["begin"])]
)
def test_a_run_without_a_budget_waits_for_no_commit_but_a_checkpoints(
    begin: Any, steps: list[str]
) -> None:
    """They resolve after the answer has been returned, and in order."""
    ledger = NotedLedger(begin=begin)
    ledger.waits = {"begin"}
    envelope = run(ledger, 0.25)
    assert (envelope["error"], envelope["warnings"]) == (None, [])
    assert ledger.steps == ["begin"]
    ledger.resolve()
    assert ledger.steps == steps


@pytest.mark.parametrize("waits", [{"begin"}, {"checkpoint"}, set()])
def test_a_checkpoint_waits_for_its_commit_for_a_while(
    monkeypatch: pytest.MonkeyPatch, waits: set[str]
) -> None:
    """A crash must not lose it; without the commit the run goes on, and warns."""
    monkeypatch.setattr(ledger_log, "_LONGEST_S", 0.01)
    ledger = NotedLedger()
    ledger.waits = waits
    envelope = run(ledger, checkpoint)
    codes = [each["code"] for each in envelope["warnings"]]
    assert (envelope["error"], codes) == (None, ["checkpoint_lost"] if waits else [])
    ledger.resolve()
    assert ledger.steps == ["begin", "sent", "checkpoint", "end"]


def test_a_run_that_another_process_works_on_is_not_resumed() -> None:
    """It is refused as something that passes, and nothing is sent."""
    for host in ({}, {"environ": DAILY}):
        ledger = NotedLedger(resume=FencedError("It lives."))
        envelope = run(ledger, 0.25, resume_from={"id": 1}, host=host)
        assert envelope["error"]["code"] == "unavailable"
        assert not {"begin", "sent", "end"} & set(ledger.steps)


@pytest.mark.parametrize("step", ["begin", "sent", "checkpoint"])
def test_a_ledger_that_cannot_be_written_costs_no_answer(step: str) -> None:
    """Outside a job and without a budget it is a warning, where it is known in time."""
    envelope = run(NotedLedger(**{step: BROKEN}), checkpoint)
    assert envelope["error"] is None
    assert "not_recorded" in [each["code"] for each in envelope["warnings"]]


def test_an_end_that_cannot_be_written_comes_too_late_for_a_warning() -> None:
    """The answer is not held back for it."""
    ledger = NotedLedger(end=BROKEN)
    ledger.waits = {"end"}
    assert run(ledger, 0.25)["warnings"] == []
    ledger.resolve()


@pytest.mark.parametrize("step", ["begin", "resume"])
def test_a_ledger_of_the_parent_process_costs_a_warning_too(step: str) -> None:
    """In a forked child its methods raise at once."""
    ledger = NotedLedger()
    ledger.raises = {step: BROKEN, "on_cancel": BROKEN}
    resume: Any = {"resume_from": {"id": 1}} if step == "resume" else {}
    envelope = run(ledger, 0.25, **resume)
    assert [each["code"] for each in envelope["warnings"]] == ["not_recorded"]
    ledger.raises = {"sent": BROKEN}
    assert [each["code"] for each in run(ledger, 0.25)["warnings"]] == ["not_recorded"]


def test_a_resumed_run_is_taken_over_or_begun() -> None:
    """Another ledger may have its beginning."""
    for host in ({}, {"environ": DAILY}):
        ledger = NotedLedger()
        run(ledger, 0.25, resume_from={"id": 1}, host=host)
        ledger.steps = [step for step in ledger.steps if step[:3] != "cap"]
        assert ledger.steps[:2] == ["resume", *ledger.steps[1:2]]
        assert "begin" not in ledger.steps
        unknown = NotedLedger(resume=LookupError())
        run(unknown, 0.25, resume_from={"id": 1}, host=host)
        unknown.steps = [step for step in unknown.steps if step[:3] != "cap"]
        assert unknown.steps == ["resume", "begin", "sent", "end"]
    ledger = NotedLedger(resume=LookupError())
    ledger.raises = {"begin": BROKEN}
    assert run(ledger, 0.25, resume_from={"id": 1})["error"] is None


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (0.25, "done"),
        # Nothing was begun.
        (ConnectorError(ErrorCode.INVALID_CREDENTIALS, "x"), "failed"),
        # The provider has said that it failed.
        (
            ConnectorError(ErrorCode.UPSTREAM_FAILED, "x", effect=Effect.UNKNOWN),
            "failed",
        ),
        (
            ConnectorError(ErrorCode.INVALID_RESPONSE, "x", effect=Effect.UNKNOWN),
            "unsure",
        ),
        (follow, "begun"),
    ],
)
def test_the_end_of_a_run_has_a_state(outcome: Any, state: str) -> None:
    """`unsure` only where a chat may have been billed and its end was not seen."""
    for host in ({}, {"environ": DAILY}):
        ledger = NotedLedger()
        run(ledger, outcome, host={"retries": 0, **host})
        assert [end.state for end in ledger.ends] == [state]


def test_an_idempotent_run_is_never_unsure() -> None:
    """It is claimed straight into `sent`, and can be repeated."""
    for host in ({}, {"environ": DAILY}):
        ledger = NotedLedger()
        error = ConnectorError(ErrorCode.INVALID_RESPONSE, "x", effect=Effect.UNKNOWN)
        run(ledger, error, step=COUNT, host=host)
        assert ledger.ends[0].state == "failed"
        assert ledger.new[0].idempotent


def test_a_run_that_sent_nothing_is_not_unsure() -> None:
    """Its caller left it before its first request."""

    class Silent(Plugin):
        async def handle(self, input: Any, ctx: ActionContext) -> ActionResult:
            del input, ctx
            raise ConnectorError(ErrorCode.INTERNAL, "x", effect=Effect.UNKNOWN)

    for host in ({}, {"environ": DAILY}):
        ledger = NotedLedger()
        run(ledger, plugin=Silent(), host=host)
        assert ledger.ends[0].state == "failed"


def test_content_may_stay_out_of_the_ledger() -> None:
    """The facts of the run are there all the same."""
    ledger = NotedLedger()
    run(ledger, 0.25, host={"record_content": False})
    (new,), (end,) = ledger.new, ledger.ends
    assert (new.input, end.envelope, end.summary) == (None, None, None)
    assert end.cost == 250_000_000


def test_a_sandbox_marks_its_runs_and_no_day_counts_them() -> None:
    """They cost nothing."""
    ledger = NotedLedger()
    run(ledger, 0.25, host={"sandbox": True, "environ": DAILY})
    assert ledger.new[0].is_sandbox
    assert ledger.steps == ["begin", "sent", "end"]


def test_a_daily_budget_is_set_once_and_reserved_for_each_run() -> None:
    """The ledger counts it for all hosts. The name of a stored connection is written, never a key."""
    ledger = NotedLedger()

    async def work(opened: Host) -> None:
        for _ in range(2):
            await opened.run(*GREET, connection=CONNECTION)

    in_host(toy_host(Plugin(1, 1), ledger=ledger, environ=DAILY), work)
    assert ledger.steps.count("cap day: 5000000000") == 1
    assert ledger.steps[0].startswith("cap")
    assert [new.price for new in ledger.new] == [1_000_000_000] * 2
    assert all(new.budgets[0].startswith("day:20") for new in ledger.new)


def test_a_price_above_the_whole_daily_budget_is_refused() -> None:
    """Before the ledger is asked."""
    ledger = NotedLedger()
    host = {"environ": {"AUTOMATION_HOST_DAILY_BUDGET": "0.5"}}
    envelope = run(ledger, 1, host=host)
    assert envelope["error"]["cause"] == "budget"
    assert ledger.steps == []


def test_a_run_waits_for_room_in_the_ledger_while_others_are_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It looks again; where no other run is under way it is refused."""
    monkeypatch.setattr(ledger_log, "_FIRST_PAUSE_S", 0)
    busy = OverBudgetError("day:2026-11-26", is_waiting_useful=True)
    full = OverBudgetError("day:2026-11-26", is_waiting_useful=False)
    ledger = NotedLedger(begin=[busy, busy])
    assert run(ledger, 1, host={"environ": DAILY})["error"] is None
    assert ledger.steps.count("begin") == 3
    plugin = Plugin(1)
    error = run(NotedLedger(begin=full), plugin=plugin, host={"environ": DAILY})[
        "error"
    ]
    assert (error["code"], error["cause"], plugin.sent) == (
        "quota_exhausted",
        "budget",
        0,
    )
    assert (
        run_row(
            row(
                NotedLedger(reserve=OverBudgetError("job:x", is_waiting_useful=False)),
                claim("begun", checkpoint={"id": 1}),
            ),
            1,
        )["error"]["cause"]
        == "budget"
    )


@pytest.mark.parametrize("is_entered", [True, False])
def test_a_run_that_is_stopped_before_its_first_commit_reserves_nothing(
    is_entered: bool,
) -> None:
    """The commit comes later, from a ledger that is slow. The run of a server would keep it for ever."""
    ledger = NotedLedger() if is_entered else NotedLedger(begin=BROKEN)
    ledger.waits = {"begin"}
    plugin = Plugin(1)

    async def work(opened: Host) -> Any:
        started = opened.run(*GREET, connection=CONNECTION, run_id="run_1")
        task = asyncio.create_task(started)
        while not ledger.waiting:  # noqa: ASYNC110 - what is waited for is the loop's own turn
            await asyncio.sleep(0)
        assert opened.cancel("run_1")
        return await task

    envelope = in_host(toy_host(plugin, ledger=ledger, environ=DAILY), work)
    assert (envelope["status"], plugin.sent, ledger.ends) == ("cancelled", 0, [])
    ledger.resolve()
    ends = [(end.state, end.effect) for end in ledger.ends]
    assert ends == [("failed", "none")] * is_entered


@pytest.mark.parametrize("step", ["begin", "sent", "cap day: 5000000000"])
def test_under_a_budget_nothing_is_sent_that_cannot_be_written(step: str) -> None:
    """It may be tried again: so the run is `unavailable`, without an effect."""
    plugin = Plugin(1)
    host = {"environ": DAILY, "retries": 0}
    error = run(NotedLedger(**{step: BROKEN}), plugin=plugin, host=host)["error"]
    assert (error["code"], error["effect"], plugin.sent) == ("unavailable", "none", 0)
    raising = NotedLedger()
    raising.raises = {step: BROKEN}
    error = run(raising, plugin=Plugin(1), host=host)["error"]
    assert error["code"] == "unavailable"


def test_a_budget_in_memory_makes_the_ledger_strict_too() -> None:
    """Money is not spent that no record has."""
    plugin = Plugin(1)
    host = {"budget": 5, "retries": 0}
    error = run(NotedLedger(begin=BROKEN), plugin=plugin, host=host)["error"]
    assert (error["code"], plugin.sent) == ("unavailable", 0)


def test_a_repeat_after_an_attempt_in_doubt_reserves_again_in_the_ledger() -> None:
    """As much as before."""
    ledger = NotedLedger()
    run(ledger, down(Effect.UNKNOWN), 0.5, step=COUNT, host={"environ": DAILY})
    steps = [step for step in ledger.steps if step in {"reserve", "sent", "end"}]
    assert steps == ["reserve", "end"]
    assert ledger.reserved == [7]


def test_another_process_can_stop_a_run_of_this_one() -> None:
    """The ledger's thread says so; the run is stopped on its own loop, and the host listens until it is closed."""
    ledger = NotedLedger()

    async def stopped(ctx: ActionContext) -> None:
        assert ledger.callback is not None
        threading.Thread(target=ledger.callback, args=[ctx.run_id]).start()
        await asyncio.Event().wait()

    assert run(ledger, stopped)["status"] == "cancelled"
    assert ledger.callback is None


def test_a_cancel_that_comes_after_the_loop_has_ended_is_ignored() -> None:
    """The ledger's thread goes on."""
    kept: list[Callable[[str], None]] = []

    class Late(NotedLedger):
        def on_cancel(self, callback: Callable[[str], None]) -> Callable[[], None]:
            kept.append(callback)
            return lambda: None

    run(Late(), 0.25)
    kept[0]("run_1")


# Rows of a job.


def test_a_row_is_run_with_its_claim() -> None:
    """It has its reservation; its end says what the ledger made of it."""
    ledger = NotedLedger(end="done")
    log = row(ledger)
    assert run_row(log, 0.25)["error"] is None
    assert ledger.steps == ["sent", "end"]
    assert (log.state, log.problem) == ("done", None)
    assert log.end is not None
    assert log.end.cost == 250_000_000


def test_a_row_that_another_process_has_taken_over_is_not_sent() -> None:
    """No row, no request. Its end is not ours to write."""
    taken = FencedError("taken")
    log = row(NotedLedger(sent=taken, end=taken))
    envelope = run_row(log, 1)
    assert envelope["status"] == "cancelled"
    assert envelope["error"]["effect"] == "none"
    assert (log.state, log.problem) == (None, taken)


def test_an_end_of_a_row_that_cannot_be_written_waits_in_its_log() -> None:
    """The answer is returned with a warning, and the runner of the job can write it later."""
    log = row(NotedLedger(end=BROKEN))
    assert log.end is None
    envelope = run_row(log, 0.25)
    assert [each["code"] for each in envelope["warnings"]] == ["not_recorded"]
    assert log.problem is BROKEN
    assert log.end is not None
    assert (log.end.state, log.end.cost) == ("done", 250_000_000)


def test_a_job_may_settle_the_state_of_its_row() -> None:
    """A row that ends in a refused key counts as not started. A run outside a job has failed."""
    ledger = NotedLedger()
    error = ConnectorError(ErrorCode.INVALID_CREDENTIALS, "x")
    run_row(row(ledger), error)
    run(ledger, error)
    assert [end.state for end in ledger.ends] == ["planned", "failed"]


def test_an_invalid_row_ends_too() -> None:
    """Its input is refused before the run has a context."""
    ledger = NotedLedger()
    envelope = run_row(row(ledger), step=("toy", "greet", {}))
    assert envelope["error"]["code"] == "invalid_input"
    assert [end.state for end in ledger.ends] == ["failed"]


@pytest.mark.parametrize(
    ("status", "state"), [(404, "unsure"), (400, "unsure"), (None, "failed")]
)
def test_a_row_whose_run_is_lost_at_the_provider_is_unsure(
    status: int | None, state: str
) -> None:
    """It can never be followed to its end. A run that was seen to fail is not lost."""

    async def lost(ctx: ActionContext) -> ConnectorError:
        await ctx.checkpoint({"id": 1})
        return ConnectorError(
            ErrorCode.UPSTREAM_FAILED, "x", effect=Effect.UNKNOWN, http_status=status
        )

    ledger = NotedLedger()
    run_row(row(ledger), lost)
    assert ledger.ends[0].state == state


def test_a_row_that_goes_on_reserves_again_before_it_sends_anything() -> None:
    """What was reserved by the process that began it may be spent."""
    ledger = NotedLedger()
    held = claim("begun", checkpoint={"id": 1})
    run_row(row(ledger, held), 0.25, resume_from={"id": 1})
    assert ledger.steps == ["keep", "reserve", "end"]
    assert ledger.reserved == [7]


@pytest.mark.parametrize("answer", [NEVER, BROKEN, FencedError("taken")])
def test_a_checkpoint_that_is_not_committed_in_time_is_lost(
    answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on, and warns. The caller's own checkpoint is not lost with it."""
    monkeypatch.setattr(ledger_log, "_LONGEST_S", 0)
    states: list[Any] = []
    log = row(NotedLedger(checkpoint=answer))
    envelope = run_row(log, checkpoint, on_checkpoint=states.append)
    assert envelope["error"] is None
    assert [each["code"] for each in envelope["warnings"]] == ["checkpoint_lost"]
    assert states == [{"id": 1}]


def test_a_checkpoint_that_the_ledger_refuses_at_once_is_lost() -> None:
    """As in a forked child: the run goes on, and warns."""
    ledger = NotedLedger()
    ledger.raises = {"checkpoint": BROKEN}
    envelope = run_row(row(ledger), checkpoint)
    assert envelope["error"] is None
    assert [each["code"] for each in envelope["warnings"]] == ["checkpoint_lost"]


@pytest.mark.parametrize(
    ("owns", "is_local", "comes_back", "may_stop"),
    [
        (True, True, False, True),
        (False, True, False, False),
        (True, True, True, False),
        (BROKEN, True, False, True),
        (BROKEN, False, False, False),
        (NEVER, False, False, False),
    ],
)
def test_only_the_owner_of_a_row_may_stop_it_at_the_provider(
    owns: Any,
    is_local: bool,
    comes_back: bool,
    may_stop: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And only where the host does not mean to come back. On one machine a living owner is sure of its rows."""
    monkeypatch.setattr(ledger_log, "_LONGEST_S", 0 if owns is NEVER else 2)
    found: list[bool] = []

    async def ask(ctx: ActionContext) -> float:
        found.append(await ctx.may_stop())
        return 0.25

    ledger = NotedLedger(owns=owns)
    ledger.is_local = is_local
    run_row(row(ledger, is_leaving=comes_back), ask)
    assert found == [may_stop]


@pytest.mark.parametrize("host", [{}, {"environ": DAILY}, {"budget": 5}])
def test_a_run_outside_a_job_asks_the_ledger_too(host: Any) -> None:
    """Another process may have resumed it. A run that has not begun in the ledger may be stopped."""
    found: list[bool] = []

    async def ask(ctx: ActionContext) -> float:
        found.append(await ctx.may_stop())
        return 0.25

    run(NotedLedger(owns=False), ask, host=host)
    late = NotedLedger(owns=False)
    late.waits = {"begin"}
    run(late, ask)
    assert found == [False, True]


@pytest.mark.parametrize("may_stop", [True, False])
def test_the_host_itself_asks_before_it_stops_a_run_between_two_attempts(
    may_stop: bool,
) -> None:
    """No handler runs then: the connector is asked only where the ledger allows it."""
    log = row(NotedLedger(), is_leaving=not may_stop)
    plugin = Plugin(follow)

    async def work(opened: Host) -> Any:
        def stop(event: Any) -> None:
            assert event["type"] == "status"  # another attempt will come
            asyncio.get_running_loop().call_soon(opened.cancel, "r")

        options: Any = {"connection": CONNECTION, "run_id": "r"}
        return await opened._runs.run(*GREET, options, listener=stop, log=log)

    envelope = in_host(toy_host(plugin), work)
    assert envelope["status"] == "cancelled"
    assert ("stopped 1" in plugin.loaded[0].log) is may_stop
    warned = [each["code"] for each in envelope["warnings"]]
    assert warned == ([] if may_stop else ["stop_unconfirmed"])


def test_a_row_under_a_budget_of_its_host_is_held_back_by_both() -> None:
    """The host's own budget counts the rows of its jobs."""
    ledger = NotedLedger()
    log = row(ledger)
    plugin = Plugin(1)

    async def work(opened: Host) -> Any:
        return await opened._runs.run(*GREET, {"connection": CONNECTION}, log=log)

    envelope = in_host(toy_host(plugin, budget="0.5", ledger=ledger), work)
    assert (envelope["error"]["cause"], plugin.sent) == ("budget", 0)
    assert ledger.steps == ["end"]


def test_the_price_of_a_run_can_be_asked_for() -> None:
    """For the plan of a job."""
    runs = toy_host(Plugin())._runs
    assert runs.estimate(*GREET, None).basis == "list_price"
    assert runs.estimate(*COUNT, None).worst == 0.5
    errors, price = runs.appraise("toy", "greet", {}, None)
    assert ([each.pointer for each in errors], price.worst) == (["/name"], 1.0)
    assert toy_host()._runs.estimate(*GREET, None).worst == 1.0


# With the real ledger.


def test_a_daily_budget_holds_for_two_hosts_of_one_ledger(tmp_path: Any) -> None:
    """What one spends, the other cannot."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    environ = {"AUTOMATION_HOST_DAILY_BUDGET": "2.5"}

    async def once(opened: Host) -> Any:
        return await opened.run(*GREET, connection=CONNECTION)

    envelopes = [
        in_host(toy_host(Plugin(0.9), ledger=ledger, environ=environ), once)
        for _ in range(3)
    ]
    known = ledger.runs().result()
    assert ledger.close(10) == []
    causes = [each["error"] and each["error"]["cause"] for each in envelopes]
    assert causes == [None, None, "budget"]
    assert (
        sorted((each.state, each.cost) for each in known) == [("done", 900_000_000)] * 2
    )
