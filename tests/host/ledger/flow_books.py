"""Flows in a ledger in memory: each transaction commits alone, as a unit does."""

from collections.abc import Sequence
from typing import Any

from perplexity_connector.contract import EnvelopeDocument
from perplexity_connector.host.ledger.entries import Claim
from perplexity_connector.host.ledger.flow_entries import (
    WHOLE,
    HistoryEntry,
    KnownFlow,
    KnownStep,
    NewFlow,
    StepState,
)
from perplexity_connector.host.ledger.records import flow_reading, history
from perplexity_connector.host.ledger.transactions import flows
from tests.host.ledger.books import Books

FLOW_ID = "flow_1"
DOCUMENT = {"flow_version": 2, "steps": [{"id": "ask"}]}


def an_envelope(summary: str = "An answer.", output: object = "x") -> EnvelopeDocument:
    """Return what the ledger reads of an envelope."""
    document: Any = {"status": "succeeded", "summary": summary, "output": output}
    return document


def begin(books: Books, flow_id: str = FLOW_ID, owner: str = "a", **known: Any) -> None:
    """Begin a flow."""
    known = {"document": DOCUMENT} | known
    new = NewFlow(flow_id=flow_id, **known)
    books.do(flows.begin_flow, owner, new, now=books.now)


def step(
    books: Books,
    name: str,
    run_id: str,
    *,
    flow_id: str = FLOW_ID,
    item: int = WHOLE,
    owner: str = "a",
) -> None:
    """Begin a step, without its run."""
    books.do(flows.begin_step, owner, flow_id, (name, item), run_id)


def end_step(
    books: Books,
    name: str,
    state: StepState = "done",
    *,
    flow_id: str = FLOW_ID,
    item: int = WHOLE,
    owner: str = "a",
    envelope: EnvelopeDocument | None = None,
) -> None:
    """End a step."""
    books.do(flows.end_step, owner, flow_id, (name, item), envelope, state)


def ran(
    books: Books,
    name: str,
    run_id: str,
    *,
    flow_id: str = FLOW_ID,
    item: int = WHOLE,
    cost: int | None = 5,
    word: str = "An answer.",
) -> None:
    """Run a step, or one item of it, from its begin to its end."""
    step(books, name, run_id, flow_id=flow_id, item=item)
    claim = books.begin("a", run_id, input={"q": word})
    books.sent("a", claim)
    envelope = an_envelope(word)
    books.end("a", claim, cost=cost, envelope=envelope, summary=word)
    whole = envelope if item == WHOLE else None
    end_step(books, name, flow_id=flow_id, item=item, envelope=whole)


def end(
    books: Books, status: Any = "succeeded", *, flow_id: str = FLOW_ID, owner: str = "a"
) -> None:
    """End a flow, or only leave it."""
    books.do(flows.end_flow, owner, flow_id, status, now=books.now)


def resume(
    books: Books,
    owner: str = "b",
    *,
    flow_id: str = FLOW_ID,
    within: Claim | None = None,
) -> KnownFlow:
    """Resume a flow."""
    books.do(
        flows.resume_flow,
        owner,
        flow_id,
        within=within,
        is_alive=books.is_alive,
        now=books.now,
    )
    return known(books, flow_id)


def known(books: Books, flow_id: str = FLOW_ID) -> KnownFlow:
    """Return a flow, which there must be."""
    return books.do(flow_reading.known_flow, flow_id, is_alive=books.is_alive)


def the_step(books: Books, name: str, item: int = WHOLE) -> KnownStep:
    """Return a step of the flow, which there must be."""
    (found,) = (
        one
        for one in known(books).steps
        if (one.step, one.item) == (name, item)
    )
    return found


def entries(books: Books, **options: Any) -> Sequence[HistoryEntry]:
    """Return a page of the history."""
    wanted: dict[str, Any] = {"search": None, "before": None, "limit": 50} | options
    return books.do(history.find_history, is_alive=books.is_alive, **wanted)


def listed(books: Books, **options: Any) -> list[str]:
    """Return the ids of a page of the list of flows."""
    wanted: dict[str, Any] = {
        "search": None,
        "before": None,
        "limit": 50,
        "status": None,
    } | options
    found = books.do(flow_reading.find_flows, is_alive=books.is_alive, **wanted)
    return [one.flow_id for one in found]
