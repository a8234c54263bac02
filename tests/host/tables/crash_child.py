"""A process that runs tables in forks of its own, some of which die at a given step of the ledger.

Each line of stdin is one start as JSON, each line of stdout its exit code. A fork is fast, since this process has
imported everything already and has no thread.
"""

import asyncio
import json
import os
import sys
from contextlib import aclosing
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp  # noqa: F401 - imported once for all forks
import sqlalchemy  # noqa: F401 - likewise

from perplexity_connector.host import Host, Ledger
from perplexity_connector.host.ledger import lazy
from perplexity_connector.host.tables import tables  # noqa: F401 - likewise

DIED = 9


class MortalLedger(Ledger):
    """A ledger whose process dies before or after the commit of one of its steps.

    `steps`: the names of all steps so far, as far as they change something.
    """

    def __init__(self, url: str, step: int, moment: str) -> None:
        """Die at that step, counted from 1; 0 is never."""
        super().__init__(url, environ={})
        self._step = step
        self._moment = moment
        self._count = 0

    def _submit(self, work: Any, *args: Any, **options: Any) -> Any:
        if options.get("is_reading"):
            return super()._submit(work, *args, **options)
        self._count += 1
        is_last = self._count == self._step
        if is_last and self._moment == "before":
            os._exit(DIED)
        future = super()._submit(work, *args, **options)
        if is_last:
            # The thread that writes calls this right after its commit.
            future.add_done_callback(lambda _: os._exit(DIED))
        return future


async def run(start: dict[str, Any]) -> None:
    """Run one start to its end, unless it dies."""
    folder = Path(start["folder"])
    ledger = MortalLedger(
        f"sqlite:///{folder}/ledger.sqlite", start["step"], start["moment"]
    )
    host = Host(
        environ={}, ledger=ledger, settings={"perplexity": {"base_url": start["url"]}}
    )
    connection = {"connection_name": "Test", "api_key": start["key"]}
    items = []
    async with (
        host,
        aclosing(
            host.stream_table(
                "perplexity",
                start["action"],
                folder / "in.csv",
                start["template"],
                out=folder / "out.csv",
                connection=connection,
                at_once=start.get("at_once", 1),
            )
        ) as stream,
    ):
        async for item in stream:
            items.append(item)
            if start.get("stops_at") == item["type"]:
                host.cancel(str(items[0].get("job_id")))
    problems = ledger.close()
    report = {"end": items[-1], "steps": ledger._count, "problems": problems}
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def main() -> None:
    """Run each start in a fork."""
    _ = lazy.__all__
    # This imports the connector, and all that its runs need.
    Host(environ={}).validate("perplexity", "execute_search", {})
    import_module("perplexity_connector.perplexity.wire.transport")
    import_module("perplexity_connector.host.ledger.writing.writer")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            asyncio.run(run(json.loads(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - to the test


if __name__ == "__main__":
    main()
