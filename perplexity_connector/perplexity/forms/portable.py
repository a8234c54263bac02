"""Turn a pydantic model into a schema that real hosts can draw, validate with and convert.

pydantic's own output makes a bad form in every host that was tried: `anyOf [T, null]` becomes tabs
or a text box, and half of the hosts do not follow `$ref`. So null branches and null defaults are
removed, and every definition is copied to the place where it is used.
"""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Portable(GenerateJsonSchema):
    def sort(
        self, value: JsonSchemaValue, parent_key: str | None = None
    ) -> JsonSchemaValue:
        # Not sorted: properties are in display order, and examples stay as they are written.
        del parent_key
        return value

    def tagged_union_schema(
        self, schema: core_schema.TaggedUnionSchema
    ) -> JsonSchemaValue:
        # Without pydantic's discriminator, which hosts do not know; they know anyOf.
        return {
            "anyOf": [
                self.generate_inner(choice) for choice in schema["choices"].values()
            ]
        }


class _FormSchema(_Portable):
    """Optional means "not in required": no null branch, no null default."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        emitted = super().default_schema(schema)
        return {
            name: value
            for name, value in emitted.items()
            if name != "default" or value is not None
        }


class _RecordSchema(_Portable):
    """A value that may be null has that in its `type`. No defaults: a record is not filled in."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str):
            return inner | {"type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def form_schema(model: type) -> dict[str, Any]:
    """Return the schema of a form that an author fills in."""
    return _emitted(model, _FormSchema)


def record_schema(model: Any) -> dict[str, Any]:
    """Return the schema of data that a host reads: an output, an event, the envelope, the manifest."""
    return _emitted(model, _RecordSchema)


def _emitted(model: Any, generator: type[GenerateJsonSchema]) -> dict[str, Any]:
    schema = TypeAdapter(model).json_schema(
        schema_generator=generator, mode="validation"
    )
    definitions = schema.pop("$defs", {})
    return {"$schema": _DIALECT, **_inlined(schema, definitions)}


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    target = (
        definitions[node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else {}
    )
    # Keywords beside a reference are about this place, so they replace those of the definition.
    merged = target | {name: value for name, value in node.items() if name != "$ref"}
    return {name: _inlined(value, definitions) for name, value in merged.items()}
