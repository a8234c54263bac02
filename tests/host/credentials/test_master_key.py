import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.credentials.master_key import (
    MasterKey,
    find_master_key,
)
from perplexity_connector.host.environment import MASTER_KEY_VARIABLE

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


# 32 bytes whose Base64 has both signs in which the alphabets differ, and padding.
KEY = urlsafe_b64encode(b"\xfb\xef\xbe\xff" * 8).decode()


@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda key: f'"{key}"',
        lambda key: f"'{key}'",
        lambda key: f'\t" {key} "\n',
        lambda key: key.replace("-", "+").replace("_", "/"),
        lambda key: key.rstrip("="),
        lambda key: f"'{key.replace('-', '+').rstrip('=')}'",
        lambda key: key + "=",
    ],
)
def test_a_key_is_the_same_however_it_is_written(
    tmp_path: Path, write: Callable[[str], str]
) -> None:
    """In quotes, in the other alphabet, without padding: the same id, and each reads what another sealed."""
    plain = MasterKey(KEY.encode())
    environ = {MASTER_KEY_VARIABLE: write(KEY)}
    found = find_master_key(tmp_path / "master.key", environ, make=False)
    assert found.key_id == plain.key_id
    assert found.decrypt(plain.encrypt(DOCUMENT)) == DOCUMENT
    (tmp_path / "master.key").write_text(write(KEY).strip("\t\n \"'"))
    (tmp_path / "master.key").chmod(0o600)
    read = find_master_key(tmp_path / "master.key", {}, make=False)
    assert read.key_id == plain.key_id


def test_the_id_of_a_key_is_that_of_earlier_versions() -> None:
    """Stores that they wrote name it."""
    digest = hashlib.sha256(b"master key\0" + KEY.encode()).hexdigest()
    assert MasterKey(KEY.encode()).key_id == digest[:16]


@pytest.mark.parametrize(
    "key",
    ["short", "ÿ" * 44, "\udcff" * 44, KEY[:-4], KEY[:20], "a" * 45],
)
def test_text_that_is_not_a_fernet_key_is_an_invalid_credential(
    tmp_path: Path, key: str
) -> None:
    """The error names the place and does not repeat the key."""
    file = tmp_path / "master.key"
    file.write_bytes(key.encode(errors="surrogatepass"))
    file.chmod(0o600)
    for environ, place in (
        ({MASTER_KEY_VARIABLE: key}, MASTER_KEY_VARIABLE),
        ({}, file.name),
    ):
        with pytest.raises(ConnectorError) as error:
            find_master_key(file, environ, make=False)
        assert error.value.code is ErrorCode.INVALID_CREDENTIALS
        assert place in str(error.value)
        assert str(tmp_path) in str(error.value)
        assert key not in str(error.value)


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
