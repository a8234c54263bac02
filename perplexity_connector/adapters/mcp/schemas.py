"""An action's schema as a tool's: what the protocol and the clients of several models take."""

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_object

# A client cannot use a schema's address, and some clients refuse a dialect whose name they do not know.
_ADDRESSES = frozenset({"$schema", "$id"})
# Gemini refuses a function with any other.
_FORMATS = ("date-time", "enum", "float", "double", "int32", "int64")
# Keywords with schemas by name, and keywords with plain values.
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_VALUES = ("enum", "const", "default", "examples")


def tool_schema(schema: JsonObject) -> dict[str, JsonValue]:
    """Return the schema of a tool's arguments or output. It takes every object that `schema` takes.

    It may take more. The host checks the input by its whole schema all the same.
    """
    # Arguments and outputs are always objects, and the protocol wants the type in this form.
    listed = {**_listed_object(schema), "type": "object"}
    return {
        keyword: value for keyword, value in listed.items() if keyword not in _ADDRESSES
    }


def _listed(schema: JsonValue) -> JsonValue:
    if isinstance(schema, list):
        return [_listed(one) for one in schema]
    return _listed_object(schema) if isinstance(schema, dict) else schema


def _listed_object(schema: JsonObject) -> dict[str, JsonValue]:
    return {
        keyword: _listed_value(keyword, value)
        for keyword, value in schema.items()
        if not _is_refused(keyword, value)
    }


def _is_refused(keyword: str, value: JsonValue) -> bool:
    # Google's SDK breaks at a boolean there; OpenAI's and Anthropic's set it to false by themselves.
    is_switch = keyword == "additionalProperties" and isinstance(value, bool)
    return is_switch or (keyword == "format" and value not in _FORMATS)


def _listed_value(keyword: str, value: JsonValue) -> JsonValue:
    if keyword in _NAMED:
        named = as_object(value).items()
        return {name: _as_object_schema(_listed(one)) for name, one in named}
    return value if keyword in _VALUES else _listed(value)


def _as_object_schema(schema: JsonValue) -> JsonValue:
    """Return a schema as an object: to the protocol, true and false are not schemas of a property."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    return schema
