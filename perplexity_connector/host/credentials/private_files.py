"""Files that only their owner may read. They are written completely or not at all."""

import os
import stat
from pathlib import Path

__all__ = ["write_private"]


class ExposedError(Exception):
    """A file that other users may read or change. The message says how to fix that."""


def write_private(path: Path, content: bytes) -> None:
    """Write `content` to `path`. After a crash the file has either the old or the new content.

    Two processes must not write the same path at once. Raises `OSError` if the write fails.
    """
    # Keep a link, and write the file that it leads to.
    path = Path(os.path.realpath(path))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A fixed name, so that the next write removes what a crash left behind.
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_private(path: Path) -> bytes | None:
    """Return the content of `path`, or None if the file does not exist.

    Raises `ExposedError` for a file that other users may read or change, `OSError` for one that
    cannot be read, such as a link to a missing file.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        if path.is_symlink():
            raise
        return None
    with file:
        loose = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
        # Windows has no such bits and reports made-up ones.
        if loose and os.name == "posix":
            message = f"Other users may read or change {path}. Run: chmod 600 '{path}'"
            raise ExposedError(message)
        return file.read()
