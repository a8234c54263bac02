"""The operator's choices."""

from collections.abc import Mapping
from typing import TypedDict

from perplexity_connector.host.credentials.store import ConnectionStore

__all__ = ["HostOptions"]


class HostOptions(TypedDict, total=False):
    """The operator's choices for a host; each may be left out.

    * `settings`: by connector id and name; else the environment and the manifest's defaults count.
    * `store`: where connections are stored; the user's own store if left out.
    * `retries`: how often a failed attempt is repeated at most; 3 if left out.
    * `repeat_unknown`: repeat even if the provider may have been paid already; False if left out.
    * `concurrency`: how many requests of one connection may be in flight; 64 if left out.
    * `environ`: the environment variables; the process's if left out.
    """

    settings: Mapping[str, Mapping[str, str]] | None
    store: ConnectionStore | None
    retries: int
    repeat_unknown: bool
    concurrency: int
    environ: Mapping[str, str] | None
