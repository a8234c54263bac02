"""Read the files of a connector. Anyone may have written them."""

import errno
import stat
from pathlib import Path


def read_file(file: Path, most: int) -> bytes:
    """Return the content of a file.

    Raises `OSError` for a file that cannot be read, has more than `most` bytes, or is a pipe, a
    device or a folder.
    """
    # Before it is opened: a pipe would be waited for, and a device may act on it.
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    with file.open("rb") as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes")
    return content
