"""What a connection must look like, and where it comes from when nobody gives one."""

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

from perplexity_connector.contract import (
    ConnectionSpec,
    ConnectorError,
    ErrorCode,
    JsonObject,
    JsonValue,
    Secret,
)
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from perplexity_connector.host.validation.to_json import to_json

Given: TypeAlias = Mapping[str, str | Secret]
Credential: TypeAlias = dict[str, str | Secret]
NAME = "connection_name"


class ConnectionForm:
    """The form of a connector's credential."""

    def __init__(self, spec: ConnectionSpec, schema: JsonObject) -> None:
        """Read the form. Raises `ConnectorError` (`internal`) for a schema that is none."""
        self._env = spec.env
        self._validator = SchemaValidator(schema)
        properties = schema.get("properties")
        self._properties = properties if isinstance(properties, dict) else {}
        self._needs_fields = bool(schema.get("required"))

    def resolve(
        self, given: Given | JsonObject | None, environ: Mapping[str, str]
    ) -> Credential:
        """The fields without surrounding whitespace, the secret ones as `Secret`.

        Raises `ConnectorError` (`invalid_credentials`) when there are none, or naming each field that is wrong.
        """
        return self.as_credential(
            self.checked(self._from_environment(environ) if given is None else given)
        )

    def checked(self, given: Given | JsonObject) -> JsonObject:
        """The fields as plain JSON without surrounding whitespace, the secret ones in the clear.

        Raises `ConnectorError` (`invalid_credentials`) naming each field that is wrong.
        """
        fields = to_json(_revealed(given))
        if errors := self._validator.errors(fields):
            names = ", ".join(error.pointer or "the connection" for error in errors)
            message = f"The connection cannot be used: {names}."
            raise ConnectorError(ErrorCode.INVALID_CREDENTIALS, message, fields=errors)
        return fields.value if isinstance(fields.value, Mapping) else {}

    def as_credential(self, fields: JsonObject) -> Credential:
        """The fields as a run gets them: as text, the secret ones as `Secret`."""
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in fields.items()
        }
        return {
            name: Secret(text) if self.is_secret(name) else text
            for name, text in texts.items()
        }

    def is_secret(self, name: str) -> bool:
        """Whether that field of the form is never shown."""
        form = self._properties.get(name)
        return isinstance(form, dict) and (
            form.get("format") == "password" or form.get("writeOnly") is True
        )

    def _from_environment(self, environ: Mapping[str, str]) -> JsonObject:
        found = {
            field: environ.get(variable, "").strip()
            for field, variable in self._env.items()
        }
        fields: dict[str, JsonValue] = {
            field: text for field, text in found.items() if text
        }
        if not fields and self._needs_fields:
            variables = ", ".join(self._env.values())
            hint = f", or set {variables}" if variables else ""
            raise ConnectorError(
                ErrorCode.INVALID_CREDENTIALS, f"No connection: give one{hint}."
            )
        return ({NAME: "environment"} if NAME in self._properties else {}) | fields


def fingerprint(connection: Mapping[str, str | Secret]) -> str:
    """Hex digits that tell a connection's secrets from others, whatever its name, without giving one away."""
    secrets = sorted(
        f"{name}={value.reveal()}"
        for name, value in connection.items()
        if isinstance(value, Secret)
    )
    return hashlib.sha256("\0".join(secrets).encode()).hexdigest()


def _revealed(given: object) -> object:
    # A caller without types may hand over anything; the schema then says what is wrong with it.
    if not isinstance(given, Mapping):
        return given
    return {name: _text(value) for name, value in given.items()}


def _text(value: object) -> object:
    plain = value.reveal() if isinstance(value, Secret) else value
    return plain.strip() if isinstance(plain, str) else plain
