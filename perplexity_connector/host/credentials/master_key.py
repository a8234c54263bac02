"""The master key of the stored connections, and what it seals."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.host.credentials.private_files import (
    read_private,
    write_private,
)

MASTER_KEY_VARIABLE = "AUTOMATION_HOST_MASTER_KEY"


class MasterKey:
    """Seals documents with one master key. `key_id` tells that key from others without giving it away."""

    def __init__(self, key: bytes) -> None:
        """Take a Fernet key. Raises `ConnectorError` (`invalid_credentials`) for what is none."""
        from cryptography.fernet import Fernet  # noqa: PLC0415 - heavy, and only stored connections need it

        try:
            self._fernet = Fernet(key.strip())
        except ValueError:
            message = (
                "The master key is no Fernet key: 32 random bytes in URL-safe Base64."
            )
            raise unusable(message) from None
        self.key_id = hashlib.sha256(b"master key\0" + key.strip()).hexdigest()[:16]

    @staticmethod
    def new_key() -> bytes:
        """A master key that nobody else has."""
        from cryptography.fernet import Fernet  # noqa: PLC0415 - heavy, and only stored connections need it

        return Fernet.generate_key()

    def encrypt(self, document: JsonObject) -> str:
        """The document, readable for the holder of the master key alone."""
        return self._fernet.encrypt(json.dumps(document).encode()).decode()

    def decrypt(self, token: str) -> object:
        """The document that was sealed. Raises `ValueError` when it was changed since, or another key sealed it."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - heavy, and only stored connections need it

        try:
            return json.loads(self._fernet.decrypt(token.encode()))
        except InvalidToken:
            message = "not what was sealed"
            raise ValueError(message) from None


def find_master_key(file: Path, environ: Mapping[str, str], *, make: bool) -> MasterKey:
    """The seal of the environment's master key, else of the one in `file`; made there first if `make` says so.

    Raises `ConnectorError` (`invalid_credentials`) when there is none or it cannot be used, `ExposedError` and
    `OSError` as `read_private` does.
    """
    # surrogatepass: bytes of a variable that are no text come as lone surrogates, and are no key; `MasterKey` says so.
    key = environ.get(MASTER_KEY_VARIABLE, "").strip().encode(
        errors="surrogatepass"
    ) or read_private(file)
    if key is None and make:
        key = MasterKey.new_key()
        write_private(file, key)
    if key is None:
        message = f"The master key is gone: neither {MASTER_KEY_VARIABLE} is set nor is there {file}."
        raise unusable(message)
    return MasterKey(key)


def unusable(message: str) -> ConnectorError:
    """The error of stored connections that cannot be used, whose text says why."""
    return ConnectorError(ErrorCode.INVALID_CREDENTIALS, message)
