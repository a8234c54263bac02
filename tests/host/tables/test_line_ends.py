"""The ends of records are noted many together, and none is lost or written twice."""

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.tables.outputs.line_ends import LineEnds
from tests.host.tables.stage import Desk, FullLedger

MANY = 120


class Notes:
    """A ledger that keeps the ends it is given, and takes them when a test says so."""

    def __init__(self) -> None:
        """Begin without any."""
        self.given: list[list[Any]] = []
        self.futures: list[Future[None]] = []

    def line_ends(self, _: str, ends: list[Any]) -> "Future[None]":
        """Keep them."""
        self.given.append(ends)
        self.futures.append(Future())
        return self.futures[-1]


def test_ends_are_noted_many_together() -> None:
    """Those that come before the commit of the last ones wait for it."""
    notes: Any = Notes()
    ends = LineEnds(notes, "job_1")
    for line in range(MANY):
        ends.add(line, line + 1)
    assert [len(given) for given in notes.given] == [50]
    notes.futures[0].set_result(None)
    ends.add(MANY, MANY + 1)
    assert [len(given) for given in notes.given] == [50, 71]
    notes.futures[1].set_result(None)
    asyncio.run(ends.settle())
    assert [*notes.given[0], *notes.given[1]] == [
        (line, line + 1) for line in range(MANY + 1)
    ]


def test_ends_that_the_ledger_cannot_take_are_given_again() -> None:
    """With the later ones."""
    notes: Any = Notes()
    ends = LineEnds(notes, "job_1")

    async def settle(error: Exception | None) -> None:
        settled = asyncio.create_task(ends.settle())
        await asyncio.sleep(0)
        if error is None:
            notes.futures[-1].set_result(None)
        else:
            notes.futures[-1].set_exception(error)
        await settled

    ends.add(1, 10)
    with pytest.raises(LedgerError):
        asyncio.run(settle(LedgerError("the disk is full")))
    ends.add(2, 20)
    asyncio.run(settle(None))
    assert notes.given == [[(1, 10)], [(1, 10), (2, 20)]]


def test_a_record_whose_end_could_not_be_noted_is_not_written_twice(
    desk: Desk, full: FullLedger
) -> None:
    """The ledger works again before the end."""
    full.fails = {"line_ends": 1}
    text = "name\n" + "".join(f"n{line}\n" for line in range(MANY))
    desk.run(desk.table(text))
    names = [record["name"] for record in desk.records()]
    assert sorted(names) == sorted(f"n{line}" for line in range(MANY))
