"""Where a ledger is: a file of this machine, or a URL with a password that nothing shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perplexity_connector.contract import Secret
from perplexity_connector.host.environment import (
    LEDGER_VARIABLE,
    ledger_folder,
    ledger_url,
    variables,
)

_FILE_NAME = "ledger.sqlite"
# A host, a port and a database, or the path of a file: no place for a password.
_SHOWN = re.compile(
    r"(?P<scheme>[\w+.-]+)://([^@?]*@)?(?P<rest>[\w.-]*(:\d+)?(/[^@?]*)?)(\?[^@]*)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a ledger is.

    * `file`: its file in the user's state folder; None with a URL, and without a home folder.
    * `url`: the URL that the operator chose.
    """

    file: Path | None = None
    url: Secret | None = None

    @property
    def place(self) -> str:
        """Return a text that names it and holds no password."""
        if self.url:
            return shown(self.url.reveal())
        return str(self.file) if self.file else "the home folder"

    @property
    def is_local(self) -> bool:
        """Return whether it is a file of this machine."""
        return not self.url or self.url.reveal().startswith("sqlite")

    @property
    def key(self) -> tuple[str, int]:
        """Return a key that is the same for the same address, and does not hold the password."""
        return self.place, hash(self.url.reveal() if self.url else "")


def find_address(url: str | None, environ: Mapping[str, str] | None) -> Address:
    """Return the address of a URL, else that of the environment, else the file of this user."""
    environ = variables(environ)
    if chosen := url or ledger_url(environ):
        return Address(url=Secret(chosen))
    try:
        return Address(file=ledger_folder(environ) / _FILE_NAME)
    except RuntimeError:
        return Address()


def is_clear(url: str) -> bool:
    """Return whether it is certain where the password of a URL begins and ends."""
    return bool(_SHOWN.fullmatch(url))


def shown(url: str) -> str:
    """Return a URL without user, password and query.

    Only the scheme is left of a URL in which it is not certain where the password ends.
    """
    if found := _SHOWN.fullmatch(url):
        return f"{found['scheme']}://{found['rest']}"
    scheme, mark, _ = url.partition("://")
    return f"{scheme}://…" if mark and scheme.isidentifier() else LEDGER_VARIABLE
