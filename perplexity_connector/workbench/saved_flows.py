"""Saved flows: files `NAME.json` in one folder, which `run-flow` can run too.

A client sends a name, never a path. A flow is found by its name in the list of the folder. A new
file gets a checked name, which means the same on all systems.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn, TypedDict

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
)
from perplexity_connector.contract.json import load_json
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.host.credentials.private_files import write_private
from perplexity_connector.host.environment import FLOWS_VARIABLE, flows_folder
from perplexity_connector.workbench.failures import RefusedError
from perplexity_connector.workbench.folders import folder_of, using_folder

_FILES = "saved flows"
_EXTENSION = ".json"
# File systems allow 255, and a file that is being written has a longer name.
_MOST_BYTES = 200
_LONGEST_WAIT_S = 10
_NEVER_IN_A_NAME = frozenset('<>:"/\\|?*')
# The names of devices on Windows, with any extension.
_DEVICE = re.compile(
    "(con|prn|aux|nul|conin\\$|conout\\$|(com|lpt)[0-9¹²³])", re.IGNORECASE
)


class SavedFlowDocument(TypedDict):
    """A saved flow in a list. `changed_at` is in milliseconds of the epoch, `steps` how many it has."""

    name: str
    changed_at: int
    steps: int


class SavedFlows:
    """The flows in one folder, which several processes may change.

    Its methods wait for files, and raise `ConnectorError`: `not_found` for an unknown name,
    `invalid_input` for a name that cannot be a file's, `internal` for a folder that cannot be used.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Use a folder, which the first saved flow makes; the user's without one."""
        self._given_folder = folder

    def all(self) -> list[SavedFlowDocument]:
        """Return all flows in order of name. A file that is not a flow has no steps."""
        with _usable():
            files = {_name_of(file): file for file in self._files()}
            return [
                {
                    "name": name,
                    "changed_at": files[name].stat().st_mtime_ns // 1_000_000,
                    "steps": _count_steps(files[name]),
                }
                for name in sorted(files, key=_same)
            ]

    def read(self, name: str) -> JsonObject:
        """Return a flow. One that is not a JSON object is `invalid_input`."""
        with _usable():
            flow = _read(self._find(name))
        if flow is None:
            message = "The file of this flow is not a JSON object."
            raise ConnectorError(ErrorCode.INVALID_INPUT, message)
        return flow

    def source(self, name: str) -> str:
        """Return the real path of a flow, by which its runs are found."""
        with _usable():
            return str(self._find(name).resolve())

    def write(self, name: str, flow: JsonObject, *, replace: bool) -> str:
        """Save a flow, and return its name as the list has it.

        Raises `RefusedError` (409) for a name in use, unless it is to be replaced.
        """
        name = _checked(name)
        text = json.dumps(flow, indent=2, ensure_ascii=False)
        # Half of a character in a flow's text: a JSON file may escape it.
        content = f"{text}\n".encode(errors="backslashreplace")
        with self._locked():
            used = self._like(name)
            if used and not (replace and _name_of(used) == name):
                _refuse_name_in_use(used)
            write_private(used or self._folder / f"{name}{_EXTENSION}", content)
        return name

    def rename(self, name: str, new_name: str) -> str:
        """Give a flow another name, and return that as the list has it.

        Raises `RefusedError` (409) for a name in use.
        """
        new_name = _checked(new_name)
        with self._locked():
            file = self._find(name)
            used = self._like(new_name)
            if used and used != file:
                _refuse_name_in_use(used)
            file.rename(file.with_name(f"{new_name}{_EXTENSION}"))
        return new_name

    def remove(self, name: str) -> None:
        """Remove a flow."""
        with self._locked():
            self._find(name).unlink()

    @property
    def _folder(self) -> Path:
        return self._given_folder or folder_of(_FILES, flows_folder, FLOWS_VARIABLE)

    def _files(self) -> list[Path]:
        folder = self._folder
        if not folder.is_dir():
            return []
        return [
            file
            for file in folder.iterdir()
            if file.suffix == _EXTENSION and file.name[0] != "." and file.is_file()
        ]

    def _find(self, name: str) -> Path:
        files = {_name_of(file): file for file in self._files()}
        if file := files.get(unicodedata.normalize("NFC", name)):
            return file
        message = f"No flow of this name is saved.{did_you_mean(name, files)}"
        raise ConnectorError(ErrorCode.NOT_FOUND, message)

    def _like(self, name: str) -> Path | None:
        """Return the file that is the same as a file of this name on some systems."""
        wanted = _same(name)
        alike = (file for file in self._files() if _same(_name_of(file)) == wanted)
        return next(alike, None)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only a change needs it

        with _usable():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with FileLock(self._folder / ".lock", _LONGEST_WAIT_S, mode=0o600):
                    yield
            except Timeout:
                message = "Another process is changing the saved flows. Try again."
                raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None


def _checked(name: str) -> str:
    """Return a name as its file gets it; refuse one that is not a file's name on each system."""
    name = unicodedata.normalize("NFC", name)
    is_plain = name.isprintable() and _NEVER_IN_A_NAME.isdisjoint(name)
    has_good_ends = name == name.strip(" .") != ""
    is_device = _DEVICE.fullmatch(name.partition(".")[0].rstrip())
    if not (is_plain and has_good_ends) or is_device:
        _refuse_name("Not all systems allow this name. Use letters, digits and spaces.")
    if len(name.encode()) > _MOST_BYTES:
        _refuse_name("This name is too long for a file.")
    return name


def _refuse_name(message: str) -> NoReturn:
    field = FieldError(pointer="/name", code="format", message=message)
    raise ConnectorError(ErrorCode.INVALID_INPUT, message, fields=[field])


def _refuse_name_in_use(file: Path) -> NoReturn:
    message = f"A flow of the name {_name_of(file)!r} is saved already."
    raise RefusedError(409, ErrorCode.INVALID_INPUT, message)


def _name_of(file: Path) -> str:
    return unicodedata.normalize("NFC", file.stem)


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _read(file: Path) -> JsonObject | None:
    try:
        flow = load_json(file.read_bytes())
    except ValueError:
        return None
    return flow if isinstance(flow, dict) else None


def _count_steps(file: Path) -> int:
    steps = (_read(file) or {}).get("steps")
    return len(steps) if isinstance(steps, list) else 0


def _usable() -> AbstractContextManager[None]:
    return using_folder(_FILES, FLOWS_VARIABLE)
