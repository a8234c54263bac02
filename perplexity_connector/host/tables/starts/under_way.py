"""The jobs whose rows this host runs, until they end."""

import asyncio
from typing import TYPE_CHECKING

from perplexity_connector.host.tables.starts.start import Start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from perplexity_connector.contract import JobItem, TableFinishedItem
    from perplexity_connector.host.tables.rows.running import RunningRows

# More than a stop in order takes. A reader that takes no items holds the end back.
_CLOSING_S = 30.0


class UnderWay:
    """The starts of jobs that this host brings to their end.

    * `_running`: their rows, by id of the job.
    * `_tasks`: those that bring them to their end.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._running: dict[str, RunningRows] = {}
        self._tasks: set[asyncio.Task[TableFinishedItem]] = set()

    def cancel(self, job_id: str) -> bool:
        """Stop a job: in order the first time, at the provider the second. Return whether it is known."""
        rows = self._running.get(job_id)
        return rows is not None and rows.stop()

    async def follow(self, start: Start) -> "AsyncGenerator[JobItem, None]":
        """Run the rows of a start, and yield their items and the last one."""
        job_id, items = start.job_id, start.items
        self._running[job_id] = start.rows
        task = asyncio.create_task(start.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: items.end())
        try:
            while (item := await items.get()) is not None:
                yield item
        finally:
            # The reader may have left: then no item is wanted any more.
            items.leave()
            if not task.done():
                start.rows.stop()
            finished = await _end_of(task, start.rows)
            del self._running[job_id]
        yield finished

    async def end_all(self) -> None:
        """Stop all jobs in order, and wait for their end: the host closes."""
        for rows in self._running.values():
            if rows.brakes.reason is None:
                rows.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING_S)


async def _end_of(
    task: "asyncio.Task[TableFinishedItem]", rows: "RunningRows"
) -> "TableFinishedItem":
    """Wait for the end of a start. A caller that is cancelled once more stops it at the provider."""
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            rows.stop()
    return task.result()
