"""The schema of a step's output: that of its action, the author's own schema in it, and with `each` a list."""

from collections.abc import Iterator, Mapping

from perplexity_connector.contract import FlowStep, JsonObject, JsonValue
from perplexity_connector.contract.json import Tokens, pointer_tokens, value_at
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.flows.bindings import overlap
from perplexity_connector.host.flows.each import output_schema_of_items
from perplexity_connector.host.flows.schemas.local_references import resolved


def output_schema_of(
    step: FlowStep, output: JsonObject, author_schemas: Mapping[str, str]
) -> JsonObject:
    """Return the schema of a step's output without references inside it.

    `output` is that of the action. `author_schemas` is the action's entry in the manifest: places of
    the output, and the input's fields that have their schemas.
    """
    schema = resolved(output)
    for place, field in author_schemas.items():
        for own in _schemas_in_field(step, field):
            # The value is null where the answer does not follow the schema.
            part: JsonObject = {"anyOf": [resolved(own), {"type": "null"}]}
            schema = _with_part(schema, pointer_tokens(place) or (), part)
    return schema if step.each is None else output_schema_of_items(schema)


def _schemas_in_field(step: FlowStep, field: str) -> Iterator[JsonObject]:
    """Yield the schema that an author has written into a field, unless a binding may change it."""
    if any(overlap(target, field) for target in step.bindings):
        return
    document: JsonValue = step.input  # type: ignore[assignment] # a flow is plain JSON
    try:
        written = value_at(document, pointer_tokens(field) or ())
    except LookupError:
        return
    if isinstance(written, Mapping):
        yield written


def _with_part(schema: JsonObject, path: Tokens, part: JsonObject) -> JsonObject:
    """Return a copy of an object's schema with the schema of the value at a path."""
    if not path:
        return part
    properties = as_object(schema.get("properties"))
    inner = _with_part(as_object(properties.get(path[0])), path[1:], part)
    return {**schema, "properties": {**properties, path[0]: inner}}
