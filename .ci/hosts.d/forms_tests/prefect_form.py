"""Our two actions as Prefect flows: the server takes or refuses their parameters, and its page draws their forms.

`prefect_form.py FOLDER`, where the server keeps its files. It asserts, and prints one line for each action.
"""

import inspect
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

HOME = Path(sys.argv[1])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    ADDRESS = "http://127.0.0.1:" + str(free.getsockname()[1])
# Prefect reads its settings when it is imported.
os.environ |= {
    "PREFECT_HOME": str(HOME),
    "PREFECT_API_URL": f"{ADDRESS}/api",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    "DO_NOT_TRACK": "1",
}

from playwright.sync_api import (  # noqa: E402 - after the settings
    APIResponse,
    Page,
    sync_playwright,
)
from prefect import flow  # noqa: E402 - likewise
from pydantic import WithJsonSchema  # noqa: E402 - likewise

from perplexity_connector.plugin import load_connector  # noqa: E402 - likewise

Json = dict[str, Any]
SCHEMAS = Path(__file__).parents[3] / "schemas"
START_S = 120
# Every part of the page that is a field, with its labels from the outside in, and its own controls.
FIELDS = """() => [...document.querySelectorAll(".schema-form-property")].map((field) => {
  const labels = [];
  for (let at = field; at; at = at.parentElement.closest(".schema-form-property"))
    labels.unshift(at.querySelector(".schema-form-property__label").innerText);
  const isOwn = (part) => part.closest(".schema-form-property") === field;
  const classes = [...field.querySelectorAll("*")].filter(isOwn).flatMap((part) => [...part.classList]);
  return [labels, classes];
})"""
# The button that removes an entry of a list of texts.
TRASH = (
    ".schema-form-property-array-item__control > .schema-form-property-string + button"
)
LABEL = """(part) => part.closest(".schema-form-property")
  .querySelector(".schema-form-property__label").innerText"""
# The first that a field has is its kind: a list also has the controls of its entries.
CONTROLS = {
    "p-draggable-list__create-button": "list",
    "p-select-button__control": "choice",
    "p-toggle__control": "switch",
    "p-number-input__control": "number",
    "p-date-button__control": "date",
    "p-code-input__textarea": "json",
    "p-textarea__control": "text",
    "schema-form-property-object": "group",
}
# Changes to the minimal input that the server must take, and those that it must refuse before a run exists.
TAKEN: dict[str, list[Json]] = {
    "create_chat_completion": [
        {"search": None, "tools": [], "web_search_options": {}, "previous_response_id": ""},
        {"fallback_models": [], "response_format": None, "max_steps": None},
        {"messages": [{"role": "user", "content": "Hello", "images": []}]},
        {"previous_response_id": "resp_1"},
    ],
    "execute_search": [
        {"max_results": None, "search_domain_filter": []},
        {"query": ["moon", "sun"]},
    ],
}  # fmt: skip
REFUSED: dict[str, list[Json]] = {
    "create_chat_completion": [
        {"search": "sometimes"},
        {"max_steps": 101},
        {"fallback_models": ["sonar"]},
        {"tools": ["paint"]},
        {"tools": ["fetch_url", "fetch_url"]},
        {"web_search_options": {"max_results": 51}},
        {"web_search_options": {"search_type": "slow"}},
        {"previous_response_id": "a" * 201},
        {"messages": [{"role": "user", "content": "Hello", "images": ["string"]}]},
        {"messages": []},
    ],
    "execute_search": [{"query": []}, {"query": None}, {"max_results": 21}],
}


def main() -> None:
    """Register both actions as flows, and try each with one server and one browser."""
    with served():
        # Not inside the browser's loop, where Prefect would be asynchronous.
        deployments = {action: registered(action) for action in TAKEN}
        with browser_page() as page:
            for action, deployment in deployments.items():
                try_action(page, action, deployment)


@contextmanager
def browser_page() -> Iterator[Page]:
    """Open a browser."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    # Chromium has no sandbox of its own for root.
    options = ["--no-sandbox"]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=options) as browser,
    ):
        yield browser.new_page()


@contextmanager
def served() -> Iterator[None]:
    """Run a server with a database of its own."""
    program = str(Path(sys.executable).with_name("prefect"))
    port = ADDRESS.rpartition(":")[2]
    # Prefect's services would write beside us, and lock the database: it is one file.
    options = ["--host", "127.0.0.1", "--port", port, "--no-services"]
    command = [program, "server", "start", *options]
    HOME.mkdir(exist_ok=True)
    with (
        (HOME / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(process)
            yield
        finally:
            process.terminate()
            process.wait(60)


def wait_for(process: subprocess.Popen[bytes]) -> None:
    """Return when the server answers."""
    deadline = time.monotonic() + START_S
    while not answers():
        assert process.poll() is None, (HOME / "log").read_text()
        assert time.monotonic() < deadline, "Prefect is not up in time"
        time.sleep(0.5)


def answers() -> bool:
    """Return whether the server is up."""
    try:
        with urllib.request.urlopen(f"{ADDRESS}/api/health", timeout=2):  # noqa: S310 - loopback
            return True
    except OSError:
        return False


def published(action: str) -> Json:
    """Return the action's input schema."""
    schema: Json = json.loads((SCHEMAS / f"{action}.v1.input.schema.json").read_text())
    return schema


def try_action(page: Page, action: str, deployment: str) -> None:
    """Try the server's rules and the form."""
    schema = published(action)
    try_server(page, action, schema, deployment)
    drawn = try_form(page, action, schema, deployment)
    print(
        f"prefect {version('prefect')}: {action}: {drawn} fields of the right kind; "
        f"{len(schema['examples'])} examples through the page, "
        f"{len(TAKEN[action])} blanks taken, {len(REFUSED[action])} bad inputs refused"
    )


def registered(action: str) -> str:
    """Return the id of a deployment whose form is the action's schema."""
    schema = published(action)

    def run(**values: object) -> dict[str, object]:
        return values

    parameters = [
        parameter(name, shown, name in schema["required"])
        for name, shown in schema["properties"].items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return str(flow(run, name=action).to_deployment(name=action).apply())


def parameter(name: str, shown: Json, is_required: bool) -> inspect.Parameter:
    """Return a parameter that Prefect draws by our schema of a property."""
    default = inspect.Parameter.empty if is_required else shown.get("default")
    if not is_required and default is None:
        # Prefect puts null into a field that is not filled in.
        words = {word: shown[word] for word in ("title", "description")}
        shown = {**words, "anyOf": [shown, {"type": "null"}]}
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[Any, WithJsonSchema(shown)],
    )


def try_server(page: Page, action: str, schema: Json, deployment: str) -> None:
    """Hold the server's rules against the schema's own examples and others."""
    minimal = schema["examples"][0]
    inputs = schema["examples"] + [minimal | more for more in TAKEN[action]]
    for given in inputs:
        response = create_run(page, deployment, given)
        assert response.status == HTTPStatus.CREATED, response.text()
        assert_ours(action, response.json()["parameters"])
    for more in REFUSED[action]:
        response = create_run(page, deployment, minimal | more)
        assert response.status == HTTPStatus.CONFLICT, (more, response.text())


def create_run(page: Page, deployment: str, parameters: Json) -> APIResponse:
    """Ask the server for a run."""
    url = f"{ADDRESS}/api/deployments/{deployment}/create_flow_run"
    return page.request.post(url, data={"parameters": parameters})


def given_values(parameters: Json) -> Json:
    """Return the parameters without the nulls of fields that are not filled in."""
    return {name: value for name, value in parameters.items() if value is not None}


def assert_ours(action: str, parameters: Json) -> None:
    """Hold our own check against the parameters of a run."""
    connector = load_connector("perplexity", {})
    assert connector is not None
    found = connector.check(action, 1, given_values(parameters))
    assert not found, (parameters, found)


def try_form(page: Page, action: str, schema: Json, deployment: str) -> int:
    """Draw the form, send each example through it, and clear fields. Return how many fields it has."""
    full = schema["examples"][-1]
    open_form(page, deployment, full)
    choose_first_branches(page)
    drawn = drawn_fields(page)
    assert drawn == dict(expected_fields(schema)), drawn
    assert offered_choices(page) == set(expected_choices(schema))
    for example in schema["examples"]:
        open_form(page, deployment, example)
        assert submitted(page, action) == with_switches(example, schema)
    for kind, empty in (("number", empty_numbers), ("list", remove_entries)):
        open_form(page, deployment, full)
        empty(page)
        assert submitted(page, action) == with_switches(
            without_kind(full, schema, kind), schema
        )
    return len(drawn)


def empty_numbers(page: Page) -> None:
    """Empty each number."""
    for number in page.locator(".p-number-input__control").all():
        number.fill("")


def remove_entries(page: Page) -> None:
    """Remove each text of each optional list."""
    # From the last one: a button that is removed changes the places of those after it.
    for button in reversed(page.locator(TRASH).all()):
        if button.evaluate(LABEL).endswith("(Optional)"):
            button.click()


def without_kind(values: Json, schema: Json, kind: str) -> Json:
    """Return values without the optional fields of a kind."""
    kept = {}
    for name, value in values.items():
        shown = schema["properties"][name]
        if name in schema.get("required", []) or expected_kind(shown) != kind:
            kept[name] = within(value, shown, kind)
    return kept


def within(value: Any, shown: Json, kind: str) -> Any:
    """Return a value without the optional fields of a kind inside it."""
    if "properties" in shown:
        return without_kind(value, shown, kind)
    if "properties" in shown.get("items", {}):
        return [without_kind(one, shown["items"], kind) for one in value]
    return value


def with_switches(values: Json, schema: Json) -> Json:
    """Return values with false for each switch that is off: the page sends every switch that it draws."""
    filled = dict(values)
    for name, shown in schema["properties"].items():
        if shown.get("type") == "boolean":
            filled.setdefault(name, False)
        if "properties" in shown and name in filled:
            filled[name] = with_switches(filled[name], shown)
    return filled


def open_form(page: Page, deployment: str, values: Json) -> None:
    """Open the page that starts a run, with values filled in."""
    address = f"{ADDRESS}/deployments/deployment/{deployment}/run"
    page.goto(f"{address}?parameters={quote(json.dumps(values))}")
    page.locator(".schema-form-property").first.wait_for()


def choose_first_branches(page: Page) -> None:
    """Switch each optional field from None to its own input."""
    for field in page.locator(".schema-form-property-any-of-input").all():
        branch = field.locator(".p-button-group__button").first
        if branch.get_attribute("aria-selected") == "false":
            branch.click()


def drawn_fields(page: Page) -> dict[tuple[str, ...], str]:
    """Return the kind of each field by its labels from the outside in."""
    return {
        tuple(labels): kind_of(classes) for labels, classes in page.evaluate(FIELDS)
    }


def kind_of(classes: list[str]) -> str:
    """Return the kind of a field that has these classes."""
    kinds = (kind for control, kind in CONTROLS.items() if control in classes)
    return next(kinds, "no input")


def expected_fields(
    schema: Json, outside: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the labels of each field and the kind that it must have."""
    for name, shown in schema["properties"].items():
        # Prefect gives a parameter its own name as its title.
        label = shown["title"] if outside else name
        if name not in schema.get("required", []):
            label += " (Optional)"
        labels = (*outside, label)
        yield labels, expected_kind(shown)
        for inner in (shown, shown.get("items", {})):
            if "properties" in inner:
                yield from expected_fields(inner, labels)


def expected_kind(shown: Json) -> str:
    """Return the kind that a property must have."""
    if "anyOf" in shown:
        return expected_kind(shown["anyOf"][0])
    if "enum" in shown or "enum" in shown.get("items", {}):
        return "choice"
    if shown["type"] == "object":
        return "group" if "properties" in shown else "json"
    if shown.get("format") == "date":
        return "date"
    kinds = {"boolean": "switch", "integer": "number", "number": "number"}
    return kinds.get(shown["type"], "list" if shown["type"] == "array" else "text")


def offered_choices(page: Page) -> set[tuple[str, ...]]:
    """Open each selection, and return the choices of all."""
    offered = set()
    for control in page.locator(".p-select-button__control").all():
        control.press("ArrowDown")
        choices = page.locator(".p-select-option__text")
        choices.first.wait_for()
        offered.add(tuple(choices.all_inner_texts()))
        page.keyboard.press("Escape")
        choices.first.wait_for(state="detached")
    return offered


def expected_choices(shown: Json) -> Iterator[tuple[str, ...]]:
    """Yield the choices of each property inside."""
    if "enum" in shown:
        yield tuple(shown["enum"])
    inner = [*shown.get("properties", {}).values(), shown.get("items", {})]
    for one in inner:
        if one:
            yield from expected_choices(one)


def submitted(page: Page, action: str) -> Json:
    """Send the form. Return the values that the server has understood; our own check takes them too."""
    with page.expect_response(
        lambda answer: "create_flow_run" in answer.url
    ) as waiting:
        page.get_by_role("button", name="Submit").click()
    answer = waiting.value
    assert answer.status == HTTPStatus.CREATED, answer.text()
    parameters: Json = answer.json()["parameters"]
    assert_ours(action, parameters)
    return given_values(parameters)


main()
