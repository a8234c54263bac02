"""The saved blocks of Prefect as the stored connections of a host."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING, NoReturn

from perplexity_connector.adapters.prefect import server
from perplexity_connector.adapters.prefect.blocks import BLOCKS, secrets_of
from perplexity_connector.contract import ConnectorError, ErrorCode, Secret
from perplexity_connector.host import StoredConnection
from perplexity_connector.host.credentials.form import NAME, fingerprint

if TYPE_CHECKING:
    from prefect.blocks.core import Block
    from prefect.client.schemas.objects import BlockDocument

# Every run of a table reads its connection: a copy is used for so long.
_KEPT_S = 30.0
_FINGERPRINT_DIGITS = 8


class BlockStore:
    """Saved blocks, for `Host(store=BlockStore())`: a block's name is the name of its connection.

    It only reads. A block is made and changed in Prefect's page, or by `save` of its class.

    * `_copy`: the connections as they were read last; None before.
    * `_until`: how long the copy is used before it is read again, on the monotonic clock.
    """

    def __init__(self) -> None:
        """Read nothing yet."""
        self._copy: Sequence[StoredConnection] | None = None
        self._until = 0.0

    def read(self) -> Sequence[StoredConnection]:
        """Return every connection, of all connectors. Only the first call waits for the server."""
        if self._copy is None:
            self._renew()
        elif time.monotonic() >= self._until:
            self._until = time.monotonic() + _KEPT_S
            Thread(target=self._renew_quietly, daemon=True).start()
        return self._copy or ()

    def _renew(self) -> None:
        self._copy = [
            _connection(connector, block, document)
            for connector, block in BLOCKS.items()
            for document in server.block_documents(block.get_block_type_slug())
        ]
        self._until = time.monotonic() + _KEPT_S

    def _renew_quietly(self) -> None:
        """Read again, so that a new key counts. While the server is away, the copy stays."""
        with suppress(Exception):
            self._renew()

    def change(
        self, edit: Callable[[Sequence[StoredConnection]], Sequence[StoredConnection]]
    ) -> NoReturn:
        """Raise `ConnectorError` (`unsupported`): Prefect has no change that other callers wait for."""
        del edit
        message = "Prefect keeps this connection. Change its block in Prefect's page."
        raise ConnectorError(ErrorCode.UNSUPPORTED, message)


def _connection(
    connector: str, block: "type[Block]", document: "BlockDocument"
) -> StoredConnection:
    name = document.name or ""
    fields = {key: text for key, text in document.data.items() if text is not None}
    secret = {key: Secret(fields[key]) for key in secrets_of(block) & fields.keys()}
    return StoredConnection(
        connector=connector,
        name=name,
        fields={**fields, NAME: name},
        fingerprint=fingerprint(secret)[:_FINGERPRINT_DIGITS],
        created_at=_time(document.created),
        updated_at=_time(document.updated),
    )


def _time(given: datetime | None) -> str:
    return given.isoformat(timespec="seconds") if given else ""
