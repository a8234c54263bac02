"""Make the inputs of a flow from the cells of a row."""

from collections.abc import Collection, Mapping
from typing import Any

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.host.tables.inputs.templates import compile_templates
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.tables.runnables.runnable import Cells, MakeInput


def compile_inputs(
    template: Mapping[str, str], columns: Collection[str], schema: JsonObject
) -> MakeInput:
    """Return the function that makes the inputs of a row, by the schema of the flow's inputs.

    Without a template, each column that has the name of an input gives its value. Raises `ConnectorError`
    for a template as for an action, and for a table that has no column for a required input.
    """
    if template:
        return compile_templates(template, columns, schema)
    inputs: Any = schema.get("properties", {})
    _require_columns(inputs, columns, schema)
    names = [name for name in columns if name in inputs]
    if not names:
        message = "No column of the table has the name of one of the flow's inputs. Use FIELD=TEMPLATE."
        raise refusal(message)

    def named_cells(cells: Cells) -> dict[str, Any]:
        return {name: cells[name] for name in names if name in cells}

    return named_cells


def _require_columns(
    inputs: Mapping[str, Any], columns: Collection[str], schema: JsonObject
) -> None:
    required: Any = schema.get("required", ())
    for name in required:
        has_default = "default" in inputs.get(name, {})
        if name not in columns and not has_default:
            message = (
                f"The table has no column for the flow's input {name!r}."
                f"{did_you_mean(name, columns)} Name the column like it, or use FIELD=TEMPLATE."
            )
            raise refusal(message)
