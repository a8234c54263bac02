"""A small reference host: discover, describe, validate, run, stream, keep connections.

It meets connectors through pluggy alone.

Importing it, and reading the palette, loads none of the heavy libraries; they come with the first run or validation.
"""

from perplexity_connector.host.core import Host
from perplexity_connector.host.files import write_private
from perplexity_connector.host.requests import FlowOptions, HostOptions, RunOptions, StepRun
from perplexity_connector.host.store import ConnectionStore
from perplexity_connector.host.sync import SyncHost

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
