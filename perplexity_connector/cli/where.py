"""The command `where`: shows where everything is kept, and each setting with its source. No secret is shown."""

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
    env.KEEP_DAYS_VARIABLE: "30",
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
    home, flows = env.HOME_VARIABLE, env.FLOWS_VARIABLE
    environ = os.environ
    yield _place("connections", lambda: env.data_folder(environ) / STORE_NAME, home)
    ledger = _place("ledger", lambda: find_address(None, environ).place, home)
    if env.ledger_url(environ):
        ledger["source"] = env.LEDGER_VARIABLE
    yield ledger
    yield _place("flows", env.flows_folder, flows, home)
    yield _place("tables", env.tables_folder, home)


def _place(name: str, find: Callable[[], Path | str], *variables: str) -> _Value:
    try:
        place = str(find())
    except RuntimeError:
        place = f"unknown without a home folder: set {env.HOME_VARIABLE}"
    return _Value(name=name, value=place, source=_source(*variables))


def _settings(host: Host) -> Iterator[_Value]:
    for connector in host.connectors():
        for setting in connector["settings"]:
            variable = setting.get("env") or ""
            value = os.environ.get(variable) or setting.get("default") or ""
            yield _Value(
                name=f"{connector['id']}.{setting['name']}",
                value=_without_secret(value),
                source=_source(variable),
            )
    for name, default in _HOST_SETTINGS.items():
        value = os.environ.get(name) or default
        yield _Value(name=name, value=value, source=_source(name))


def _without_secret(value: str) -> str:
    if not _MAY_HIDE.search(value):
        return value
    return shown(value).partition("#")[0] if is_clear(value) else _HIDDEN


def _secrets(host: Host) -> Iterator[tuple[str, bool]]:
    for connector in host.connectors():
        for variable in connector["connection"]["env"].values():
            yield variable, bool(os.environ.get(variable))
    yield env.MASTER_KEY_VARIABLE, bool(os.environ.get(env.MASTER_KEY_VARIABLE))


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
        yield f"{value['name']}: {value['value'] or '(none)'} ({value['source']})"
    for variable, is_set in document["secrets"].items():
        yield f"{variable}: {'set' if is_set else 'not set'}"
    for name, version in document["versions"].items():
        yield f"{name}: {version}"
