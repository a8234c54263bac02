import asyncio
from dataclasses import replace

import pytest

from benchmarks import cheap_wire, load, process
from benchmarks.report import Bill, Costs, End, Outcome, Report

_QUICK = load.Options(runs_at_once=20, runs=60, stream_seconds=0.2, deltas=12, seed=7)
_COSTS = Costs(
    seconds=1,
    cpu_seconds=1,
    idle_kib=0,
    peak_kib=0,
    after_kib=0,
    tasks=0,
    sockets=0,
    complaints=(),
)
_WHOLE = Outcome(end=End.SUCCEEDED, whole=True)


def _report(outcome: Outcome | None, bill: Bill, costs: Costs = _COSTS) -> Report:
    return Report(
        at_once=1,
        outcomes={"run-0": outcome},
        bills={"run-0": bill},
        faults={},
        most_open=1,
        costs=costs,
    )


def test_a_short_load_with_faults_loses_nothing_pays_once_and_leaves_nothing_open() -> (
    None
):
    """Twenty runs at once meet faults of every kind: each ends whole or with an honest error, and is billed once."""
    report = load.measure(_QUICK)
    assert len(report.outcomes) == 60
    assert len([fault for fault in report.faults if fault != "none"]) > 3
    assert any(outcome and outcome.recovered for outcome in report.outcomes.values())
    assert (report.lost(), report.double_billed(), report.leaks()) == ([], [], 0)


def test_without_faults_every_run_that_its_caller_waits_for_succeeds() -> None:
    """The cheap server speaks the stream that the connector understands."""
    report = load.measure(replace(_QUICK, runs=20, fault_share=0.0, seed=3))
    waited = [
        outcome
        for outcome in report.outcomes.values()
        if outcome and outcome.end is not End.ABANDONED
    ]
    assert waited
    assert all(outcome.whole or outcome.code == "timeout" for outcome in waited)


@pytest.mark.parametrize(
    ("outcome", "bill"),
    [
        (None, Bill(1, kept=True)),
        (Outcome(end=End.SUCCEEDED), Bill(1, kept=True)),
        (_WHOLE, Bill(0)),
        (Outcome(end=End.FAILED, code="unavailable", effect="none"), Bill(1)),
    ],
    ids=[
        "no outcome",
        "not whole",
        "never billed",
        "billed, but said to have had no effect",
    ],
)
def test_a_run_without_its_answer_or_an_honest_error_is_lost(
    outcome: Outcome | None, bill: Bill
) -> None:
    """The check does not depend on the callers' word alone: the provider's ledger is held against it."""
    report = _report(outcome, bill)
    assert report.lost() == ["run-0"]
    assert not report.holds()


def test_a_run_billed_twice_is_noticed() -> None:
    """A complete answer does not excuse a second POST."""
    report = _report(_WHOLE, Bill(2, kept=True))
    assert report.double_billed() == ["run-0"]
    assert not report.holds()


def test_a_task_or_socket_left_over_is_a_leak() -> None:
    """What outlives the host fails the load."""
    assert not _report(_WHOLE, Bill(1), replace(_COSTS, tasks=1)).holds()
    assert not _report(_WHOLE, Bill(1), replace(_COSTS, sockets=1)).holds()
    assert _report(_WHOLE, Bill(1)).holds()


def test_the_command_prints_its_figures_and_ends_in_success(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The lines that the reliability page quotes are there."""
    code = load.main(
        [
            "--runs-at-once",
            "5",
            "--runs",
            "5",
            "--stream-seconds",
            "0.1",
            "--deltas",
            "5",
        ]
    )
    printed = capsys.readouterr().out
    assert code == 0
    assert all(
        line in printed
        for line in (
            "runs started",
            "lost",
            "double-billed",
            "leaked",
            "peak memory per run",
        )
    )


def test_a_socket_that_stays_open_is_counted() -> None:
    """The count of leaked sockets looks at the process, not at what the client says."""

    async def opened() -> int:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        async with server:
            return process.open_sockets()

    before = process.open_sockets()
    assert asyncio.run(opened()) > before
    assert process.open_sockets() == before


def test_the_expected_answer_carries_the_run_that_it_belongs_to() -> None:
    """An answer that reaches the wrong run differs from the one expected."""
    assert cheap_wire.answer("run-1", 12) != cheap_wire.answer("run-2", 12)
