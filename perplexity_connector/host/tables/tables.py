"""Tables of one host: plan a table, run its rows, write the records."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.ledger.entries import (
    KnownJob,
    KnownLine,
    KnownRow,
    LedgerError,
)
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.tables.figures import (
    finished_item,
    planned_item,
    require_enough,
)
from perplexity_connector.host.tables.items import Items
from perplexity_connector.host.tables.jobs import TableJob, prepare_job
from perplexity_connector.host.tables.params import TableOptions
from perplexity_connector.host.tables.planning import Plan, Planner, Recipe
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.tables.request import Request, check_request
from perplexity_connector.host.tables.running import Course, Step
from perplexity_connector.host.tables.starting import enter_job, open_output
from perplexity_connector.host.tables.writing import Writer

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        TableFinishedItem,
        TableItem,
        TablePlannedItem,
    )
    from perplexity_connector.host.ledger.ledger import Ledger

_AT_ONCE = 16
# The jobs that this process works on, by ledger and id. The ledger itself refuses other processes.
_ACTIVE: set[tuple[str, str]] = set()


class Tables:
    """The tables of one host. The catalogue describes actions; the runs validate and run them.

    `_courses`: the jobs under way, by id.
    """

    def __init__(self, catalogue: Catalogue, runs: Runs) -> None:
        """Use the catalogue and the runs of the host."""
        self._catalogue = catalogue
        self._runs = runs
        self._courses: dict[str, Course] = {}

    def cancel(self, job_id: str) -> bool:
        """Stop a job: in order the first time, at the provider the second. Return whether it is known."""
        course = self._courses.get(job_id)
        return course is not None and course.stop()

    async def stream(
        self,
        connector: str,
        action: str,
        table: str | Path,
        template: Mapping[str, str],
        options: TableOptions,
    ) -> "AsyncGenerator[TableItem, None]":
        """See `Host.stream_table`."""
        request = check_request(connector, action, table, template, options)
        ledger = self._ledger(request)
        name = options.get("job") or str(request.out)
        found = await asyncio.wrap_future(ledger.find_job(name))
        job = await asyncio.to_thread(prepare_job, request, self._catalogue, found)
        plan = await self._plan(ledger, job)
        try:
            item = await self._planned(ledger, job, plan)
            yield item
            if options.get("plan_only") or not await _is_confirmed(options, item):
                return
            async with aclosing(self._start(ledger, job, plan)) as items:
                async for later in items:
                    yield later
        finally:
            plan.spool.close()
