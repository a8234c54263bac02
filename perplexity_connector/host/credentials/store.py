"""The store of connections: one encrypted file, and beside it a lock for writers.

The file is JSON: `store_version`, `key_id` (which master key encrypted it) and `sealed`, a Fernet
token of everything else, names included. A file that cannot be read is an error and is never
overwritten.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.errors import unchained
from perplexity_connector.host.credentials.backend import (
    ConnectionBackend,
    StoredConnection,
)
from perplexity_connector.host.credentials.master_key import (
    MasterKey,
    find_master_key,
    store_error,
)
from perplexity_connector.host.credentials.private_files import (
    ExposedError,
    make_private,
    read_private,
    write_private,
)
from perplexity_connector.host.environment import (
    HOME_VARIABLE,
    MASTER_KEY_VARIABLE,
    checks_modes,
    data_folder,
    variables,
)

__all__ = ["ConnectionStore"]

# The file, in the folder of the store.
STORE_NAME = "connections.json"
_VERSION = 1
_LONGEST_WAIT_S = 30


class ConnectionStore(ConnectionBackend):
    """The connections in one folder, which any number of processes may share.

    The master key is the environment's `AUTOMATION_HOST_MASTER_KEY`, else a file beside the store.
    Folder and files are created on first use; only their owner may read them. A folder that others
    may use is taken from them.

    * `_folder`, `_file`, `_key_file`: the folder, and the store and the master key in it.
    * `_environ`: the environment variables.
    * `_check_modes`: whether files that other users may read are refused.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        """Store connections in `folder`. Without `environ`, use the process's environment."""
        self._folder = folder
        self._environ = variables(environ)
        self._check_modes = checks_modes(self._environ)
        self._file = folder / STORE_NAME
        self._key_file = folder / "master.key"

    @classmethod
    @unchained()
    def default(cls, environ: Mapping[str, str] | None = None) -> "ConnectionStore":
        """Return the store in the user's data folder, which all hosts of this user share.

        Raises `ConnectorError` (`invalid_credentials`) for a user without a home folder.
        """
        try:
            with _translated_errors():
                return cls(data_folder(variables(environ)), environ)
        except RuntimeError:
            message = f"The home folder, where connections are stored, is unknown. Set HOME or {HOME_VARIABLE}."
            raise store_error(message) from None

    @unchained()
    def read(self) -> list[StoredConnection]:
        """Return every connection, in the order in which they were added.

        Raises `ConnectorError` (`invalid_credentials`) for a store that is damaged, encrypted with
        another master key, or readable by other users.
        """
        with _translated_errors(self._folder):
            if self._folder.exists():
                self._keep_private(self._folder)
            return self._read()

    @unchained()
    def change(
        self, edit: Callable[[Sequence[StoredConnection]], Sequence[StoredConnection]]
    ) -> None:
        """Replace the connections by the result of `edit`, while no other process changes them.

        Raises `ConnectorError` as `read` does, `unavailable` if other processes keep the store
        busy, and any error of `edit`. After an error nothing has changed.
        """
        lock = self._folder / "connections.lock"
        with _translated_errors(self._folder):
            from filelock import FileLock  # noqa: PLC0415 - only stored connections need it

            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._keep_private(self._folder)
            with FileLock(lock, timeout=_LONGEST_WAIT_S, mode=0o600):
                # Before a key is written: some file systems give every file to every user.
                self._keep_private(lock)
                self._write(edit(self._read()))

    def _keep_private(self, path: Path) -> None:
        if self._check_modes:
            make_private(path)

    def _read(self) -> list[StoredConnection]:
        content = read_private(self._file, check_modes=self._check_modes)
        if content is None:
            return []
        document = self._document(content)
        master_key = find_master_key(self._key_file, self._environ, make=False)
        try:
            found = master_key.decrypt(str(document["sealed"]))
            return [StoredConnection(**entry) for entry in found["connections"]]  # type: ignore[index] # or it is damaged
        except (ValueError, TypeError, KeyError):
            raise self._unreadable(document, master_key) from None

    def _write(self, connections: Sequence[StoredConnection]) -> None:
        # Create a key only for a new store: a new key could not decrypt an old store.
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

    def _document(self, content: bytes) -> JsonObject:
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            raise self._damaged() from None
        if not isinstance(document, dict) or not isinstance(
            document.get("sealed"), str
        ):
            raise self._damaged()
        if document.get("store_version") != _VERSION:
            message = f"{self._file} does not have version {_VERSION}, which this host reads. Update the host."
            raise store_error(message)
        return document

    def _unreadable(
        self, document: JsonObject, master_key: MasterKey
    ) -> ConnectorError:
        if document.get("key_id") == master_key.key_id:
            return self._damaged()
        places = f"Set {MASTER_KEY_VARIABLE} or restore {self._key_file}."
        return store_error(f"{self._file} needs another master key. {places}")

    def _damaged(self) -> ConnectorError:
        message = f"{self._file} is damaged and was not changed. Restore a copy, or move it away."
        return store_error(message)


@contextmanager
def _translated_errors(folder: Path | None = None) -> Iterator[None]:
    """Raise errors of the files in a folder as `ConnectorError`."""
    try:
        yield
    except ExposedError as error:
        raise store_error(str(error)) from None
    except ImportError as error:
        message = f"Stored connections need the package {error.name}. Install the extra [host]."
        raise store_error(message) from None
    except TimeoutError:
        message = (
            f"Other processes are using the stored connections in {folder}. Try again."
        )
        raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None
    except OSError as error:
        place = error.filename or folder
        message = f"The stored connections cannot be read or written: {place}: {error.strerror}."
        raise ConnectorError(ErrorCode.INTERNAL, message) from None
