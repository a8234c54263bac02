"""The methods of a host for tables."""

import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.validation.sealing import seal, seal_all

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        JobItem,
        TableFinishedItem,
        TableItem,
    )
    from perplexity_connector.host.tables.params import (
        FlowTableOptions,
        JobOptions,
        TableOptions,
    )
    from perplexity_connector.host.tables.tables import Tables


class HostTables(ABC):
    """A host that runs tables, for which it needs a ledger."""

    @functools.cached_property
    @abstractmethod
    def _tables(self) -> "Tables":
        """The tables of this host, made on first use."""
        ...

    def stream_table(
        self,
        connector: str,
        action: str,
        table: str | Path,
        template: Mapping[str, str],
        **options: "Unpack[TableOptions]",
    ) -> "AsyncGenerator[TableItem, None]":
        """Run an action for each line of a CSV or JSON Lines file, and write a record for each.

        `template` has a text for each field of the input, with the cell of a column for its `{name}`.
        The first item is `table.planned`, the last `table.finished`; see `docs/tables.md`. With
        `enter_only` the last one is `table.entered`: then any process may run the rows, by
        `stream_job`. Closing the generator early stops in order, as the first `cancel` of the job
        does. Raises `ConnectorError` (`invalid_input`), before anything is sent, for a table, a
        template or an output that cannot be used.
        """
        seal(options)
        return self._tables.stream(connector, action, table, template, options)

    def stream_flow_table(
        self,
        flow: JsonObject,
        table: str | Path,
        template: Mapping[str, str] | None = None,
        **options: "Unpack[FlowTableOptions]",
    ) -> "AsyncGenerator[TableItem, None]":
        """Run a saved flow for each line of a CSV or JSON Lines file, and write a record for each.

        The line is the flow's inputs: each column that has the name of an input gives its value.
        With a `template`, it has a text for each input instead, as for `stream_table`. A row whose
        process has died goes on from its step. The items, closing and errors are those of
        `stream_table`; `invalid_input` also for a flow with an error.
        """
        seal_all(options)
        return self._tables.stream_flow(flow, table, template, options)

    def stream_job(
        self, job: str, **options: "Unpack[JobOptions]"
    ) -> "AsyncGenerator[JobItem, None]":
        """Run rows of a job that the ledger has, by its name or id, as one of several processes.

        It claims a row when a place is free, never ahead. Each item is `row.finished`, the last one
        `table.finished`. It ends when no row of the job is left: while other processes have rows it
        waits, and takes the rows of a process that dies. The records wait in the ledger: see
        `write_table`. Closing the generator early stops in order, as the first `cancel` of the job's
        id does. Raises `ConnectorError`, before anything is sent: `not_found` for an unknown job,
        `invalid_input` for one that cannot be run here.
        """
        seal(options)
        seal_all(options)
        return self._tables.stream_job(job, options)

    async def write_table(
        self, job: str, out: str | Path, *, raw: bool = False
    ) -> "TableFinishedItem":
        """Write the records of a job that the ledger has, by its name or id, into a file.

        It sends nothing, and may be called at any time, also while other processes run rows. A later
        call adds the new records. `raw` as for `stream_table`. Return the state of the job. Raises
        `ConnectorError`: `not_found` for an unknown job, `invalid_input` while another process
        writes for it, or for a file that the job has not written as it is.
        """
        return await self._tables.write(job, out, raw=raw)
