"""A process that runs tables in forks of its own, some of which die at a given step of the ledger.

Each line of stdin is one start as JSON, each line of stdout its exit code. A fork is fast, since this process has
imported everything already, has run a table, and has no thread.
"""

import asyncio
import gc
import json
import os
import sys
import tempfile
import threading
from contextlib import aclosing
from itertools import repeat
from pathlib import Path
from typing import Any

from perplexity_connector.contract import repeating
from perplexity_connector.host import Host, Ledger
from perplexity_connector.perplexity.actions import provider_run

DIED = 9
ANY = "any"


class MortalLedger(Ledger):
    """A ledger whose process dies before or after the commit of one of its steps.

    * `steps`: the names of all steps so far that change something.
    * `_dies`: the step, and whether before or after its commit; None is never.
    * `_stop_after`: the name of a step that two wishes to stop follow. `_stop` takes them.
    * `_name`: that of the method being called.
    """

    def __init__(self, url: str, start: dict[str, Any]) -> None:
        """Die as the start says."""
        super().__init__(url, environ={})
        self.steps: list[str] = []
        self._reads: list[str] = []
        self._dies = start.get("dies")
        self._stop_after = start.get("stop_after")
        self._stop: Any = None
        self._name = ""

    def stop_with(self, stop: Any) -> None:
        """Take the function that stops the job, on the event loop."""
        loop = asyncio.get_running_loop()
        self._stop = lambda _: [loop.call_soon_threadsafe(stop) for _ in range(2)]

    def _submit(self, work: Any, *args: Any, **options: Any) -> Any:
        moment = self._moment(is_reading=options.get("is_reading", False))
        if moment == "before":
            os._exit(DIED)
        future = super()._submit(work, *args, **options)
        if moment == "after":
            # The thread that writes calls this right after its commit.
            future.add_done_callback(lambda _: os._exit(DIED))
        if self._name == self._stop_after:
            future.add_done_callback(self._stop)
        return future

    def _moment(self, *, is_reading: bool) -> str | None:
        """When this step kills the process."""
        (self._reads if is_reading else self.steps).append(self._name)
        if self._dies is None:
            return None
        name, count, moment = self._dies
        if name == ANY:
            is_it = not is_reading and len(self.steps) == count
        else:
            times = self.steps.count(name) + self._reads.count(name)
            is_it = (self._name, times) == (name, count)
        return str(moment) if is_it else None


def _naming(name: str) -> Any:
    def method(self: MortalLedger, *args: Any, **options: Any) -> Any:
        outer, self._name = self._name, name
        try:
            return getattr(Ledger, name)(self, *args, **options)
        finally:
            self._name = outer

    return method


for _name in dir(Ledger):
    if not _name.startswith("_") and _name not in {"close", "on_cancel"}:
        setattr(MortalLedger, _name, _naming(_name))


def _stream(host: Host, folder: Path, start: dict[str, Any]) -> Any:
    """The items of a table of an action, or of a flow."""
    connection = {"connection_name": "Test", "api_key": start["key"]}
    table, out, at_once = folder / "in.csv", folder / "out.csv", start["at_once"]
    if "flow" in start:
        return host.stream_flow_table(
            start["flow"],
            table,
            out=out,
            at_once=at_once,
            connections={"perplexity": connection},
        )
    return host.stream_table(
        "perplexity",
        start["action"],
        table,
        start["template"],
        out=out,
        at_once=at_once,
        connection=connection,
    )


async def run(start: dict[str, Any]) -> None:
    """Run one start to its end, unless it dies."""
    folder = Path(start["folder"])
    ledger = MortalLedger(f"sqlite:///{folder}/ledger.sqlite", start)
    host = Host(
        environ={}, ledger=ledger, settings={"perplexity": {"base_url": start["url"]}}
    )
    items: list[Any] = []
    async with host, aclosing(_stream(host, folder, start)) as stream:
        async for item in stream:
            if not items:
                ledger.stop_with(lambda: host.cancel(items[0]["job_id"]))
            items.append(item)
    problems = ledger.close()
    report = {"end": items[-1], "steps": ledger.steps, "problems": problems}
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def warm_up(start: dict[str, Any]) -> None:
    """Run a table here, so that each fork has all imports and caches."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.csv").write_text("word\nwarm\n", encoding="utf-8")
        asyncio.run(run({**start, "folder": folder, "dies": None, "stop_after": None}))
    if threading.active_count() > 1:
        message = "a fork needs a process without threads"
        raise RuntimeError(message)
    gc.collect()
    gc.freeze()


def main() -> None:
    """Run each start in a fork."""
    # The sandbox ends a run when it is looked at, and a refusal with the next request.
    repeating.SHORTEST_S = repeating.FIRST_BACK_OFF_S = 0.001
    provider_run._pauses = lambda: repeat(0.0)
    is_warm = False
    for line in sys.stdin:
        start = json.loads(line)
        if not is_warm:
            warm_up(start)
            is_warm = True
        child = os.fork()
        if not child:
            asyncio.run(run(start))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - to the test


if __name__ == "__main__":
    main()
