import os
import re
import stat
import tempfile
from pathlib import Path

import pytest

from perplexity_connector.host.credentials import private_files
from perplexity_connector.host.credentials.private_files import (
    ExposedError,
    make_private,
    write_private,
)


def read_private(path: Path) -> bytes | None:
    """What a file holds, for a host that looks at its mode."""
    return private_files.read_private(path, check_modes=True)


def test_what_was_written_is_read_and_only_the_owner_can(tmp_path: Path) -> None:
    """The folder too, when it had to be made."""
    path = tmp_path / "new" / "file"
    write_private(path, b"a")
    write_private(path, b"b")
    assert read_private(path) == b"b"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_what_is_not_there_reads_as_nothing(tmp_path: Path) -> None:
    """A first use is no mistake."""
    assert read_private(tmp_path / "file") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_file_that_others_may_read_or_change_is_refused(
    tmp_path: Path, mode: int
) -> None:
    """It may have been read, or changed, already."""
    path = tmp_path / "file"
    write_private(path, b"a")
    path.chmod(mode)
    with pytest.raises(ExposedError, match="file"):
        read_private(path)
    assert private_files.read_private(path, check_modes=False) == b"a"


@pytest.mark.parametrize("mode", [0o755, 0o701, 0o770, 0o2777])
def test_a_folder_of_ours_is_taken_from_the_others(tmp_path: Path, mode: int) -> None:
    """Nothing else of its mode changes."""
    tmp_path.chmod(mode)
    make_private(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == mode & ~0o077


def test_a_folder_that_users_share_is_refused_and_left_as_it_is() -> None:
    """Even by the user who owns it, such as root for the temporary files of all."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o1777)
        with pytest.raises(ExposedError, match=re.escape(folder)):
            make_private(Path(folder))
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o1777


def test_a_folder_of_another_user_is_refused_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in it is not ours to protect."""
    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ExposedError):
        make_private(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_system_without_owners_has_no_folder_to_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows."""
    tmp_path.chmod(0o755)
    found = tmp_path.stat()
    monkeypatch.setattr(Path, "stat", lambda _: found)
    monkeypatch.delattr(os, "geteuid")
    monkeypatch.setattr(os, "name", "nt")
    make_private(tmp_path)


def test_a_system_without_such_permissions_is_not_asked_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows reports bits that say nothing."""
    path = tmp_path / "file"
    write_private(path, b"a")
    path.chmod(0o644)
    file = path.open("rb")
    monkeypatch.setattr(Path, "open", lambda *_: file)
    monkeypatch.setattr(os, "name", "nt")
    assert read_private(path) == b"a"


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next one is not hindered by what it left behind."""
    path = tmp_path / "file"
    write_private(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_private(path, b"new")
    assert read_private(path) == b"old"
    write_private(path, b"newer")
    assert list(tmp_path.iterdir()) == [path]
