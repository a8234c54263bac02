"""How a pydantic model becomes a schema that real hosts can draw, validate against and convert.

Plain pydantic output draws a bad form in every host that was tried: `anyOf [T, null]` becomes tabs or a text box, and
`$ref` is not followed by half of them. So null branches and null defaults go, and every definition is put where it is
used.
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
        # Order is meaning here: properties stand in display order, and examples read as written.
        del parent_key
        return value

    def tagged_union_schema(
        self, schema: core_schema.TaggedUnionSchema
    ) -> JsonSchemaValue:
        # How pydantic tells the branches apart is its own affair; a form knows anyOf.
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
    """A value that may be null says so in its `type`; nothing is defaulted, since a record is read, not filled in."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str):
            return inner | {"type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def form_schema(model: type) -> dict[str, Any]:
    """The schema of something an author fills in, by all the portable rules."""
    return _emitted(model, _FormSchema)


def record_schema(model: Any) -> dict[str, Any]:
    """The schema of something a host reads: an output, an event, the envelope, the manifest."""
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
    # What stands beside a reference is about this place, so it wins over the definition's own words.
    merged = target | {name: value for name, value in node.items() if name != "$ref"}
    return {name: _inlined(value, definitions) for name, value in merged.items()}
