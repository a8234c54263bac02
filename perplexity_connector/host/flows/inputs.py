"""Check the inputs of a flow: text is read by the schema, blanks count as not given, defaults are filled in."""

from collections.abc import Iterator
from typing import Any

from perplexity_connector.contract import FieldError, Flow, JsonObject, JsonValue
from perplexity_connector.contract.json import child_pointer, is_blank
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.flows.schemas.local_references import resolved
from perplexity_connector.host.flows.schemas.schema_paths import names_of, places_at
from perplexity_connector.host.validation.blanks import drop_refused_blanks
from perplexity_connector.host.validation.schema_validator import (
    SchemaValidator,
    merge_errors,
)
from perplexity_connector.host.validation.text_values import from_text
from perplexity_connector.host.validation.to_json import Normalized, to_json

_NO_INPUTS: JsonObject = {"type": "object", "additionalProperties": False}


class InputForm:
    """The inputs of one flow, for many runs.

    * `schema`: their schema, without references inside it. A flow without inputs takes none.
    * `_defaults`: by name.
    * `_validator`: checks values.
    """

    def __init__(self, flow: Flow) -> None:
        """Take the inputs of a flow without errors."""
        schema: Any = _NO_INPUTS if flow.inputs is None else flow.inputs
        self.schema = resolved(schema)
        self._defaults = {
            name: as_object(part)["default"]
            for name, part in as_object(self.schema.get("properties")).items()
            if "default" in as_object(part)
        }
        self._validator = SchemaValidator(schema)

    def prepare(self, given: JsonObject | None) -> tuple[JsonObject, list[FieldError]]:
        """Return the values, and their errors, whose pointers lead into the inputs.

        Text is read as the type that the schema takes. A blank text counts as not given, and so does
        another blank that the schema refuses. An input that is not given has its schema's `default`.
        """
        plain = to_json({} if given is None else given)
        if not isinstance(plain.value, dict):
            error = FieldError(pointer="", code="type", message="Must be an object.")
            return {}, [error]
        read = Normalized(value=self._read(plain.value), errors=plain.errors)
        kept, errors = drop_refused_blanks(read, self._errors)
        unknown = list(self._unknown_names(plain.value))
        return self._completed(kept.value), merge_errors(errors, unknown)

    def _read(self, values: JsonObject) -> JsonValue:
        given = {
            name: value
            for name, value in values.items()
            if not (isinstance(value, str) and is_blank(value))
        }
        return from_text(given, self.schema)

    def _errors(self, document: Normalized) -> list[FieldError]:
        completed = self._completed(document.value)
        return self._validator.errors(
            Normalized(value=completed, errors=document.errors)
        )

    def _completed(self, values: JsonValue) -> JsonObject:
        return {**self._defaults, **as_object(values)}

    def _unknown_names(self, values: JsonObject) -> Iterator[FieldError]:
        for name in values:
            if not places_at([self.schema], (name,)):
                near = did_you_mean(name, names_of([self.schema]))
                message = f"The flow has no such input.{near}"
                pointer = child_pointer("", name)
                yield FieldError(pointer=pointer, code="unknown_field", message=message)
