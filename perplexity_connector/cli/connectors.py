"""Reads a connector's manifest entry, as `Host.connectors` returns it."""

from collections.abc import Iterator, Mapping

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_object, as_objects, as_text
from perplexity_connector.rendering.text import line_of


def has_setting(connector: JsonObject, name: str) -> bool:
    """Return whether the operator can change a setting of that name."""
    settings = as_objects(connector.get("settings"))
    return any(setting.get("name") == name for setting in settings)


def credential_variables(connector: JsonObject) -> Mapping[str, str]:
    """Return the environment variable of each credential field that has one."""
    connection = as_object(connector.get("connection"))
    variables = as_object(connection.get("env"))
    return {field: as_text(variable) for field, variable in variables.items()}


def guide_lines(connector: JsonObject) -> Iterator[str]:
    """Yield the steps to a credential, one numbered line each."""
    connection = as_object(connector.get("connection"))
    steps = as_objects(connection.get("guide"))
    for number, step in enumerate(steps, start=1):
        line = f"{number}. {line_of(step, 'title')}: {line_of(step, 'text')}"
        link = line_of(step, "link")
        yield f"{line} ({link})" if link else line
