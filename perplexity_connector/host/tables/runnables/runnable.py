"""What each row of a table runs, as the job and its rows use it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from perplexity_connector.contract import JsonObject, JsonValue

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        CostEstimate,
        EnvelopeDocument,
        FieldError,
    )
    from perplexity_connector.host.ledger.entries import Claim
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.tables.rows.brakes import Brakes
    from perplexity_connector.host.tables.rows.row_log import RowLog

Cells: TypeAlias = Mapping[str, JsonValue]
MakeInput: TypeAlias = Callable[[Cells], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """How the ledger names what a job's rows run.

    * `connector`, `action`, `version`: of an action.
    * `connection`: the name of its stored connection; None for any other one.
    * `idempotent`: whether a row may be repeated freely.
    * `flow`: the document of a flow, which has no connector; None for an action.
    * `connections`: the names of the stored connections of a flow, by connector, that replace its own.
    """

    connector: str
    action: str
    version: int
    connection: str | None = None
    idempotent: bool
    flow: JsonObject | None = field(default=None, repr=False)
    connections: Mapping[str, str] = field(default_factory=dict[str, str])


class Runnable(ABC):
    """What each row of a table runs.

    * `named`: as the ledger names it.
    * `identity`: a job with another one is another job.
    * `release`: of the code that checks and prices an input; a kept plan does not outlive it.
    * `content`: the JSON Pointer of the text in its output; None without one.
    """

    named: Named
    identity: Sequence[JsonValue]
    release: JsonValue
    content: str | None

    @abstractmethod
    def compile(
        self, template: Mapping[str, str], columns: Collection[str]
    ) -> MakeInput:
        """Return the function that makes a row's input. Raises `ConnectorError` for a wrong template."""

    @abstractmethod
    def appraise(
        self, content: JsonObject
    ) -> "tuple[Sequence[FieldError], CostEstimate]":
        """Return the errors of an input, and its price: only that of a valid one counts."""

    @abstractmethod
    def seconds(self, rows: int) -> float | None:
        """Return how long so many rows take at the known rate limit; None if it is not known."""

    @abstractmethod
    async def run(
        self, ledger: "Ledger", claim: "Claim", brakes: "Brakes"
    ) -> "tuple[RowLog, EnvelopeDocument]":
        """Run a row that this process has claimed to its end. Return its log and its envelope."""
