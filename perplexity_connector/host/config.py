"""The operator's choices."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypedDict

from perplexity_connector.contract.limiter import Limiter
from perplexity_connector.contract.observing import RunObserver
from perplexity_connector.host.credentials.backend import ConnectionBackend

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
