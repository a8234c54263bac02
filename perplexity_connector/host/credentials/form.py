"""The form of a connection: validate given fields, or read them from the environment."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from perplexity_connector.contract import (
    ConnectionSpec,
    ConnectorError,
    ErrorCode,
    JsonObject,
    Secret,
)
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from perplexity_connector.host.validation.to_json import to_json

# The fields as a caller gives them.
Given: TypeAlias = Mapping[str, str | Secret]
# The fields as a run needs them: valid, and every secret one a `Secret`.
Credential: TypeAlias = dict[str, str | Secret]
NAME = "connection_name"
# The name of a connection that is given without one.
_INLINE = "inline"


class ConnectionForm:
    """The form of a connector's credential.

    * `_env`: the environment variable of each field that can be read from one.
    * `_validator`: validates the fields.
    * `_properties`: the schema of each field.
    * `_needs_fields`: whether any field is required.
    """

    def __init__(self, spec: ConnectionSpec, schema: JsonObject) -> None:
        """Read the form. Raises `ConnectorError` (`internal`) for an invalid schema."""
        self._env = spec.env
        self._validator = SchemaValidator(schema)
        self._properties = as_object(schema.get("properties"))
        self._needs_fields = bool(schema.get("required"))

    def resolve(
        self,
        credentials: Mapping[str, object] | None,
        environ: Mapping[str, str],
        stored: Callable[[], Sequence[str]] = tuple,
    ) -> Credential:
        """Return the credential of a run, from the given fields or from the environment.

        The given fields need no name: only a stored connection is found by it.

        Raises `ConnectorError` (`invalid_credentials`) with an error for each invalid field, or if
        there are neither given fields nor variables; then `stored` returns the names to choose from.
        """
        if credentials is None:
            credentials = self._read_environment(environ) or self._nothing(stored)
        elif NAME in self._properties and _has_no_name(credentials):
            credentials = {**credentials, NAME: _INLINE}
        # Crash reporters print variables, but not those named `credentials` or `secret`.
        del environ
        return self.as_credential(self.validate(credentials))

    def validate(self, credentials: Mapping[str, object]) -> JsonObject:
        """Return the fields as plain JSON, stripped of whitespace, secrets in the clear.

        Raises `ConnectorError` (`invalid_credentials`) with an error for each invalid field.
        """
        secret = to_json(_reveal(credentials))
        if errors := self._validator.errors(secret):
            places = ", ".join(repr(error.pointer) for error in errors)
            message = f"The connection is not valid at {places}."
            raise ConnectorError(ErrorCode.INVALID_CREDENTIALS, message, fields=errors)
        return as_object(secret.value)

    def as_credential(self, fields: JsonObject) -> Credential:
        """Return the fields as a run needs them: as text, the secret ones as `Secret`."""
        credential: Credential = {}
        for name, value in fields.items():
            text = value if isinstance(value, str) else json.dumps(value)
            credential[name] = Secret(text) if self.is_secret(name) else text
        return credential

    def is_secret(self, name: str) -> bool:
        """Return whether that field of the form is never shown."""
        field = as_object(self._properties.get(name))
        return field.get("format") == "password" or field.get("writeOnly") is True

    def _read_environment(self, environ: Mapping[str, str]) -> JsonObject:
        fields: dict[str, str] = {}
        for field, variable in self._env.items():
            if text := environ.get(variable, "").strip():
                fields[field] = text
        if NAME in self._properties and (fields or not self._needs_fields):
            fields.setdefault(NAME, "environment")
        return fields

    def _nothing(self, stored: Callable[[], Sequence[str]]) -> JsonObject:
        """Return no fields. Raises `ConnectorError` if the form needs some."""
        if not self._needs_fields:
            return {}
        variables = ", ".join(self._env.values())
        names = ", ".join(stored())
        choice = f"Name a stored one ({names})" if names else "Choose one"
        hint = f", or set {variables}" if variables else ""
        message = f"The connection is missing. {choice}{hint}."
        raise ConnectorError(ErrorCode.INVALID_CREDENTIALS, message)


def fingerprint(connection: Mapping[str, str | Secret]) -> str:
    """Return hexadecimal digits that identify a connection's secrets without revealing them.

    The other fields, such as the name, do not count.
    """
    secrets = sorted(
        f"{name}={value.reveal()}"
        for name, value in connection.items()
        if isinstance(value, Secret)
    )
    return hashlib.sha256("\0".join(secrets).encode()).hexdigest()


def _has_no_name(given: object) -> bool:
    if not isinstance(given, Mapping):
        return False
    return _reveal_and_strip(given.get(NAME)) in {None, ""}


def _reveal(given: object) -> object:
    # A caller without types may give anything; the schema then rejects it.
    if not isinstance(given, Mapping):
        return given
    return {name: _reveal_and_strip(value) for name, value in given.items()}


def _reveal_and_strip(value: object) -> object:
    if isinstance(value, Secret):
        value = value.reveal()
    return value.strip() if isinstance(value, str) else value
