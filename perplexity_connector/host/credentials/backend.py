"""Where connections are kept: the protocol that any store follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from perplexity_connector.contract import JsonObject

__all__ = ["ConnectionBackend", "StoredConnection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConnection:
    """A connection as stored.

    `connector` is an id. `fields` are the credential's, in the clear. `fingerprint` is shown in
    place of the secrets. `created_at` and `updated_at` are ISO 8601 in UTC.
    """

    connector: str
    name: str
    fields: JsonObject
    fingerprint: str
    created_at: str
    updated_at: str

    def __repr__(self) -> str:
        """Show the connector and the name; never a field."""
        return f"StoredConnection(connector={self.connector!r}, name={self.name!r})"


class ConnectionBackend(Protocol):
    """Keeps the connections of a host. `ConnectionStore` is one: an encrypted file.

    Both methods block, and a run reads on the host's event loop: a slow backend should keep a copy.
    The secrets are in the clear, so a backend encrypts them itself. It may raise `ConnectorError`;
    any other exception becomes `unavailable`, without its text.
    """

    def read(self) -> Sequence[StoredConnection]:
        """Return every connection, in the order in which they were added."""
        ...

    def change(
        self, edit: Callable[[Sequence[StoredConnection]], Sequence[StoredConnection]]
    ) -> None:
        """Replace the connections by the result of `edit`, while no other caller changes them.

        If `edit` raises, nothing is changed, and its error passes on.
        """
