"""The command `where`: shows the places of all files, and each setting with its source. No secret is shown."""

import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypedDict

from perplexity_connector.cli.output import print_json, print_lines
from perplexity_connector.contract.version import PRODUCT, own_version
from perplexity_connector.host import Host
from perplexity_connector.host import environment as env
from perplexity_connector.host.credentials.store import STORE_NAME
from perplexity_connector.host.ledger.address import find_address, is_clear, shown
from perplexity_connector.rendering.text import one_line

_DEFAULT = "default"
_HIDDEN = "(not shown: it may have a password)"
# An address may have a password, also one that is not written correctly.
_MAY_HIDE = re.compile(r"[:/\\].*@|//|[?#]", re.DOTALL)
# The host's own settings that are not places, with their defaults.
_HOST_SETTINGS: Mapping[str, str] = {
    env.KEEP_DAYS_VARIABLE: str(env.KEEP_DAYS),
    env.RECORD_CONTENT_VARIABLE: "1",
    env.CHECK_MODES_VARIABLE: "1",
    env.DAILY_BUDGET_VARIABLE: "",
}


class _Value(TypedDict):
    """A place or a setting. `source` is the variable that it is from, or `default`."""

    name: str
    value: str
    source: str


class _Document(TypedDict):
    """What `where --json` prints. `secrets`: for each variable of a secret, whether it is set."""

    places: list[_Value]
    settings: list[_Value]
    secrets: dict[str, bool]
    versions: dict[str, str]


def show_places(host: Host, *, as_json: bool) -> None:
    """Print the places, the settings, the variables of secrets and the versions."""
    document = _Document(
        places=list(_places()),
        settings=list(_settings(host)),
        secrets=dict(_secrets(host)),
        versions=dict(_versions(host)),
    )
    if as_json:
        print_json(document)
    else:
        print_lines(map(one_line, _lines(document)))


def _places() -> Iterator[_Value]:
    home = env.HOME_VARIABLE
    yield _place("connections", _store, home)
    yield _place("ledger", _ledger, env.LEDGER_VARIABLE, home)
    yield _place("flows", env.flows_folder, env.FLOWS_VARIABLE, home)
    yield _place("tables", env.tables_folder, home)


def _store() -> Path:
    return env.data_folder(os.environ) / STORE_NAME


def _ledger() -> str:
    address = find_address(None, os.environ)
    if not address.url and not address.file:
        raise RuntimeError
    return address.place


def _place(name: str, find: Callable[[], Path | str], *variables: str) -> _Value:
    """Return a place. The first of these variables that is set chooses it."""
    try:
        place = str(find())
    except RuntimeError:  # as the folders of a user without a home
        place = f"unknown without a home folder: set {env.HOME_VARIABLE}"
    return _Value(name=name, value=place, source=_source(*variables))


def _settings(host: Host) -> Iterator[_Value]:
    for connector in host.connectors():
        for setting in connector["settings"]:
            yield _setting(
                f"{connector['id']}.{setting['name']}",
                setting.get("env") or "",
                setting.get("default") or "",
            )
    for name, default in _HOST_SETTINGS.items():
        yield _setting(name, name, default)


def _setting(name: str, variable: str, default: str) -> _Value:
    value = os.environ.get(variable) or default
    return _Value(name=name, value=_without_secret(value), source=_source(variable))


def _without_secret(value: str) -> str:
    if not _MAY_HIDE.search(value):
        return value
    return shown(value).partition("#")[0] if is_clear(value) else _HIDDEN


def _secrets(host: Host) -> Iterator[tuple[str, bool]]:
    for connector in host.connectors():
        for variable in connector["connection"]["env"].values():
            yield variable, _is_set(variable)
    yield env.MASTER_KEY_VARIABLE, _is_set(env.MASTER_KEY_VARIABLE)


def _is_set(variable: str) -> bool:
    return bool(os.environ.get(variable))


def _versions(host: Host) -> Iterator[tuple[str, str]]:
    yield PRODUCT, own_version()
    yield "Python", platform.python_version()
    for connector in host.connectors():
        yield f"connector {connector['id']}", connector["version"]


def _source(*variables: str) -> str:
    """Return the first variable that is set, which wins."""
    return next(filter(os.environ.get, variables), _DEFAULT)


def _lines(document: _Document) -> Iterator[str]:
    for value in (*document["places"], *document["settings"]):
        shown_value = value["value"] or "(none)"
        yield f"{value['name']}: {shown_value} ({value['source']})"
    for variable, is_set in document["secrets"].items():
        yield f"{variable}: {'set' if is_set else 'not set'}"
    for name, version in document["versions"].items():
        yield f"{name}: {version}"
