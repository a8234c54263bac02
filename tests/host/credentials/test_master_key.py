from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.credentials.master_key import (
    MASTER_KEY_VARIABLE,
    MasterKey,
    find_master_key,
)

DOCUMENT = {"connections": [{"token": "sentinel-token"}]}


def test_a_document_is_decrypted_with_the_key_that_encrypted_it() -> None:
    """The token shows nothing of it."""
    key = MasterKey.new_key()
    token = MasterKey(key).encrypt(DOCUMENT)
    assert "sentinel" not in token
    assert MasterKey(key + b"\n").decrypt(token) == DOCUMENT


@pytest.mark.parametrize("change", [str.lower, lambda token: token[:-1], lambda _: ""])
def test_a_changed_token_is_a_value_error(change: object) -> None:
    """The store reports this type, and only this, as damage."""
    master_key = MasterKey(MasterKey.new_key())
    token = change(master_key.encrypt(DOCUMENT))  # type: ignore[operator]
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        master_key.decrypt(token)


def test_a_token_of_another_key_is_a_value_error() -> None:
    """Two new keys are never the same."""
    token = MasterKey(MasterKey.new_key()).encrypt(DOCUMENT)
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        MasterKey(MasterKey.new_key()).decrypt(token)


def test_the_id_of_a_key_does_not_reveal_it() -> None:
    """It is the same for the same key, and another for another."""
    key = MasterKey.new_key()
    key_id = MasterKey(key).key_id
    assert key_id == MasterKey(b" " + key).key_id
    assert key_id != MasterKey(MasterKey.new_key()).key_id
    assert key_id not in key.decode()


@pytest.mark.parametrize("key", [b"", b"short", b"\xff" * 44])
def test_text_that_is_not_a_fernet_key_is_an_invalid_credential(key: bytes) -> None:
    """The error does not repeat it."""
    with pytest.raises(ConnectorError) as error:
        MasterKey(key)
    assert error.value.code is ErrorCode.INVALID_CREDENTIALS
    assert "short" not in str(error.value)


def test_a_missing_key_is_made_only_on_request(tmp_path: Path) -> None:
    """The next look finds the same one; the variable wins over the file."""
    file = tmp_path / "master.key"
    with pytest.raises(ConnectorError) as error:
        find_master_key(file, {}, make=False)
    assert error.value.code is ErrorCode.INVALID_CREDENTIALS
    assert not file.exists()
    made = find_master_key(file, {}, make=True)
    assert find_master_key(file, {}, make=False).key_id == made.key_id
    environ = {MASTER_KEY_VARIABLE: Fernet.generate_key().decode()}
    assert find_master_key(file, environ, make=True).key_id != made.key_id
