"""The actions that are installed, by name and for people to read."""

from collections.abc import Iterator, Sequence

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.fields import branches, kinds
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import as_list, as_number, as_object, as_text
from perplexity_connector.rendering.text import clean, json_text, one_line


def find(entries: Sequence[JsonObject], name: str) -> tuple[str, str]:
    """The connector and the action meant by `action`, `connector.action` or `connector/action`.

    Raises `UsageError`, naming what there is, when that is none or more than one.
    """
    pairs = dict.fromkeys(
        (as_text(entry.get("connector")), as_text(entry.get("action")))
        for entry in entries
    )
    meant = [
        pair for pair in pairs if name in (pair[1], ".".join(pair), "/".join(pair))
    ]
    if len(meant) == 1:
        return meant[0]
    there_is = ", ".join(".".join(pair) for pair in meant or pairs) or "none"
    what = "Several connectors have that action" if meant else "There is no such action"
    message = f"{what}. Choose one of: {there_is}."
    raise UsageError(message)


def palette_lines(entries: Sequence[JsonObject]) -> Iterator[str]:
    """Every action in two lines: its name and title, and what it does."""
    for entry in entries:
        name = f"{as_text(entry.get('connector'))}.{as_text(entry.get('action'))}"
        yield f"{one_line(name)}  {one_line(as_text(entry.get('title')))}"
        yield f"    {one_line(as_text(entry.get('summary')))}"


def description_lines(description: JsonObject) -> Iterator[str]:
    """An action for whoever is about to run it: what it does, its fields, its output, an example, its credential."""
    action, schemas = (
        as_object(description.get("action")),
        as_object(description.get("schemas")),
    )
    labels = as_object(description.get("labels"))
    yield f"{one_line(as_text(action.get('title')))}, version {action.get('version')}"
    yield one_line(as_text(action.get("summary")))
    yield _traits(action)
    yield from ("", "Input (* is required)")
    yield from _fields(as_object(schemas.get("input")), labels)
    yield from ("", "Output")
    yield from _fields(as_object(schemas.get("output")), {}, depth=1)
    for example in as_list(description.get("examples")):
        yield from ("", "Example", clean(json_text(example, indent=2)))
    yield from _credential(
        as_object(as_object(description.get("connector")).get("connection"))
    )


def guide_lines(connector: JsonObject) -> Iterator[str]:
    """The way to a credential, step by step, as a connector tells it."""
    yield from _steps(
        [
            as_object(step)
            for step in as_list(as_object(connector.get("connection")).get("guide"))
        ]
    )


def _traits(action: JsonObject) -> str:
    told = as_object(action.get("annotations"))
    traits = [name.replace("_", "-") for name in told if told[name] is True]
    streaming = ["streams its answer"] if action.get("streaming") is True else []
    seconds = as_number(action.get("timeout"))
    limit = [] if seconds is None else [f"takes at most {seconds:.0f} s"]
    return one_line(", ".join([*traits, *streaming, *limit]))


def _fields(
    schema: JsonObject, labels: JsonObject, path: str = "", depth: int = 9
) -> Iterator[str]:
    required = as_list(schema.get("required"))
    for name, inner in as_object(schema.get("properties")).items():
        field, place = as_object(inner), f"{path}/{name}"
        yield _field(field, place, labels, "*" if name in required else "")
        items = next(
            (
                as_object(branch["items"])
                for branch in branches(field)
                if "items" in branch
            ),
            {},
        )
        if depth > 1:
            yield from _fields(field, labels, place, depth - 1)
            yield from _fields(items, labels, f"{place}/*", depth - 1)


def _field(field: JsonObject, place: str, labels: JsonObject, mark: str) -> str:
    # Dots and numbers, as FIELD=VALUE has them; the pointer of a label has slashes and `*`.
    name = place.removeprefix("/").replace("/*", ".0").replace("/", ".")
    choices = _choices(field, as_object(labels.get(place)))
    kind = choices or " or ".join(kinds(field)) or "anything"
    return f"  {one_line(name)}{mark}  <{one_line(kind)}>  {one_line(as_text(field.get('description')))}".rstrip()


def _choices(field: JsonObject, labels: JsonObject) -> str:
    return ", ".join(_choice(choice, labels) for choice in as_list(field.get("enum")))


def _choice(choice: JsonValue, labels: JsonObject) -> str:
    label = as_text(labels.get(str(choice)))
    return (
        f"{choice} ({label})"
        if label and label.lower() != str(choice).lower()
        else str(choice)
    )


def _credential(connection: JsonObject) -> Iterator[str]:
    variables = as_object(connection.get("env"))
    guide = [as_object(step) for step in as_list(connection.get("guide"))]
    if variables or guide:
        yield from ("", "Credential")
    yield from (
        f"  {one_line(field)} is read from {one_line(as_text(name))}"
        for field, name in variables.items()
    )
    yield from (f"  {line}" for line in _steps(guide))


def _steps(guide: Sequence[JsonObject]) -> Iterator[str]:
    for number, step in enumerate(guide, start=1):
        title, text, link = (
            one_line(as_text(step.get(part))) for part in ("title", "text", "link")
        )
        yield f"{number}. {title}: {text}" + (f" ({link})" if link else "")
