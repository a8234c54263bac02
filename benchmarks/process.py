"""Measure this process: memory, CPU, sockets, tasks. Linux only: it reads /proc."""

import asyncio
import gc
import re
import resource
from contextlib import suppress
from pathlib import Path

_SELF = Path("/proc/self")
_TURNS_OF_THE_LOOP = 10


def allow_many_files() -> None:
    """Raise the limit of open files and sockets as far as this process may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def memory() -> int:
    """Return the resident memory, in KiB."""
    return _status("VmRSS")


def peak_memory() -> int:
    """Return the highest resident memory since `forget_peak`, in KiB."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Measure the peak from now on."""
    (_SELF / "clear_refs").write_text("5", encoding="ascii")


def cpu_seconds() -> float:
    """Return the CPU time used so far, in user and kernel, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def open_sockets() -> int:
    """Count the open sockets, including those of the event loop."""
    count = 0
    for entry in (_SELF / "fd").iterdir():
        with suppress(OSError):  # the listing's own descriptor is gone by now
            count += str(entry.readlink()).startswith("socket:")
    return count


async def other_tasks() -> int:
    """Count the tasks other than the caller's that the loop could not end in some turns."""
    for _ in range(_TURNS_OF_THE_LOOP):
        gc.collect()
        await asyncio.sleep(0)
    return len(asyncio.all_tasks()) - 1


def _status(name: str) -> int:
    found = re.search(
        rf"^{name}:\s+(\d+) kB$",
        (_SELF / "status").read_text(encoding="ascii"),
        re.MULTILINE,
    )
    return int(found[1]) if found else 0
