import errno
import json
import os
import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from filelock import FileLock, Timeout
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import ConnectionStore, StoredConnection
from perplexity_connector.host.credentials import store
from perplexity_connector.host.environment import (
    CHECK_MODES_VARIABLE,
    HOME_VARIABLE,
    MASTER_KEY_VARIABLE,
)

SENTINEL = "sentinel-Zx81-key-Qq77-parts"


def entry(name: str = "Mine", key: str = SENTINEL) -> StoredConnection:
    """A connection as the store keeps it."""
    return StoredConnection(
        connector="toy",
        name=name,
        fields={"token": key},
        fingerprint="f",
        created_at="c",
        updated_at="u",
    )


def filled(folder: Path, environ: dict[str, str] | None = None) -> ConnectionStore:
    """A store with one connection in it."""
    made = ConnectionStore(folder, environ or {})
    made.change(lambda _: [entry()])
    return made


def refusal_code(at: ConnectionStore) -> ErrorCode:
    """The code with which a store refuses to be read and to be changed; and it is left as it was."""
    before = {
        path: path.read_bytes() for path in at._folder.iterdir() if path.is_file()
    }
    with pytest.raises(ConnectorError) as reading:
        at.read()
    with pytest.raises(ConnectorError) as changing:
        at.change(lambda there: there)
    assert {
        path: path.read_bytes() for path in at._folder.iterdir() if path in before
    } == before
    assert changing.value.code is reading.value.code
    assert SENTINEL not in str(reading.value)
    assert str(at._folder) in str(reading.value)
    assert str(at._folder) in str(changing.value)
    return reading.value.code


def test_an_empty_store_makes_no_file(tmp_path: Path) -> None:
    """Looking costs nothing."""
    assert ConnectionStore(tmp_path / "store", {}).read() == []
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_is_read_by_another_process_of_the_same_user(
    tmp_path: Path,
) -> None:
    """The master key was made on first use, and is found again."""
    filled(tmp_path)
    again = ConnectionStore(tmp_path, {})
    assert again.read() == [entry()]
    again.change(lambda there: [*there, entry("Other")])
    assert [one.name for one in ConnectionStore(tmp_path, {}).read()] == [
        "Mine",
        "Other",
    ]


def test_the_files_hold_no_part_of_a_key_and_no_name(tmp_path: Path) -> None:
    """What `strings` would find in them is looked through, every run of four characters of the key."""
    filled(tmp_path)
    texts = " ".join(
        found.decode()
        for path in tmp_path.iterdir()
        for found in re.findall(rb"[\x20-\x7e]{4,}", path.read_bytes())
    )
    parts = {SENTINEL[at : at + 6] for at in range(len(SENTINEL) - 5)}
    assert [part for part in (*parts, "Mine") if part in texts] == []
    assert "store_version" in texts


def test_a_connection_does_not_show_its_fields() -> None:
    """Neither in a log nor in a traceback."""
    assert SENTINEL not in repr(entry())


def test_the_master_key_may_come_from_the_environment(tmp_path: Path) -> None:
    """Then none is put on disk, and without it nothing can be read."""
    key = Fernet.generate_key().decode()
    filled(tmp_path, {MASTER_KEY_VARIABLE: key})
    assert not (tmp_path / "master.key").exists()
    assert ConnectionStore(tmp_path, {MASTER_KEY_VARIABLE: f" {key}\n"}).read() == [
        entry()
    ]
    assert refusal_code(ConnectionStore(tmp_path, {})) is ErrorCode.INVALID_CREDENTIALS


@pytest.mark.parametrize(
    "key",
    ["short", "ä" * 43 + "=", "\udcff" * 43 + "=", Fernet.generate_key().decode()],
    ids=["short", "not ASCII", "not text", "another"],
)
def test_a_master_key_that_is_none_or_another_one_is_said_and_nothing_is_written(
    tmp_path: Path, key: str
) -> None:
    """The connections come back with the right one."""
    filled(tmp_path)
    assert (
        refusal_code(ConnectionStore(tmp_path, {MASTER_KEY_VARIABLE: key}))
        is ErrorCode.INVALID_CREDENTIALS
    )
    assert ConnectionStore(tmp_path, {}).read() == [entry()]


def test_a_master_key_that_is_gone_is_not_replaced(tmp_path: Path) -> None:
    """A new one could not open what is there."""
    made = filled(tmp_path)
    (tmp_path / "master.key").unlink()
    assert refusal_code(made) is ErrorCode.INVALID_CREDENTIALS
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda text: text[:-40],
        lambda text: text.replace("gAAAAA", "gAAAAB"),
        lambda _: "[]",
        lambda _: "[" * 100_000,
        lambda text: json.dumps(json.loads(text) | {"sealed": None}),
        lambda text: json.dumps(json.loads(text) | {"sealed": "ä"}),
        lambda text: json.dumps(json.loads(text) | {"store_version": 2}),
    ],
)
def test_a_damaged_store_is_said_and_left_as_it_is(
    tmp_path: Path, damage: object
) -> None:
    """Nobody's connections are written over because one byte fell over."""
    made = filled(tmp_path)
    file = tmp_path / "connections.json"
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]
    assert refusal_code(made) is ErrorCode.INVALID_CREDENTIALS


@pytest.mark.parametrize(
    "content", [[], {}, {"connections": [{}]}, {"connections": 5}, {"connections": [5]}]
)
def test_what_was_sealed_but_is_no_list_of_connections_is_damaged(
    tmp_path: Path, content: object
) -> None:
    """A token of the right key alone does not make it one."""
    made = filled(tmp_path)
    file = tmp_path / "connections.json"
    token = (
        Fernet((tmp_path / "master.key").read_bytes())
        .encrypt(json.dumps(content).encode())
        .decode()
    )
    file.write_text(
        json.dumps(json.loads(file.read_text(encoding="utf-8")) | {"sealed": token}),
        encoding="utf-8",
    )
    assert refusal_code(made) is ErrorCode.INVALID_CREDENTIALS


@given(st.data())
def test_no_changed_byte_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Either the store says that it cannot be used, or what it gives is what was kept."""
    folder = tmp_path_factory.mktemp("store")
    made = filled(folder)
    file = folder / "connections.json"
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(
        st.integers(1, 255)
    )
    file.write_bytes(content)
    try:
        assert made.read() == [entry()]
    except ConnectorError as error:
        assert error.code is ErrorCode.INVALID_CREDENTIALS  # noqa: PT017 - either is right


@pytest.mark.parametrize("name", ["connections.json", "master.key"])
def test_files_that_others_may_read_are_refused(tmp_path: Path, name: str) -> None:
    """The owner is told which, and how to put it right."""
    made = filled(tmp_path)
    (tmp_path / name).chmod(0o640)
    assert refusal_code(made) is ErrorCode.INVALID_CREDENTIALS
    accepting = ConnectionStore(tmp_path, {CHECK_MODES_VARIABLE: "0"})
    assert accepting.read() == [entry()]


def mode(path: Path) -> int:
    """The permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_of_the_store_is_for_its_owner_alone(tmp_path: Path) -> None:
    """One that was made, one that was there, and one that was opened to others since."""
    for folder in (tmp_path / "new", tmp_path / "there"):
        (tmp_path / "there").mkdir(mode=0o755, exist_ok=True)
        made = filled(folder)
        assert mode(folder) == 0o700
        folder.chmod(0o775)
        assert made.read() == [entry()]
        assert mode(folder) == 0o700


def test_a_folder_of_the_store_that_others_share_is_refused(tmp_path: Path) -> None:
    """They could put another store into it. Who accepts that says so, and nothing is changed."""
    folder = tmp_path / "shared"
    made = filled(folder)
    folder.chmod(0o1777)
    assert refusal_code(made) is ErrorCode.INVALID_CREDENTIALS
    assert ConnectionStore(folder, {CHECK_MODES_VARIABLE: "0"}).read() == [entry()]
    assert mode(folder) == 0o1777


@pytest.mark.parametrize("changes", ["ignored", "refused"])
@pytest.mark.parametrize("folders", ["open", "closed"])
def test_on_a_file_system_without_modes_nothing_is_saved_until_that_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: str, folders: str
) -> None:
    """Such as FAT, which gives every file to every user; some mounts of it close the folders alone."""
    real = Path.stat

    def without_modes(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        is_closed = folders == "closed" and stat.S_ISDIR(found.st_mode)
        more = 0 if is_closed else 0o077
        return os.stat_result((found.st_mode | more, *found[1:]))

    def chmod(_: Path, __: int) -> None:
        if changes == "refused":
            raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "stat", without_modes)
    monkeypatch.setattr(Path, "chmod", chmod)
    folder = tmp_path / "stick"
    with pytest.raises(ConnectorError, match="stick") as error:
        filled(folder)
    assert error.value.code is ErrorCode.INVALID_CREDENTIALS
    assert CHECK_MODES_VARIABLE in str(error.value)
    assert not [path for path in folder.iterdir() if path.name != "connections.lock"]
    accepting = filled(folder, {CHECK_MODES_VARIABLE: "0"})
    assert accepting.read() == [entry()]


def test_a_store_that_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    """A folder stands where the file should."""
    (tmp_path / "connections.json").mkdir()
    assert refusal_code(ConnectionStore(tmp_path, {})) is ErrorCode.INTERNAL


def test_an_edit_that_refuses_changes_nothing(tmp_path: Path) -> None:
    """And the lock is free again."""
    made = filled(tmp_path)

    def edit(_: object) -> Sequence[StoredConnection]:
        raise ConnectorError(ErrorCode.INVALID_INPUT, "No.")

    with pytest.raises(ConnectorError):
        made.change(edit)
    made.change(lambda there: there)
    assert made.read() == [entry()]


def test_a_store_that_others_keep_busy_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while it is waited for."""
    made = filled(tmp_path)
    monkeypatch.setattr(store, "_LONGEST_WAIT_S", 0)
    with FileLock(tmp_path / "connections.lock"), pytest.raises(ConnectorError) as busy:
        made.change(lambda there: there)
    assert busy.value.code is ErrorCode.UNAVAILABLE
    assert str(tmp_path) in str(busy.value)
    assert issubclass(Timeout, TimeoutError)


@pytest.mark.parametrize("package", ["cryptography.fernet", "filelock", "platformdirs"])
def test_without_the_extra_stored_connections_are_refused(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    """In words, not by an ImportError."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConnectorError, match=package) as error:
        ConnectionStore.default({}).change(lambda there: there)
    assert error.value.code is ErrorCode.INVALID_CREDENTIALS


def test_a_user_without_a_home_has_no_default_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a container under a number that no account has; said, and nothing is put elsewhere."""

    def homeless(_: str) -> Path:
        raise RuntimeError

    monkeypatch.setattr("platformdirs.user_data_path", homeless)
    with pytest.raises(ConnectorError) as error:
        ConnectionStore.default({})
    assert error.value.code is ErrorCode.INVALID_CREDENTIALS


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_a_store_that_is_a_link_stays_one(tmp_path: Path) -> None:
    """Both files may be kept elsewhere, such as on an encrypted volume; while that is away, no new store is begun."""
    made, away = filled(tmp_path / "store"), tmp_path / "volume"
    away.mkdir()
    for name in ("connections.json", "master.key"):
        file = tmp_path / "store" / name
        file.rename(away / name)
        file.symlink_to(away / name)
    made.change(lambda there: [*there, entry("Other")])
    assert ConnectionStore(away, {}).read() == made.read() == [entry(), entry("Other")]
    away.rename(tmp_path / "gone")
    assert refusal_code(made) is ErrorCode.INTERNAL
    assert not away.exists()


def test_the_default_store_is_the_users_own(state_folder: Path) -> None:
    """In the folder where the platform keeps a user's data."""
    ConnectionStore.default({}).change(lambda _: [entry()])
    assert (state_folder / "automation-host" / "connections.json").is_file()


def test_the_folder_of_the_default_store_can_be_chosen(
    tmp_path: Path, state_folder: Path
) -> None:
    """Nothing is then put elsewhere."""
    environ = {HOME_VARIABLE: str(tmp_path / "mine")}
    ConnectionStore.default(environ).change(lambda _: [entry()])
    assert (tmp_path / "mine" / "connections.json").is_file()
    assert list(state_folder.iterdir()) == []


def test_a_store_that_names_its_key_in_another_way_is_read(tmp_path: Path) -> None:
    """Earlier versions had another id for each way to write the same key."""
    made = filled(tmp_path)
    file = tmp_path / "connections.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(document | {"key_id": "0" * 16}), encoding="utf-8")
    assert made.read() == [entry()]
