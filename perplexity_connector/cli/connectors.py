"""Reads a connector's manifest entry, as `Host.connectors` returns it."""

from collections.abc import Iterator, Mapping

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_object, as_objects, as_text
from perplexity_connector.rendering.text import one_line


def has_setting(connector: JsonObject, name: str) -> bool:
    """Return whether the operator can change a setting of that name."""
    settings = as_objects(connector.get("settings"))
    return any(setting.get("name") == name for setting in settings)


def credential_variables(connector: JsonObject) -> Mapping[str, str]:
    """Return the environment variable of each credential field that has one."""
    variables = as_object(as_object(connector.get("connection")).get("env"))
    return {field: as_text(variable) for field, variable in variables.items()}


def guide_lines(connector: JsonObject) -> Iterator[str]:
    """Yield the steps to a credential, one numbered line each."""
    steps = as_objects(as_object(connector.get("connection")).get("guide"))
    for number, step in enumerate(steps, start=1):
        title, text, link = (
            one_line(as_text(step.get(part))) for part in ("title", "text", "link")
        )
        yield f"{number}. {title}: {text}" + (f" ({link})" if link else "")
