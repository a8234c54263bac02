"""The connections that a host keeps by name, for any page, adapter or command line."""

import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias, cast

from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectionStatus,
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
    Secret,
)
from perplexity_connector.contract.json import Document
from perplexity_connector.host.credentials.form import (
    NAME,
    ConnectionForm,
    Credential,
    Given,
    fingerprint,
)
from perplexity_connector.host.credentials.store import (
    ConnectionStore,
    StoredConnection,
)

FindForm: TypeAlias = Callable[[str], ConnectionForm]
Test: TypeAlias = Callable[[str, Credential], Awaitable[ConnectionStatus]]
_FINGERPRINT = 8


class Connections:
    """Stored connections: add, list, test, rename, replace the key, remove. What is shown of one never holds a secret.

    A connection is shown as `connection_name`, `connector`, `fingerprint` (eight hex digits of its secrets' hash),
    `created_at` and `updated_at` (ISO 8601, UTC). Names are unique over all connectors, whatever their case
    and whatever in them cannot be seen.

    Every method raises `ConnectorError`: `invalid_credentials` when the store cannot be opened, `unavailable` when
    others keep it busy, `internal` when it cannot be read or written, `not_found` for a name or a connector that is not
    there.
    """

    def __init__(
        self,
        store: ConnectionStore | None,
        environ: Mapping[str, str],
        form: FindForm,
        test: Test,
    ) -> None:
        """Keep connections in `store`, by default the user's own; `form` and `test` are the host's."""
        self._given_store = store
        self._environ = environ
        self._form = form
        self._test = test

    def add(self, connector: str, fields: Given) -> Document:
        """Keep a new connection under its `connection_name`; the connection as it is shown.

        Raises `ConnectorError`: `invalid_credentials` naming each field that breaks the form, `invalid_input` for a
        name that is taken, holds the key or cannot be shown.
        """
        form = self._form(connector)
        now = _now()
        new = _named(
            form,
            StoredConnection(
                connector=connector,
                name="",
                fields=form.checked(fields),
                fingerprint="",
                created_at=now,
                updated_at=now,
            ),
        )
        self._store.change(lambda there: [*_without_clash(there, new.name), new])
        return _shown(new)

    def list(self, connector: str | None = None) -> list[Document]:
        """Every connection, or those of one connector, in order of name."""
        found = sorted(self._store.read(), key=lambda one: folded(one.name))
        return [_shown(one) for one in found if connector in (None, one.connector)]

    async def test(
        self, connection: str | Given | None, connector: str | None = None
    ) -> Document:
        """How good a connection is, as `ConnectionStatus`: a stored one, given fields, or the environment's (None).

        `connector` is needed for all but a stored one. Free of cost; never raises for a connection that is no good.
        """
        where, fields = self._found(connection, connector)
        try:
            sealed = self._form(where).resolve(fields, self._environ)
        except ConnectorError as error:
            if error.code is not ErrorCode.INVALID_CREDENTIALS:
                raise
            return _refused(error).to_dict()
        return (await self._test(where, sealed)).to_dict()

    def rename(self, name: str, new_name: str) -> Document:
        """Give a connection another name; saved steps that use the old one must be changed. The connection as shown.

        Raises `ConnectorError` as `add` does.
        """
        return self._changed(name, {NAME: new_name})

    def replace_key(self, name: str, fields: Given) -> Document:
        """Put other secrets into a connection, under the same name. The connection as it is shown.

        Raises `ConnectorError` (`invalid_input`) for a field that is no secret, else as `add` does.
        """
        form = self._form(self._stored(name).connector)
        if wrong := [field for field in fields if not form.is_secret(field)]:
            raise _refusal(
                [(field, "Only secret fields can be replaced.") for field in wrong],
                "conflict",
            )
        return self._changed(name, fields)

    def remove(self, name: str) -> None:
        """Forget a connection."""
        self._store.change(lambda there: _split(there, name)[1])

    def fields(self, name: str, connector: str) -> JsonObject:
        """The fields of a stored connection, secrets in the clear, for a run of that connector.

        Raises `ConnectorError` (`invalid_credentials`) for a connection of another connector.
        """
        found = self._stored(name)
        if found.connector != connector:
            message = (
                f"That connection is one of {found.connector!r}, not of {connector!r}."
            )
            raise ConnectorError(ErrorCode.INVALID_CREDENTIALS, message)
        return found.fields

    @property
    def _store(self) -> ConnectionStore:
        self._given_store = self._given_store or ConnectionStore.default(self._environ)
        return self._given_store

    def _stored(self, name: str) -> StoredConnection:
        return _split(self._store.read(), name)[0]

    def _found(
        self, connection: str | Given | None, connector: str | None
    ) -> tuple[str, Given | JsonObject | None]:
        if isinstance(connection, str):
            found = self._stored(connection)
            return found.connector, self.fields(
                connection, connector or found.connector
            )
        if connector is None:
            message = "Say of which connector the connection is."
            raise ConnectorError(ErrorCode.INVALID_INPUT, message)
        return connector, connection

    def _changed(self, name: str, fields: Given) -> Document:
        changed: list[StoredConnection] = []

        def edit(there: Sequence[StoredConnection]) -> Sequence[StoredConnection]:
            old, others = _split(there, name)
            form = self._form(old.connector)
            given = form.checked(cast("Given", {**old.fields, **fields}))
            changed.append(_named(form, replace(old, fields=given, updated_at=_now())))
            clean = _without_clash(others, changed[0].name)
            return [*clean, changed[0]]

        self._store.change(edit)
        return _shown(changed[0])


def _shown(stored: StoredConnection) -> Document:
    return {
        NAME: stored.name,
        "connector": stored.connector,
        "fingerprint": stored.fingerprint,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
    }


def _named(form: ConnectionForm, connection: StoredConnection) -> StoredConnection:
    name = connection.fields.get(NAME)
    if not isinstance(name, str) or not folded(name):
        raise _refusal([(NAME, "A connection that is kept needs a name.")], "required")
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        # It could be neither shown in a list nor typed as an argument.
        raise _refusal(
            [(NAME, "A name is one line without control characters.")], "pattern"
        )
    sealed = form.as_credential(connection.fields)
    if any(
        value.reveal() in name for value in sealed.values() if isinstance(value, Secret)
    ):
        raise _refusal(
            [(NAME, "The key itself cannot be the name: choose another one.")],
            "conflict",
        )
    return replace(
        connection, name=name, fingerprint=fingerprint(sealed)[:_FINGERPRINT]
    )


def _without_clash(
    there: Sequence[StoredConnection], name: str
) -> Sequence[StoredConnection]:
    if any(folded(one.name) == folded(name) for one in there):
        raise _refusal(
            [
                (
                    NAME,
                    "There is a connection of this name already; upper and lower case count as one.",
                )
            ],
            "conflict",
        )
    return there


def _split(
    there: Sequence[StoredConnection], name: str
) -> tuple[StoredConnection, Sequence[StoredConnection]]:
    found = [one for one in there if folded(one.name) == folded(name)]
    if not found:
        # The name that was asked for is not repeated: it may be a key, pasted into the wrong place.
        names = ", ".join(sorted(one.name for one in there)) or "none"
        raise ConnectorError(
            ErrorCode.NOT_FOUND,
            f"There is no connection of that name. There is: {names}.",
        )
    return found[0], [one for one in there if one is not found[0]]


def _refusal(problems: Sequence[tuple[str, str]], code: str) -> ConnectorError:
    fields = [
        FieldError(pointer=f"/{field}", code=code, message=mend)
        for field, mend in problems
    ]
    words = " ".join(dict.fromkeys(mend for _, mend in problems))
    return ConnectorError(
        ErrorCode.INVALID_INPUT,
        f"The connection cannot be kept. {words}",
        fields=fields,
    )


def _refused(error: ConnectorError) -> ConnectionStatus:
    return ConnectionStatus(
        outcome=ConnectionOutcome.INVALID_CREDENTIALS,
        message=error.user_message,
        next_step="Fill in the connection's fields as its form asks.",
    )


def folded(name: str) -> str:
    """What two ways to write the same name have in common."""
    seen = "".join(sign for sign in name if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", seen.strip()).casefold()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
