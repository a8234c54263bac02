"""A ledger in memory for the tests of a run's log: it notes each step, and fails where a test says."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from perplexity_connector.host.ledger.entries import Claim, NewRun, RunEnd

T = TypeVar("T")
NEVER: Any = object()


def claim(state: Any = "claimed", **more: Any) -> Claim:
    """A claim of a row."""
    return Claim(
        job_id="job_1",
        row_id=1,
        run_id="run_1",
        epoch=1,
        round=1,
        number=2,
        key="k",
        state=state,
        reserved=7,
        **more,
    )


class NotedLedger:
    """Each step resolves at once, unless `answers` has another outcome for it.

    An outcome is a value, an error to raise later, or `NEVER`. A list has one for each time. `raises`
    has the errors that a method raises itself. `waits` has the steps that resolve with `resolve`.
    """

    is_local = True
    is_open = False

    def __init__(self, **answers: Any) -> None:
        """Answer this."""
        self.answers = answers
        self.raises: dict[str, Exception] = {}
        self.waits: set[str] = set()
        self.waiting: list[Callable[[], None]] = []
        self.steps: list[str] = []
        self.new: list[NewRun] = []
        self.ends: list[RunEnd] = []
        self.states: list[Mapping[str, Any]] = []
        self.reserved: list[int] = []
        self.callback: Callable[[str], None] | None = None

    def begin_run(self, new: NewRun) -> "Future[Claim]":
        """The claim of a new run."""
        self.new.append(new)
        state = "sent" if new.idempotent else "claimed"
        return self._step("begin", claim(state, budgets=new.budgets))

    def resume_run(self, run_id: str) -> "Future[Claim]":
        """The claim of a run that goes on."""
        del run_id
        return self._step("resume", claim("begun", checkpoint={"id": 1}))

    def sent(self, held: Claim) -> "Future[None]":
        """The fence."""
        del held
        return self._step("sent", None)

    def back(self, held: Claim) -> "Future[None]":
        """An attempt without effect."""
        del held
        return self._step("back", None)

    def keep_in_doubt(self, held: Claim) -> "Future[None]":
        """The reservation of an attempt in doubt."""
        del held
        return self._step("keep", None)

    def reserve_again(self, held: Claim, nano: int) -> "Future[None]":
        """Another reservation."""
        del held
        self.reserved.append(nano)
        return self._step("reserve", None)

    def checkpoint(self, held: Claim, state: Mapping[str, Any]) -> "Future[None]":
        """A checkpoint."""
        del held
        self.states.append(state)
        return self._step("checkpoint", None)

    def owns(self, held: Claim) -> "Future[bool]":
        """Whether the row is ours."""
        del held
        return self._step("owns", True)

    def end_run(self, held: Claim, end: RunEnd) -> "Future[str]":
        """The end."""
        del held
        self.ends.append(end)
        return self._step("end", end.state)

    def set_cap(self, budget_id: str, cap: int) -> "Future[None]":
        """The cap of a day."""
        return self._step(f"cap {budget_id[:4]} {cap}", None)

    def percentile(self, connector: str, action: str, group: str) -> "Future[int]":
        """What own runs cost."""
        return self._step(f"percentile {connector} {action} {group}", 0)

    def on_cancel(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Keep the callback, until it is taken back."""
        if error := self.raises.get("on_cancel"):
            raise error
        self.callback = callback
        return lambda: setattr(self, "callback", None)

    def resolve(self) -> None:
        """Let the steps that wait resolve, as the ledger's thread does."""
        while self.waiting:
            self.waiting.pop(0)()

    def _step(self, name: str, usual: T) -> "Future[T]":
        if error := self.raises.get(name):
            raise error
        self.steps.append(name)
        outcome = self.answers.get(name, usual)
        if isinstance(outcome, list):
            outcome = outcome.pop(0) if outcome else usual
        future: Future[T] = Future()

        def settle() -> None:
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            elif outcome is not NEVER:
                future.set_result(outcome)

        if name in self.waits:
            self.waiting.append(settle)
        else:
            settle()
        return future
