"""Every fault on the way is either mended or told exactly; nothing is lost, and nothing is paid for twice."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from perplexity_connector.cli.exits import code_of_run
from perplexity_connector.perplexity.wire import transport
from tests.faults.faults import Frames, edited
from tests.faults.row import CHAT, EVENTS, Row, Want, chat, post
from tests.faults.rows import ROWS
from tests.faults.stage import Outcome, Stage

MEGABYTE = 1024 * 1024


def params(rows: Iterator[Row], *marks: pytest.MarkDecorator) -> list[Any]:
    """The rows as parameters, by name."""
    return [pytest.param(row, id=row.id, marks=marks) for row in rows]


ONE_OF_EACH_KIND = {
    row.id: row
    for row in {(row.cause, row.action, row.listen): row for row in ROWS}.values()
}
# With these, and the tests of other files, coverage sees each line and branch that any row reaches.
TRACED = {*ONE_OF_EACH_KIND, *(row.id for row in ROWS if row.variant == "date")}
TRACED_FIRST = [
    *params((row for row in ROWS if row.id in TRACED), pytest.mark.traced),
    *params(row for row in ROWS if row.id not in TRACED),
]


def shown(outcome: Outcome) -> tuple[object, ...]:
    """What a run showed, in the order of `stated`."""
    envelope: Any = outcome.envelope
    error = envelope["error"] or {}
    return (
        envelope["status"],
        (error.get("code"), error.get("retryable", False), error.get("effect")),
        int(code_of_run(envelope)),
        envelope["attempts"],
        sorted(warning["code"] for warning in envelope["warnings"]),
        outcome.billed,
        envelope["partial"] is not None,
        sum(asked.path.endswith("/cancel") for asked in outcome.asked),
        tuple(field["pointer"] for field in error.get("fields", ())),
    )


def stated(row: Row) -> tuple[object, ...]:
    """What a row says that its run must show."""
    want = row.want
    return (
        "failed" if want.code else "succeeded",
        (want.code, want.retryable, want.effect),
        want.exit,
        want.attempts,
        sorted(want.warnings),
        want.billed,
        want.partial,
        want.cancels,
        row.pointers,
    )


@pytest.mark.parametrize("row", TRACED_FIRST)
def test_a_run_ends_as_its_row_states(stage: Stage, row: Row) -> None:
    """Status, code, retryable, effect, exit code, attempts, warnings, bill, what is kept, requests to stop, fields."""
    outcome = stage.outcome(row)
    assert shown(outcome) == stated(row)


@pytest.mark.parametrize("row", params(iter(ONE_OF_EACH_KIND.values())))
def test_without_the_host_extra_a_run_ends_the_same(
    stage: Stage, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connector alone has httpx's own transport: one row of each cause, action and way of listening."""
    monkeypatch.setattr(transport, "find_spec", lambda _: None)
    assert shown(stage.run(row)) == stated(row)


@pytest.mark.parametrize("row", params(row for row in ROWS if row.want.code is None))
def test_a_run_that_succeeds_gives_the_whole_answer(stage: Stage, row: Row) -> None:
    """The same as if nothing had gone wrong; and a listener has been told exactly that text."""
    outcome, quiet = stage.outcome(row), stage.undisturbed(row)
    if row.want.whole:
        assert answer(outcome) == answer(quiet)
    if row.listen and "stream_diverged" not in row.want.warnings:
        assert outcome.text == outcome.envelope["output"]["content"]


def answer(outcome: Outcome) -> object:
    """What a run was for: the text and its sources, or the results without the words they were searched by."""
    output = outcome.envelope["output"]
    if "content" in output:
        return output["content"], output["citations"], output["choices"]
    return [{**result, "query": None} for result in output["results"]]


def test_a_chat_is_never_paid_for_twice(stage: Stage) -> None:
    """Over the whole matrix: one run at most, and no POST once a run was asked for by its id."""
    for row in (row for row in ROWS if row.action == CHAT):
        outcome = stage.outcome(row)
        assert outcome.billed <= 1, row.id
        methods = [
            asked.method
            for asked in outcome.asked
            if not asked.path.endswith("/cancel")
        ]
        assert methods == sorted(methods, reverse=True), row.id


def test_a_run_that_is_fetched_was_checkpointed_first(stage: Stage) -> None:
    """So that a crash between the two would not have lost it."""
    fetched = [
        outcome
        for outcome in map(stage.outcome, ROWS)
        if any(asked.method == "GET" for asked in outcome.asked)
    ]
    assert len(fetched) > EVENTS
    for outcome in fetched:
        run = next(
            asked.path for asked in outcome.asked if asked.method == "GET"
        ).rpartition("/")[2]
        assert outcome.states[0] == {"response_id": run, "shown": 0}


def test_the_key_goes_nowhere_but_where_it_belongs(stage: Stage) -> None:
    """Every request carries it, and the origin that redirects lead to was never even connected to."""
    for row in ROWS:
        outcome = stage.outcome(row)
        assert outcome.strangers == 0, row.id
        assert all(asked.authorized for asked in outcome.asked), row.id


def test_events_rise_in_their_numbers(stage: Stage) -> None:
    """Over all attempts of a run, whatever broke in between."""
    for row in (row for row in ROWS if row.listen):
        numbers = [event["seq"] for event in stage.outcome(row).events]
        assert numbers == sorted(set(numbers)), row.id


FLOODS = [row for row in ROWS if row.most_megabytes is not None]


@pytest.mark.parametrize("row", params(iter(FLOODS)))
def test_a_flood_is_cut_off(stage: Stage, row: Row) -> None:
    """The proxy could not send much more than the largest body that is ever read."""
    assert stage.outcome(row).sent < (row.most_megabytes or 0) * MEGABYTE


HEAVY = [row for row in ROWS if row.most_megabytes or "gzip" in row.cause]
ONE_OF_EACH = {(row.cause, row.action): row for row in HEAVY}


@pytest.mark.parametrize("row", params(iter(ONE_OF_EACH.values())))
def test_memory_stays_flat(stage: Stage, row: Row) -> None:
    """At no time more than the largest body that is ever read, packed or not, and hardly anything of a refusal.

    What a listener is told exists several times over: as events here, as text shown, as the stream's transcript.
    """
    stage.undisturbed(row)
    tracemalloc.start()
    try:
        stage.run(row)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    is_read = row.most_megabytes or not row.cause.startswith("A refusal")
    largest = 16 * (5 if row.listen else 1) if is_read else 0
    assert peak < (largest + 5) * MEGABYTE


def test_every_boundary_of_the_stream_is_cut(stage: Stage) -> None:
    """The number of events that the rows go by is the sandbox's own."""
    seen: list[int] = []

    def count(frames: Frames) -> Frames:
        seen.append(len(frames))
        return frames

    stage.run(chat("nothing", Want(), post(edited(count))))
    assert seen == [EVENTS]
    for start, last in (("Stream reset", EVENTS), ("Stream ended cleanly", EVENTS + 1)):
        cuts = {
            row.variant for row in ROWS if row.cause.startswith(start) and row.listen
        }
        assert cuts >= set(map(str, range(last)))


def test_the_matrix_is_wide() -> None:
    """Many causes, both actions, no row twice."""
    assert len(ROWS) >= 60
    assert len({row.cause for row in ROWS}) >= 25
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert len({row.action for row in ROWS}) == 2
