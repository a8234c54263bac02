"""The operator's choices."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

from perplexity_connector.contract.limiter import Limiter
from perplexity_connector.contract.observing import RunObserver
from perplexity_connector.host.credentials.backend import ConnectionBackend

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.ledger import Ledger

__all__ = ["HostOptions"]


class HostOptions(TypedDict, total=False):
    """The operator's choices for a host; each may be left out.

    * `settings`: by connector id and name; else the environment and the manifest's defaults count.
    * `store`: where connections are stored; the user's own store if left out.
    * `retries`: how often a failed attempt is repeated at most; 3 if left out.
    * `repeat_unknown`: repeat even if the provider may have been paid already; False if left out.
    * `concurrency`: how many requests of one connection may be in flight; 64 if left out.
    * `environ`: the environment variables; the process's if left out.
    * `limiter`: decides when a request may start, in place of `concurrency` and the host's own rate
      limits, for example for all processes of an engine.
    * `observers`: get a report of every run, attempt and request.
    * `connectors`: the ids of the installed connectors to use; all of them if left out.
    * `ledger`: records every run, and counts the daily budget; nothing is recorded if left out.
    * `budget`: the most that the runs of this host object may cost together, in USD, counted in
      memory; a number or a decimal text. No limit if left out (docs/budget.md).
    * `record_content`: whether the ledger gets the inputs and outputs too; True if left out.
    * `sandbox`: whether the runs are of a sandbox: usage, daily budgets and percentiles leave them
      out. False if left out.
    """

    settings: Mapping[str, Mapping[str, str]] | None
    store: ConnectionBackend | None
    retries: int
    repeat_unknown: bool
    concurrency: int
    environ: Mapping[str, str] | None
    limiter: Limiter | None
    observers: Sequence[RunObserver]
    connectors: Collection[str] | None
    ledger: "Ledger | None"
    budget: float | Decimal | str | None
    record_content: bool
    sandbox: bool
