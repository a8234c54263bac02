"""What a node hands on, from the schema of an action's output. Nothing here needs Langflow."""

from collections.abc import Sequence
from dataclasses import dataclass

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import output_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """One output of a node: its name, what people read, and the method of the component that makes it."""

    name: str
    title: str
    method: str


def outputs_of(described: JsonObject) -> Sequence[OutputSpec]:
    """The outputs of an action, the likeliest first: its text, the rows of its results, and all of it as data."""
    answer = as_text(_properties(described).get("content", {}).get("title"))
    text = OutputSpec(name="text", title=answer or "Text", method="as_message")
    whole = OutputSpec(name="output", title="Output", method="as_data")
    name = rows_name(described)
    if not name:
        return [text, whole]
    title = as_text(_properties(described)[name].get("title"))
    return [OutputSpec(name=name, title=title, method="as_rows"), text, whole]


def rows_name(described: JsonObject) -> str:
    """The property of the output that is its table: the first one, if that is a list of objects; else empty."""
    first = next(iter(_properties(described).items()), ("", {}))
    return first[0] if "properties" in as_object(first[1].get("items")) else ""


def message_text(output: JsonObject, streamed: str = "") -> str:
    """An output to read, with its numbered sources, in Markdown; of what was streamed already only the rest.

    An answer that was asked for as JSON stays JSON: its sources stand in the data alone.
    """
    told = {"content": output.get("content")} if "parsed" in output else output
    # Two spaces end a line in Markdown, which would run the sources into one paragraph.
    return "  \n".join(output_lines(told, streamed))


def failure_text(error: JsonObject) -> str:
    """An error for the node's status: what went wrong, each field by its pointer, and what helps."""
    return "\n".join(error_lines(error)).removeprefix("error: ")


def _properties(described: JsonObject) -> dict[str, JsonObject]:
    schema = as_object(as_object(described["schemas"])["output"])
    return {
        name: as_object(field)
        for name, field in as_object(schema.get("properties")).items()
    }


def rows_of(output: JsonObject, name: str) -> list[dict[str, object]]:
    """The rows of that table, ready for a data frame."""
    return [dict(as_object(row)) for row in as_list(output.get(name))]
