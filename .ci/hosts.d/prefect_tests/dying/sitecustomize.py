"""Kill a flow run's process at a step of the ledger.

Python runs this at the start of each process that has this folder on its path.

DYING_POINTS is a folder with a file for each death, named STEP.MOMENT.TIMES, such as `sent.before.3`. A flow run takes
the first one, and dies when it comes to that step so often.
"""

import os
import signal
from collections import Counter
from contextlib import suppress
from functools import wraps
from pathlib import Path


def _taken() -> list[str]:
    """Take a point. Only one process can remove its file."""
    for point in sorted(Path(os.environ["DYING_POINTS"]).iterdir()):
        with suppress(FileNotFoundError):
            point.unlink()
            return point.name.split(".")
    return []


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _inject(step: str, moment: str, times: int) -> None:
    counts = Counter()
    method = getattr(Ledger, step)

    @wraps(method)
    def dying(*args: object, **options: object) -> object:
        counts[step] += 1
        if counts[step] != times:
            return method(*args, **options)
        if moment == "before":
            _die()
        future = method(*args, **options)
        # The thread that writes calls this right after its commit.
        future.add_done_callback(_die)
        return future

    setattr(Ledger, step, dying)


if "PREFECT__FLOW_RUN_ID" in os.environ:
    # Prefect's own processes have this variable too: the one that opens a ledger is the flow's.
    from perplexity_connector.host import Ledger

    _made = Ledger.__init__

    def _make(self: Ledger, *args: object, **options: object) -> None:
        if point := _taken():
            _inject(point[0], point[1], int(point[2]))
        _made(self, *args, **options)

    Ledger.__init__ = _make
