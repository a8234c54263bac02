"""The outputs of a node, from the schema of an action's output. Nothing here needs Langflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.readers import as_list, as_object, as_text
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import output_lines

if TYPE_CHECKING:
    from perplexity_connector.contract import ActionDescription, ErrorDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """One output of a node: its name, its title, and the component's method that makes it."""

    name: str
    title: str
    method: str


def outputs_of(described: "ActionDescription") -> Sequence[OutputSpec]:
    """Return the outputs of an action: the rows of its results, its text, all of it as data."""
    properties = _properties(described)
    answer = as_object(properties.get("content"))
    title = as_text(answer.get("title")) or "Text"
    outputs = [
        OutputSpec(name="text", title=title, method="as_message"),
        OutputSpec(name="output", title="Output", method="as_data"),
    ]
    name = rows_name(described)
    if not name:
        return outputs
    title = as_text(as_object(properties[name]).get("title"))
    rows = OutputSpec(name=name, title=title, method="as_rows")
    return [rows, *outputs]


def rows_name(described: "ActionDescription") -> str:
    """Return the output's first property if that is a list of objects, else an empty text."""
    for name, field in _properties(described).items():
        items = as_object(as_object(field).get("items"))
        return name if "properties" in items else ""
    return ""


def message_text(output: JsonObject, streamed: str = "") -> str:
    """Return an output to read in Markdown, with its numbered sources, without its streamed part.

    A structured answer stays JSON: only the data holds its sources.
    """
    shown = {"content": output.get("content")} if "parsed" in output else output
    # Two spaces end a line in Markdown. Without them, the sources become one paragraph.
    return "  \n".join(output_lines(shown, streamed))


def failure_text(error: "ErrorDocument") -> str:
    """Return an error for the node's status: its message, its fields by pointer, its hints."""
    return "\n".join(error_lines(error)).removeprefix("error: ")


def rows_of(output: JsonObject, name: str) -> list[dict[str, object]]:
    """Return the rows of a table of the output, for a data frame."""
    return [dict(as_object(row)) for row in as_list(output.get(name))]


def _properties(described: "ActionDescription") -> JsonObject:
    return as_object(described["schemas"]["output"].get("properties"))
