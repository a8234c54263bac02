"""The master key of the stored connections: find it, encrypt and decrypt with it."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.host.credentials.private_files import (
    read_private,
    write_private,
)
from perplexity_connector.host.environment import (
    MASTER_KEY_VARIABLE,
    checks_modes,
    master_key,
)


class MasterKey:
    """Encrypts documents. `key_id` identifies the key without revealing it."""

    def __init__(self, key: bytes) -> None:
        """Use a Fernet key, in either alphabet of Base64. Raises `ValueError` if it is not one."""
        from cryptography.fernet import Fernet  # noqa: PLC0415 - heavy, and only stored connections need it

        # One form for every way to write the same key, so that it has one id. More padding than is
        # needed does no harm.
        canonical = urlsafe_b64encode(urlsafe_b64decode(key + b"=="))
        self._fernet = Fernet(canonical)
        self.key_id = hashlib.sha256(b"master key\0" + canonical).hexdigest()[:16]

    @staticmethod
    def new_key() -> bytes:
        """Return a new random key."""
        from cryptography.fernet import Fernet  # noqa: PLC0415 - heavy, and only stored connections need it

        return Fernet.generate_key()

    def encrypt(self, document: JsonObject) -> str:
        """Return the document encrypted, as a Fernet token."""
        return self._fernet.encrypt(json.dumps(document).encode()).decode()

    def decrypt(self, token: str) -> object:
        """Return the document of a token.

        Raises `ValueError` if the token was changed or was encrypted with another key.
        """
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - heavy, and only stored connections need it

        try:
            return json.loads(self._fernet.decrypt(token.encode()))
        except InvalidToken:
            message = "the token does not match the key"
            raise ValueError(message) from None


def find_master_key(file: Path, environ: Mapping[str, str], *, make: bool) -> MasterKey:
    """Return the environment's master key, else the one in `file`.

    If `make` is true, a missing key is created in `file`. Raises `ConnectorError`
    (`invalid_credentials`) for a key that is missing or invalid, `ExposedError` and `OSError` as
    `read_private` does.
    """
    secret: bytes | None = master_key(environ)
    place = MASTER_KEY_VARIABLE if secret else file.name
    secret = secret or read_private(file, check_modes=checks_modes(environ))
    if secret is None and make:
        secret = MasterKey.new_key()
        write_private(file, secret)
    if secret is None:
        message = (
            f"The master key is missing. Set {MASTER_KEY_VARIABLE} or restore {file}."
        )
        raise store_error(message)
    try:
        return MasterKey(secret)
    except ValueError:
        message = (
            f"The master key of the connections in {file.parent}, from {place}, must be a Fernet"
            " key: 32 random bytes in Base64."
        )
        raise store_error(message) from None


def store_error(message: str) -> ConnectorError:
    """Return the error of stored connections that cannot be used."""
    return ConnectorError(ErrorCode.INVALID_CREDENTIALS, message)
