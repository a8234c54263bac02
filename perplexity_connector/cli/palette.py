"""Finds actions by name and describes them for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from perplexity_connector.cli.connectors import guide_lines
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.contract.readers import as_list, as_object
from perplexity_connector.host.validation.schema_types import item_schema, list_types
from perplexity_connector.rendering.lines import (
    Kind,
    Line,
    Part,
    heading,
    json_line,
    text_line,
)
from perplexity_connector.rendering.text import line_of, one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        ActionDocument,
        ConnectorDocument,
        PaletteEntry,
    )


def find_action(entries: "Sequence[PaletteEntry]", name: str) -> tuple[str, str]:
    """Return the connector and the action for `action`, `connector.action` or `connector/action`.

    Raises `UsageError`, naming the choices, unless exactly one fits.
    """
    known = [(entry["connector"], entry["action"]) for entry in entries]
    fitting = [pair for pair in known if name in _names(pair)]
    if len(fitting) == 1:
        return fitting[0]
    choices = ", ".join(".".join(pair) for pair in fitting or known) or "none"
    names = [each for pair in known for each in _names(pair)]
    problem = (
        "Several connectors have that action."
        if fitting
        else f"Unknown action.{did_you_mean(name, names)}"
    )
    message = f"{problem} Available: {choices}."
    raise UsageError(message)


def _names(pair: tuple[str, str]) -> Sequence[str]:
    return (pair[1], ".".join(pair), "/".join(pair))


def palette_lines(entries: "Sequence[PaletteEntry]") -> Iterator[Line]:
    """Yield two lines for each action: its name and title, then its summary."""
    for entry in entries:
        name = one_line(f"{entry['connector']}.{entry['action']}")
        yield Line([Part(name, Kind.TITLE), Part(one_line(entry["title"]))])
        yield text_line(one_line(entry["summary"]), mark="    ")


def description_lines(description: "ActionDescription") -> Iterator[Line | str]:
    """Yield all that a person needs to run an action.

    That is its summary, input fields, output fields, examples and credential.
    """
    action, schemas = description["action"], description["schemas"]
    yield heading(f"{one_line(action['title'])}, version {action['version']}")
    yield text_line(one_line(action["summary"]))
    yield text_line(_traits_line(action))
    yield from ("", heading("Input (* is required)"))
    yield from _field_lines(schemas["input"], description["labels"])
    yield from ("", heading("Output"))
    yield from _field_lines(schemas["output"], {}, depth=1)
    for example in description["examples"]:
        yield from ("", heading("Example"), json_line(example))
    yield from _credential_lines(description["connector"])


def _traits_line(action: "ActionDocument") -> str:
    names = [name for name, value in action["annotations"].items() if value]
    traits = [name.replace("_", "-") for name in names]
    if action["streaming"]:
        traits.append("streams its answer")
    traits.append(f"takes at most {action['timeout']} s")
    return ", ".join(traits)


def _field_lines(
    schema: JsonObject,
    labels: Mapping[str, Mapping[str, str]],
    path: str = "",
    depth: int = 9,
) -> Iterator[Line]:
    required = as_list(schema.get("required"))
    properties = as_object(schema.get("properties"))
    for name, value in properties.items():
        field = as_object(value)
        pointer = f"{path}/{name}"
        mark = "*" if name in required else ""
        yield _field_line(field, pointer, labels.get(pointer, {}), mark)
        if depth > 1:
            items = item_schema(field)
            yield from _field_lines(field, labels, pointer, depth - 1)
            yield from _field_lines(items, labels, f"{pointer}/*", depth - 1)


def _field_line(
    field: JsonObject, pointer: str, labels: Mapping[str, str], mark: str
) -> Line:
    # FIELD=VALUE has dots and numbers; the pointer of a label has slashes and `*`.
    name = pointer.removeprefix("/")
    name = name.replace("/*", ".0").replace("/", ".")
    values = as_list(field.get("enum"))
    choices = [_choice(value, labels) for value in values]
    kind = ", ".join(choices) or " or ".join(list_types(field)) or "anything"
    parts = [Part(f"{one_line(name)}{mark}", Kind.TITLE), Part(f"<{one_line(kind)}>")]
    if description := line_of(field, "description"):
        parts.append(Part(description))
    return Line(parts, mark="  ", indent=4)


def _choice(value: JsonValue, labels: Mapping[str, str]) -> str:
    name = str(value)
    label = labels.get(name, "")
    if label.lower() in ("", name.lower()):
        return name
    return f"{name} ({label})"


def _credential_lines(connector: "ConnectorDocument") -> Iterator[Line | str]:
    lines = [
        f"{one_line(field)} is read from {one_line(variable)}"
        for field, variable in connector["connection"]["env"].items()
    ]
    lines += guide_lines(connector)
    if lines:
        yield from ("", heading("Credential"))
    for line in lines:
        yield f"  {line}"
