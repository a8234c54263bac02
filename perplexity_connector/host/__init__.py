"""A small reference host: discover, describe, validate, run, stream, keep connections.

It meets connectors through pluggy alone.

Importing it, and reading the palette, loads none of the heavy libraries; they come with the first run or validation.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from perplexity_connector.host.core import Host

if TYPE_CHECKING:
    from perplexity_connector.host.files import write_private
    from perplexity_connector.host.requests import FlowOptions, HostOptions, RunOptions, StepRun
    from perplexity_connector.host.store import ConnectionStore
    from perplexity_connector.host.sync import SyncHost
else:  # to a type checker a name that is not there stays a mistake

    def __getattr__(name: str) -> object:
        """The exported name, imported now."""
        if name not in _ON_USE:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(import_module(f"{__name__}.{_ON_USE[name]}"), name)


__all__ = [
    "ConnectionStore",
    "FlowOptions",
    "Host",
    "HostOptions",
    "RunOptions",
    "StepRun",
    "SyncHost",
    "write_private",
]

# Imported on use: whoever only looks around needs none of them, and asyncio takes longer to load than a palette.
_ON_USE = {
    "ConnectionStore": "store",
    "FlowOptions": "requests",
    "HostOptions": "requests",
    "RunOptions": "requests",
    "StepRun": "requests",
    "SyncHost": "sync",
    "write_private": "files",
}
