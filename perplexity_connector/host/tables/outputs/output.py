"""The output file: one write a record, and at any time only whole records of one job."""

import errno
import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from perplexity_connector.host.tables.refusals import refusal

_BINARY = getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger knows of an output file.

    * `job_id`: the job whose records it has.
    * `end`: where its last record ends; 0 if none is noted.
    * `last`: that record; empty where its content was erased.
    * `next`: the records that may follow it: a crash came before their ends were noted.
    * `is_lossy`: whether lines count as not written whose answers the ledger no longer has. Then
      nothing is cut off.
    """

    job_id: str
    end: int = 0
    last: bytes = field(default=b"", repr=False)
    next: Collection[bytes] = field(default=(), repr=False)
    is_lossy: bool = False


class Output:
    """An open output.

    * `_file`: the open file.
    * `_end`: where its last whole record ends.
    """

    def __init__(self, path: Path, header: bytes, known: Known) -> None:
        """Open a file, and cut off what follows the last record that is known.

        Raises `ConnectorError` for a file that has other content: it is left alone.
        """
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o666)
        except OSError as problem:
            message = f"The output cannot be opened: {problem.strerror}."
            raise refusal(message) from None
        try:
            self._end = _known_end(self._file, header, known)
            os.ftruncate(self._file, self._end)
            if self._end < len(header):
                self.append(header)
        except OSError as problem:
            self.close()
            message = f"The output cannot be written: {problem.strerror}."
            raise refusal(message) from None
        except BaseException:
            self.close()
            raise

    def append(self, record: bytes) -> int:
        """Write a record, and return where it ends. Raises `OSError`; then no part of it is there."""
        os.lseek(self._file, self._end, os.SEEK_SET)
        try:
            _write_whole(self._file, record)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._end += len(record)
        return self._end

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def check(path: Path, header: bytes, known: Known) -> None:
    """Change nothing. Raises `ConnectorError` for a file that `Output` would leave alone."""
    with suppress(OSError):  # `Output` says so
        file = os.open(path, os.O_RDONLY | _BINARY)
        try:
            _known_end(file, header, known, is_strict=True)
        finally:
            os.close(file)


def _known_end(
    file: int, header: bytes, known: Known, *, is_strict: bool = False
) -> int:
    """`is_strict`: nothing but our next records may follow a last record that was erased."""
    size = os.fstat(file).st_size
    if known.end:
        end, is_ours = known.end, _begins_with(file, header, known, size)
        if is_strict and is_ours and not known.last:
            is_ours = size == end or _has_next(file, end, known)
    else:
        # A crash may have left a part of the header, or of the first record.
        end = min(size, len(header))
        begin = _read(file, 0, len(header))
        is_ours = header.startswith(begin) if header else _has_next(file, 0, known)
    if size and not is_ours:
        message = (
            "The output was changed: its last record is not that of this job. It is left alone. "
            f"Write all records to another file, without new runs: --job {known.job_id} --out OTHER"
        )
        raise refusal(message)
    if size > end and known.is_lossy:
        message = (
            "Lines of the table have moved, and the ledger no longer has all answers: only the output may have "
            f"them. It is left alone. Write the other ones to another file: --job {known.job_id} --out OTHER"
        )
        raise refusal(message)
    return end


def _begins_with(file: int, header: bytes, known: Known, size: int) -> bool:
    if size < known.end or not _has(file, 0, header):
        return False
    if known.last:
        return _has(file, known.end - len(known.last), known.last)
    return _has(file, known.end - 1, b"\n")


def _has_next(file: int, begin: int, known: Known) -> bool:
    return any(
        record.startswith(_read(file, begin, len(record))) for record in known.next
    )


def _has(file: int, begin: int, record: bytes) -> bool:
    return begin >= 0 and _read(file, begin, len(record)) == record


def _read(file: int, begin: int, length: int) -> bytes:
    os.lseek(file, begin, os.SEEK_SET)
    return os.read(file, length)


def _write_whole(file: int, record: bytes) -> None:
    if os.write(file, record) < len(record):
        # A full disk takes a part of a write before it refuses the next one.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def unfinished(path: Path) -> Path:
    """Return where the whole file is written again, beside the old one."""
    return path.with_name(f".{path.name}.new")


def rewrite(
    path: Path, header: bytes, records: Iterable[tuple[int, bytes]]
) -> list[tuple[int, int]]:
    """Write a whole file beside an output. Return where the record of each line ends.

    `adopt` puts it in the output's place. Raises `OSError`; then the file is gone.
    """
    new, end = unfinished(path), len(header)
    ends = []
    try:
        with new.open("wb") as file:
            file.write(header)
            for line, record in records:
                file.write(record)
                end += len(record)
                ends.append((line, end))
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            new.chmod(path.stat().st_mode)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return ends


def adopt(path: Path) -> None:
    """Put the file of `rewrite` in the place of the output."""
    unfinished(path).replace(path)


def settle_unfinished(path: Path, known: Known) -> None:
    """Put a file in the output's place whose ends are noted already, or remove it: a crash left it."""
    new = unfinished(path)
    if not new.exists():
        return
    if known.last and _ends_with(new, known):
        adopt(path)
    new.unlink(missing_ok=True)


def _ends_with(path: Path, known: Known) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, known.end - len(known.last)))
        # Not one byte more: the file was complete when its ends were noted.
        return file.read() == known.last


def free_path(path: Path) -> Path:
    """Return the first of `OUT.1`, `OUT.2` and so on that is free: the place of an old output."""
    number = 1
    while (kept := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    return kept
