"""Tables of one host: plan a table, run its rows, write the records."""

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.tables.params import TableOptions

if TYPE_CHECKING:
    from perplexity_connector.contract import TableItem


class Tables:
    """The tables of one host. The catalogue describes actions; the runs validate and run them."""

    def __init__(self, catalogue: Catalogue, runs: Runs) -> None:
        """Use the catalogue and the runs of the host."""
        self._catalogue = catalogue
        self._runs = runs

    def stream(
        self,
        connector: str,
        action: str,
        table: str | Path,
        template: Mapping[str, str],
        options: TableOptions,
    ) -> "AsyncGenerator[TableItem, None]":
        """See `Host.stream_table`."""
        raise NotImplementedError
