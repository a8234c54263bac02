"""A process that runs a flow in forks of its own, each of which dies after a given step of the ledger.

Each line of stdin is one start as JSON, each line of stdout its exit code.
"""

import asyncio
import gc
import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from tests.host.flows.stage import Theatre, every, flow, ref, step
from tests.host.tables.crash_child import MortalLedger

FLOW_ID = f"flow_{'c' * 32}"
# Each of its greetings is to be sent once.
FLOW = flow(
    step("one", name="Ada"),
    step(
        "each",
        bindings={"/name": [ref("one"), {"item": ""}]},
        each={"input": "/people"},
    ),
    inputs={"type": "object", "properties": {"people": {"type": "array"}}},
)
PEOPLE = {"people": ["Bo"]}


class Stage(Theatre):
    """A theatre that writes each greeting which was sent into a file, where no crash loses it."""

    def note(self, name: str) -> None:
        """Write it."""
        with (self.folder / "sent").open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")


async def run(start: dict[str, Any]) -> None:
    """Run the flow to its end, unless the process dies."""
    folder = Path(start["folder"])
    stage = Stage(folder)
    stage.ledger = ledger = MortalLedger(f"sqlite:///{folder}/ledger.sqlite", start)
    async with stage.host() as host:
        await every(host.stream_flow(FLOW, inputs=PEOPLE, flow_id=FLOW_ID))
    ledger.close()
    (folder / "steps").write_text(json.dumps(ledger.steps), encoding="utf-8")


def main() -> None:
    """Run each start in a fork."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run({"folder": folder}))
    if threading.active_count() > 1:
        message = "a fork needs a process without threads"
        raise RuntimeError(message)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            asyncio.run(run(json.loads(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - to the test


if __name__ == "__main__":
    main()
