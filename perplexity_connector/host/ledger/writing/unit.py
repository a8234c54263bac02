"""A unit of work in the ledger: done completely or not at all."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from perplexity_connector.host.ledger.entries import LedgerError

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.writing.owners import Transaction

T = TypeVar("T")
Work: TypeAlias = Callable[["Transaction"], T]


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Unit(Generic[T]):
    """Some work, and the future of its result.

    * `work`: called in a transaction, and again if that failed.
    * `budgets`: the budgets that it changes.
    * `is_reading`: it changes nothing.
    * `is_erasing`: it erases text, which then leaves the files too.
    * `future`: resolves after the commit. It cannot be cancelled: a caller that gave up has not undone the work.
    * `error`, `_result`: of the last attempt.
    """

    work: Work[T]
    budgets: tuple[str, ...] = ()
    is_reading: bool = False
    is_erasing: bool = False
    future: Future[T] = field(default_factory=Future)
    error: Exception | None = None
    _result: T | None = None

    def __post_init__(self) -> None:
        """Make the future one that cannot be cancelled."""
        self.future.set_running_or_notify_cancel()

    def attempt(self, transaction: "Transaction") -> None:
        """Do the work, and keep its result until the commit."""
        self.error = None
        self._result = self.work(transaction)

    def fail(self, error: Exception) -> None:
        """Keep an error in place of a result. Its frames hold the database, and are left out."""
        error.__cause__ = error.__context__ = None
        self.error = error.with_traceback(None)

    def settle(self) -> None:
        """Resolve the future."""
        if self.error:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self._result)  # type: ignore[arg-type] # of the work, which may return None

    @property
    def is_unwritten(self) -> bool:
        """Return whether the ledger could not be opened or written."""
        return isinstance(self.error, LedgerError)


AnyUnit: TypeAlias = Unit[Any]
