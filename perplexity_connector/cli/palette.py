"""Finds actions by name and describes them for people."""

from collections.abc import Iterator, Sequence

from perplexity_connector.cli.connectors import credential_variables, guide_lines
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import as_list, as_number, as_object, as_text
from perplexity_connector.host.validation.schema_types import item_schema, list_types
from perplexity_connector.rendering.text import clean, json_text, line_of, one_line


def find_action(entries: Sequence[JsonObject], name: str) -> tuple[str, str]:
    """Return the connector and the action for `action`, `connector.action` or `connector/action`.

    Raises `UsageError`, naming the choices, unless exactly one fits.
    """
    known = list(
        dict.fromkeys(
            (as_text(entry.get("connector")), as_text(entry.get("action")))
            for entry in entries
        )
    )
    fitting = [pair for pair in known if name in _names(pair)]
    if len(fitting) == 1:
        return fitting[0]
    choices = ", ".join(".".join(pair) for pair in fitting or known) or "none"
    problem = "Several connectors have that action" if fitting else "Unknown action"
    message = f"{problem}. Available: {choices}."
    raise UsageError(message)


def _names(pair: tuple[str, str]) -> Sequence[str]:
    return (pair[1], ".".join(pair), "/".join(pair))


def palette_lines(entries: Sequence[JsonObject]) -> Iterator[str]:
    """Yield two lines for each action: its name and title, then its summary."""
    for entry in entries:
        name = f"{line_of(entry, 'connector')}.{line_of(entry, 'action')}"
        yield f"{name}  {line_of(entry, 'title')}"
        yield f"    {line_of(entry, 'summary')}"


def description_lines(description: JsonObject) -> Iterator[str]:
    """Yield all that a person needs to run an action.

    That is its summary, input fields, output fields, examples and credential.
    """
    action = as_object(description.get("action"))
    schemas = as_object(description.get("schemas"))
    labels = as_object(description.get("labels"))
    yield f"{line_of(action, 'title')}, version {action.get('version')}"
    yield line_of(action, "summary")
    yield _traits_line(action)
    yield from ("", "Input (* is required)")
    yield from _field_lines(as_object(schemas.get("input")), labels)
    yield from ("", "Output")
    yield from _field_lines(as_object(schemas.get("output")), {}, depth=1)
    for example in as_list(description.get("examples")):
        yield from ("", "Example", clean(json_text(example, indent=2)))
    yield from _credential_lines(as_object(description.get("connector")))


def _traits_line(action: JsonObject) -> str:
    annotations = as_object(action.get("annotations"))
    names = [name for name, value in annotations.items() if value is True]
    traits = [name.replace("_", "-") for name in names]
    if action.get("streaming") is True:
        traits.append("streams its answer")
    seconds = as_number(action.get("timeout"))
    if seconds is not None:
        traits.append(f"takes at most {seconds:.0f} s")
    return one_line(", ".join(traits))


def _field_lines(
    schema: JsonObject, labels: JsonObject, path: str = "", depth: int = 9
) -> Iterator[str]:
    required = as_list(schema.get("required"))
    properties = as_object(schema.get("properties"))
    for name, value in properties.items():
        field = as_object(value)
        pointer = f"{path}/{name}"
        mark = "*" if name in required else ""
        own_labels = as_object(labels.get(pointer))
        yield _field_line(field, pointer, own_labels, mark)
        if depth > 1:
            items = item_schema(field)
            yield from _field_lines(field, labels, pointer, depth - 1)
            yield from _field_lines(items, labels, f"{pointer}/*", depth - 1)


def _field_line(field: JsonObject, pointer: str, labels: JsonObject, mark: str) -> str:
    # FIELD=VALUE has dots and numbers; the pointer of a label has slashes and `*`.
    name = pointer.removeprefix("/")
    name = name.replace("/*", ".0").replace("/", ".")
    values = as_list(field.get("enum"))
    choices = [_choice(value, labels) for value in values]
    kind = ", ".join(choices) or " or ".join(list_types(field)) or "anything"
    line = f"  {one_line(name)}{mark}  <{one_line(kind)}>"
    return f"{line}  {line_of(field, 'description')}".rstrip()


def _choice(value: JsonValue, labels: JsonObject) -> str:
    name = str(value)
    label = as_text(labels.get(name))
    if label.lower() in ("", name.lower()):
        return name
    return f"{name} ({label})"


def _credential_lines(connector: JsonObject) -> Iterator[str]:
    lines = [
        f"{one_line(field)} is read from {one_line(variable)}"
        for field, variable in credential_variables(connector).items()
    ]
    lines += guide_lines(connector)
    if lines:
        yield from ("", "Credential")
    for line in lines:
        yield f"  {line}"
