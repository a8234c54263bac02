"""The flows of a ledger in memory, as the command line and a host use them."""

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from perplexity_connector.host.ledger.flow_entries import (
    WHOLE,
    KnownFlow,
    KnownStep,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
FLOW_ID = f"flow_{'1' * 32}"
STEP = KnownStep(
    step="ask",
    item=WHOLE,
    state="done",
    run_id="run_1",
    run_state="done",
    kept_from=None,
    cost=5_000_000,
    record=None,
)
FLOW = KnownFlow(
    flow_id=FLOW_ID,
    source="/home/ada/briefing.json",
    title=None,
    document={
        "flow_version": 2,
        "steps": [{"id": "ask", "connector": "toy", "action": "look", "input": {}}],
    },
    inputs={"company": "ACME"},
    part=None,
    created_at=1_790_000_000_002,
    ended_at=None,
    status=None,
    is_running=False,
    is_sandbox=False,
    content_erased=False,
    row_id=None,
    summary=None,
    cost=5_000_000,
    steps=(STEP,),
)


class FakeFlows:
    """Keeps the flows that a test gives, newest first, and does nothing for a host.

    * `known_flows`: the flows.
    * `problem`: what every method's future raises.
    * `asked`: what the commands have asked it for, in turn.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.known_flows: list[KnownFlow] = []
        self.problem: Exception | None = None
        self.asked: list[Any] = []

    # Of the command line.

    def flow(self, flow_id: str) -> "Future[KnownFlow | None]":
        """Return the flow of that id."""
        found = [flow for flow in self.known_flows if flow.flow_id == flow_id]
        return self._did(next(iter(found), None))

    def last_flow(self, source: str) -> "Future[KnownFlow | None]":
        """Return the newest flow of that source."""
        found = [flow for flow in self.known_flows if flow.source == source]
        return self._did(next(iter(found), None))

    def flows(
        self, *, search: str | None = None, status: str | None = None, limit: int = 50
    ) -> "Future[Sequence[KnownFlow]]":
        """Return the flows in that state."""
        self.asked.append(search)
        found = [
            flow
            for flow in self.known_flows
            if status in {None, flow.status or "interrupted"}
        ]
        return self._did(found[:limit])

    # Of a host.

    def begin_flow(self, *what: Any, **how: Any) -> "Future[None]":
        """Keep nothing."""
        del what, how
        return self._did(None)

    keep_steps = begin_step = end_step = end_flow = begin_flow

    def _did(self, result: T) -> "Future[T]":
        if self.problem:
            return self._failed(self.problem)
        future: Future[T] = Future()
        future.set_result(result)
        return future

    def _failed(self, error: Exception) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_exception(error)
        return future
