"""Connections at rest: one encrypted file, and a lock beside it for those who change it.

The file is JSON: `store_version`, `key_id` (which master key sealed it) and `sealed`, a Fernet token of everything
else, names included. Whatever cannot be understood is said and left as it is, never written over.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    JsonObject,
    JsonValue,
)
from perplexity_connector.host.credentials.master_key import (
    MASTER_KEY_VARIABLE,
    MasterKey,
    find_master_key,
    unusable,
)
from perplexity_connector.host.credentials.private_files import (
    ExposedError,
    read_private,
    write_private,
)

__all__ = ["ConnectionStore"]

_VERSION = 1
_LONGEST_WAIT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConnection:
    """A connection as it is kept: the connector's id, the credential's fields in the clear, two ISO times in UTC.

    `fingerprint` is what is shown in place of the secrets.
    """

    connector: str
    name: str
    fields: JsonObject
    fingerprint: str
    created_at: str
    updated_at: str

    def __repr__(self) -> str:
        """The name; never a field."""
        return f"StoredConnection(connector={self.connector!r}, name={self.name!r})"


class ConnectionStore:
    """The connections in one folder, which is made on first use. Any number of processes may share it.

    The master key is the environment's `AUTOMATION_HOST_MASTER_KEY`, else a file of its own beside the store, made on
    first use; both files are for their owner alone.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        """Keep connections there; `environ` stands in for the process's environment."""
        self._folder = folder
        self._environ = os.environ if environ is None else environ
        self._file = folder / "connections.json"
        self._key_file = folder / "master.key"

    @classmethod
    def default(cls, environ: Mapping[str, str] | None = None) -> "ConnectionStore":
        """The store in the user's own data folder, the one that every host of this user shares.

        Raises `ConnectorError` (`invalid_credentials`) for a user who has no home folder.
        """
        with _told():
            from platformdirs import user_data_path  # noqa: PLC0415 - only stored connections need it

        try:
            return cls(user_data_path("automation-host"), environ)
        except RuntimeError:
            message = "There is no home folder to keep connections in: set HOME."
            raise unusable(message) from None

    def read(self) -> list[StoredConnection]:
        """Every connection, in the order they were made.

        Raises `ConnectorError` (`invalid_credentials`) for a store that is damaged, sealed with another master key, or
        open to others.
        """
        with _told():
            return self._read()

    def change(
        self, edit: Callable[[Sequence[StoredConnection]], Sequence[StoredConnection]]
    ) -> None:
        """Put what `edit` makes of the connections in their place, while no other process changes them.

        Raises `ConnectorError` as `read` does, `unavailable` when others keep the store busy, and what `edit` raises;
        then nothing was changed.
        """
        with _told():
            from filelock import FileLock  # noqa: PLC0415 - only stored connections need it

            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(
                self._folder / "connections.lock", timeout=_LONGEST_WAIT_S, mode=0o600
            ):
                self._write(edit(self._read()))

    def _read(self) -> list[StoredConnection]:
        content = read_private(self._file)
        if content is None:
            return []
        document = _document(content)
        master_key = find_master_key(self._key_file, self._environ, make=False)
        if document.get("key_id") != master_key.key_id:
            message = "The stored connections were encrypted with another master key"
            message = f"{message} ({MASTER_KEY_VARIABLE}, {self._key_file})."
            raise unusable(message)
        return _entries(master_key, document)

    def _write(self, connections: Sequence[StoredConnection]) -> None:
        # A key is made for a store that is not there yet only: a new one could not open an old store.
        master_key = find_master_key(
            self._key_file, self._environ, make=not self._file.exists()
        )
        entries: list[JsonValue] = [asdict(connection) for connection in connections]
        document = {
            "store_version": _VERSION,
            "key_id": master_key.key_id,
            "sealed": master_key.encrypt({"connections": entries}),
        }
        write_private(self._file, json.dumps(document).encode())


def _document(content: bytes) -> JsonObject:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise _damaged() from None
    if not isinstance(document, dict) or not isinstance(document.get("sealed"), str):
        raise _damaged()
    if document.get("store_version") != _VERSION:
        message = f"The stored connections are of another version than {_VERSION}, which this host reads: update it."
        raise unusable(message)
    return document


def _entries(master_key: MasterKey, document: JsonObject) -> list[StoredConnection]:
    try:
        found = master_key.decrypt(str(document["sealed"]))
        return [StoredConnection(**entry) for entry in found["connections"]]  # type: ignore[index] # or it is damaged
    except (ValueError, TypeError, KeyError):
        raise _damaged() from None


def _damaged() -> ConnectorError:
    return unusable(
        "The stored connections are damaged. They were left as they are: bring back a copy, or move them away."
    )


@contextmanager
def _told() -> Iterator[None]:
    """Say what went wrong with the files as an error of the contract."""
    try:
        yield
    except ExposedError as error:
        raise unusable(str(error)) from None
    except ImportError as error:
        message = f"Stored connections need the package {error.name}, which the extra [host] brings."
        raise unusable(message) from None
    except TimeoutError:
        message = "Other processes keep the stored connections busy."
        raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None
    except OSError as error:
        message = f"The stored connections cannot be read or written: {error.strerror}."
        raise ConnectorError(ErrorCode.INTERNAL, message) from None
