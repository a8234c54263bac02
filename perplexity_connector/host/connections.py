"""The credential of a run: given as fields, or built from the environment."""

import json
from collections.abc import Mapping

from perplexity_connector.contract import ConnectionSpec, ConnectorError, ErrorCode, JsonObject, JsonValue, Secret
from perplexity_connector.host.plain import plain_json
from perplexity_connector.host.validation import SchemaValidator

Given = Mapping[str, str | Secret]
_NAME = "connection_name"


class ConnectionForm:
    """What a connection must look like, and where it comes from when nobody gives one."""

    def __init__(self, spec: ConnectionSpec, schema: JsonObject) -> None:
        """Read the form. Raises `ConnectorError` (`internal`) for a schema that is none."""
        self._env = spec.env
        self._validator = SchemaValidator(schema)
        properties = schema.get("properties")
        self._properties = properties if isinstance(properties, dict) else {}
        self._needs_fields = bool(schema.get("required"))

    def resolve(self, given: Given | None, environ: Mapping[str, str]) -> dict[str, str | Secret]:
        """The fields without surrounding whitespace, the secret ones as `Secret`.

        Raises `ConnectorError` (`invalid_credentials`) when there are none, or naming each field that is wrong.
        """
        fields = plain_json(self._from_environment(environ) if given is None else _revealed(given))
        if errors := self._validator.errors(fields):
            names = ", ".join(error.pointer or "the connection" for error in errors)
            message = f"The connection cannot be used: {names}."
            raise ConnectorError(ErrorCode.INVALID_CREDENTIALS, message, fields=errors)
        return {name: self._sealed(name, value) for name, value in _items(fields.value)}

    def _from_environment(self, environ: Mapping[str, str]) -> dict[str, JsonValue]:
        found = {field: environ.get(variable, "").strip() for field, variable in self._env.items()}
        fields: dict[str, JsonValue] = {field: text for field, text in found.items() if text}
        if not fields and self._needs_fields:
            variables = ", ".join(self._env.values())
            hint = f", or set {variables}" if variables else ""
            raise ConnectorError(ErrorCode.INVALID_CREDENTIALS, f"No connection: give one{hint}.")
        return ({_NAME: "environment"} if _NAME in self._properties else {}) | fields

    def _sealed(self, name: str, value: JsonValue) -> str | Secret:
        text = value if isinstance(value, str) else json.dumps(value)
        form = self._properties.get(name)
        secret = isinstance(form, dict) and (form.get("format") == "password" or form.get("writeOnly") is True)
        return Secret(text) if secret else text


def _revealed(given: Given) -> object:
    # A caller without types may hand over anything; the schema then says what is wrong with it.
    if not isinstance(given, Mapping):
        return given
    return {name: _text(value) for name, value in given.items()}


def _text(value: object) -> object:
    plain = value.reveal() if isinstance(value, Secret) else value
    return plain.strip() if isinstance(plain, str) else plain


def _items(fields: JsonValue) -> list[tuple[str, JsonValue]]:
    return list(fields.items()) if isinstance(fields, Mapping) else []
