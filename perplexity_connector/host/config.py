"""The operator's choices for a host."""

from collections.abc import Mapping
from typing import TypedDict

from perplexity_connector.host.credentials.store import ConnectionStore

__all__ = ["HostOptions"]


class HostOptions(TypedDict, total=False):
    """The operator's choices; each may be left out.

    * `settings`: by connector id and name; the environment and the manifest's defaults fill in the rest.
    * `store`: where connections are kept; the user's own store if left out.
    * `retries`: how often a failed attempt is repeated at most; 3 if left out.
    * `repeat_unknown`: repeat even where the provider may have been paid already; off.
    * `concurrency`: how many requests of one connection may wait for an answer to begin; 64.
    * `environ`: stands in for the process's environment.
    """

    settings: Mapping[str, Mapping[str, str]] | None
    store: ConnectionStore | None
    retries: int
    repeat_unknown: bool
    concurrency: int
    environ: Mapping[str, str] | None
