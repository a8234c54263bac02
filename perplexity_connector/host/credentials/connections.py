"""Named connections that a host stores, for any page, adapter or command line."""

import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectionStatus,
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
    Secret,
)
from perplexity_connector.contract.errors import unchained
from perplexity_connector.contract.near_matches import unknown_name
from perplexity_connector.contract.secret import sealed
from perplexity_connector.host.credentials.backend import (
    ConnectionBackend,
    StoredConnection,
)
from perplexity_connector.host.credentials.form import (
    NAME,
    ConnectionForm,
    Credential,
    Given,
    fingerprint,
)
from perplexity_connector.host.validation.arguments import (
    require_mapping,
    require_text,
)
from perplexity_connector.host.validation.schema_validator import invalid_input_error

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ConnectionDocument,
        ConnectionStatusDocument,
    )

FindForm: TypeAlias = Callable[[str], ConnectionForm]
Edit: TypeAlias = Callable[[Sequence[StoredConnection]], Sequence[StoredConnection]]
Test: TypeAlias = Callable[[str, Credential], Awaitable["ConnectionStatusDocument"]]
# Hexadecimal digits: enough to compare connections by eye.
_FINGERPRINT_DIGITS = 8


class Connections:
    """Stored connections: add, list, test, rename, replace the key, remove.

    A connection is described by `connection_name`, `connector`, `fingerprint` (eight hexadecimal
    digits of its secrets' hash), `created_at` and `updated_at` (ISO 8601, UTC), never by a secret.
    Names are unique over all connectors; case and invisible characters do not count.

    Every method raises `ConnectorError`: `invalid_credentials` if the store cannot be opened,
    `unavailable` if other processes keep it busy or a store of another kind fails, `internal` if
    it cannot be read or written, `not_found` for an unknown name or connector.

    * `_given_store`: the store; None until the user's own store is first needed.
    * `_environ`: the environment variables.
    * `_form`: returns the form of a connector's credential.
    * `_test`: tests a credential of a connector.
    """

    def __init__(
        self,
        store: ConnectionBackend | None,
        environ: Mapping[str, str],
        form: FindForm,
        test: Test,
    ) -> None:
        """Use `store`, by default the user's own. `form` and `test` are the host's."""
        self._given_store = store
        self._environ = environ
        self._form = form
        self._test = test

    def add(self, connector: str, fields: Given) -> "ConnectionDocument":
        """Store a new connection under its `connection_name` and describe it.

        Raises `ConnectorError`: `invalid_credentials` with an error for each field that breaks the
        form, `invalid_input` for a name that is taken, holds the key or cannot be displayed.
        """
        fields = sealed(fields)
        form = self._form(connector)
        require_mapping("fields", fields)
        now = _now()
        new = StoredConnection(
            connector=connector,
            name="",
            fields=form.validate(fields),
            fingerprint="",
            created_at=now,
            updated_at=now,
        )
        named = _set_name_and_fingerprint(form, new)
        self._change(lambda stored: _insert(stored, named))
        return _describe(named)

    def list(self, connector: str | None = None) -> "list[ConnectionDocument]":
        """Describe every connection, or those of one connector, in order of name."""
        if connector is not None:
            require_text("connector", connector)
        stored = self._read()
        return [
            _describe(connection)
            for connection in sorted(
                stored, key=lambda each: comparable_name(each.name)
            )
            if connector in (None, connection.connector)
        ]

    async def test(
        self, connection: str | Given | None, connector: str | None = None
    ) -> "ConnectionStatusDocument":
        """Test a connection and return the `ConnectionStatus`. It is free of cost.

        `connection` is the name of a stored one, the fields themselves, or None for the
        environment's. A stored connection needs no `connector`. A bad connection is a result, not
        an exception.
        """
        connection = sealed(connection)
        owner, credentials = self._find_fields(connection, connector)
        try:
            credential = self.resolve(owner, self._form(owner), credentials)
        except ConnectorError as error:
            if error.code is not ErrorCode.INVALID_CREDENTIALS:
                raise
            return _status_from_error(error).to_dict()
        return await self._test(owner, credential)

    def rename(self, name: str, new_name: str) -> "ConnectionDocument":
        """Rename a connection and describe it. Saved steps with the old name must be changed.

        Raises `ConnectorError` as `add` does.
        """
        require_text("new_name", new_name)
        return self._change_fields(name, {NAME: new_name})

    def replace_key(self, name: str, fields: Given) -> "ConnectionDocument":
        """Replace the secrets of a connection, keep its name, and describe it.

        Raises `ConnectorError` as `add` does, `invalid_input` also for a field that is not secret.
        """
        fields = sealed(fields)
        require_mapping("fields", fields)
        form = self._form(self._find(name).connector)
        if wrong := [field for field in fields if not form.is_secret(field)]:
            raise _invalid_fields(
                wrong, "conflict", "Only secret fields can be replaced. Remove it."
            )
        return self._change_fields(name, fields)

    def remove(self, name: str) -> None:
        """Delete a connection."""
        self._change(lambda stored: _split_off(stored, name)[1])

    def fields(self, name: str, connector: str) -> JsonObject:
        """Return the fields of a stored connection, secrets in the clear, for a run.

        Raises `ConnectorError` (`invalid_credentials`) if it belongs to another connector.
        """
        found = self._find(name)
        if found.connector != connector:
            message = (
                f"That connection belongs to {found.connector!r}, not to {connector!r}."
            )
            raise ConnectorError(ErrorCode.INVALID_CREDENTIALS, message)
        return found.fields

    def resolve(
        self, connector: str, form: ConnectionForm, given: Given | JsonObject | None
    ) -> Credential:
        """Return the credential of a run, from the given fields or from the environment.

        Raises as `ConnectionForm.resolve` does; without either, naming the stored connections.
        """
        return form.resolve(given, self._environ, lambda: self._names(connector))

    def _names(self, connector: str) -> Sequence[str]:
        with suppress(ConnectorError):
            return [stored["connection_name"] for stored in self.list(connector)]
        return ()

    @property
    def _store(self) -> ConnectionBackend:
        if self._given_store is None:
            from perplexity_connector.host.credentials.store import ConnectionStore  # noqa: PLC0415 - most runs are given their fields

            self._given_store = ConnectionStore.default(self._environ)
        return self._given_store

    @unchained()
    def _read(self) -> Sequence[StoredConnection]:
        with _translated_errors():
            stored = self._store.read()
            if not all(isinstance(each, StoredConnection) for each in stored):
                raise TypeError
            return stored

    @unchained()
    def _change(self, edit: Edit) -> None:
        with _translated_errors():
            self._store.change(edit)

    def _find(self, name: str) -> StoredConnection:
        return _split_off(self._read(), name)[0]

    def _find_fields(
        self, connection: str | Given | None, connector: str | None
    ) -> tuple[str, Given | JsonObject | None]:
        if isinstance(connection, str):
            owner = connector or self._find(connection).connector
            return owner, self.fields(connection, owner)
        if connector is None:
            message = "Name the connector of this connection."
            raise ConnectorError(ErrorCode.INVALID_INPUT, message)
        return connector, connection

    def _change_fields(self, name: str, fields: Given) -> "ConnectionDocument":
        changed: list[StoredConnection] = []

        def edit(stored: Sequence[StoredConnection]) -> Sequence[StoredConnection]:
            old, others = _split_off(stored, name)
            form = self._form(old.connector)
            secret = form.validate({**old.fields, **fields})
            new = replace(old, fields=secret, updated_at=_now())
            changed.append(_set_name_and_fingerprint(form, new))
            return _insert(others, changed[0])

        self._change(edit)
        return _describe(changed[0])


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Raise the failures of a store of any kind as `ConnectorError`, without their text."""
    try:
        yield
    except ConnectorError:
        raise
    except Exception as error:  # noqa: BLE001 - an engine's own store may raise anything, with a key in it
        message = f"The store of connections failed: {type(error).__name__}."
        raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None


def comparable_name(name: str) -> str:
    """Return a form of a name that is equal for all ways to write it."""
    visible = "".join(sign for sign in name if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", visible.strip()).casefold()


def _describe(stored: StoredConnection) -> "ConnectionDocument":
    return {
        "connection_name": stored.name,
        "connector": stored.connector,
        "fingerprint": stored.fingerprint,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
    }


def _set_name_and_fingerprint(
    form: ConnectionForm, connection: StoredConnection
) -> StoredConnection:
    credential = form.as_credential(connection.fields)
    name = connection.fields.get(NAME)
    if not isinstance(name, str) or not comparable_name(name):
        raise _invalid_fields([NAME], "required", "A stored connection needs a name.")
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        # It could be neither shown in a list nor typed as an argument.
        message = "Must be one line without control characters."
        raise _invalid_fields([NAME], "pattern", message)
    secrets = [part for part in credential.values() if isinstance(part, Secret)]
    if any(secret.reveal() in name for secret in secrets):
        message = "Must not contain the key. Choose another name."
        raise _invalid_fields([NAME], "conflict", message)
    digits = fingerprint(credential)[:_FINGERPRINT_DIGITS]
    return replace(connection, name=name, fingerprint=digits)


def _insert(
    stored: Sequence[StoredConnection], new: StoredConnection
) -> Sequence[StoredConnection]:
    if _matching(stored, new.name):
        message = "Another connection has this name; upper and lower case are the same. Choose another name."
        raise _invalid_fields([NAME], "conflict", message)
    return [*stored, new]


def _split_off(
    stored: Sequence[StoredConnection], name: str
) -> tuple[StoredConnection, Sequence[StoredConnection]]:
    """Return the connection with that name, and the other ones."""
    require_text("name", name)
    found = _matching(stored, name)
    if not found:
        # Do not repeat the given name: it may be a key, pasted into the wrong field.
        names = [each.name for each in stored]
        message = unknown_name("connection", name, names)
        raise ConnectorError(ErrorCode.NOT_FOUND, message)
    return found[0], [each for each in stored if each is not found[0]]


def _matching(
    stored: Sequence[StoredConnection], name: str
) -> Sequence[StoredConnection]:
    wanted = comparable_name(name)
    return [each for each in stored if comparable_name(each.name) == wanted]


def _invalid_fields(names: Sequence[str], code: str, message: str) -> ConnectorError:
    errors = [
        FieldError(pointer=f"/{name}", code=code, message=message) for name in names
    ]
    return invalid_input_error(errors, "The connection")


def _status_from_error(error: ConnectorError) -> ConnectionStatus:
    return ConnectionStatus(
        outcome=ConnectionOutcome.INVALID_CREDENTIALS,
        message=error.user_message,
        next_step="Fill in the fields of the connection.",
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
