"""Files that their owner alone may read, written all or nothing."""

import os
import stat
from pathlib import Path

__all__ = ["write_private"]


class ExposedError(Exception):
    """A file that others may read or change; the text names it and says how to mend that."""


def write_private(path: Path, content: bytes) -> None:
    """Put `content` at `path`, or leave what is there: a crash in between costs neither.

    Two processes must not write the same path at once. Raises `OSError` where it cannot be done.
    """
    # A link stays one: what it leads to is what others hold on to.
    path = Path(os.path.realpath(path))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A fixed name, so that what a crash leaves behind is gone with the next write.
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_private(path: Path) -> bytes | None:
    """What stands at `path`, or None when nothing does.

    Raises `ExposedError` for a file that others may read or change, `OSError` for one that cannot be read, a link to
    nothing included.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        if path.is_symlink():
            raise
        return None
    with file:
        loose = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
        # Windows has no such bits: what it reports there says nothing.
        if loose and os.name == "posix":
            message = f"Others may read or change {path}. Put that right with: chmod 600 '{path}'"
            raise ExposedError(message)
        return file.read()
