"""Files that only their owner may read. They are written completely or not at all."""

import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from perplexity_connector.host.environment import CHECK_MODES_VARIABLE, HOME_VARIABLE

__all__ = ["write_private"]

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class ExposedError(Exception):
    """A file or folder that other users may read or change. The message says how to fix that."""


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


def read_private(path: Path, *, check_modes: bool) -> bytes | None:
    """Return the content of `path`, or None if the file does not exist.

    With `check_modes`, raises `ExposedError` for a file that other users may read or change. Raises
    `OSError` for one that cannot be read, such as a link to a missing file.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        if path.is_symlink():
            raise
        return None
    with file:
        if check_modes and _is_exposed(os.fstat(file.fileno())):
            raise _exposed(path, "600")
        return file.read()


def make_private(path: Path) -> None:
    """Keep other users out of a folder or file of ours.

    Raises `ExposedError` if they can use it all the same: it belongs to another user, it is a
    folder that users share, or its file system has no permissions.
    """
    found = path.stat()
    if not _is_exposed(found):
        return
    is_shared = found.st_mode & stat.S_ISVTX
    if found.st_uid == os.geteuid() and not is_shared:
        # Some file systems refuse this, others ignore it: only a second look shows the outcome.
        with suppress(OSError):
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
    if _is_exposed(path.stat()):
        raise _exposed(path, "go-rwx")


def _is_exposed(found: os.stat_result) -> bool:
    # Windows has no such bits and reports made-up ones.
    return os.name == "posix" and bool(found.st_mode & _OTHERS)


def _exposed(path: Path, mode: str) -> ExposedError:
    return ExposedError(
        f"Other users may read or change {path}. Run: chmod {mode} {shlex.quote(str(path))}. If that"
        f" changes nothing, choose another folder with {HOME_VARIABLE}, or accept it with"
        f" {CHECK_MODES_VARIABLE}=0."
    )
