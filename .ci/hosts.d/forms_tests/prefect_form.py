"""Our two actions as flows of `adapters/prefect`: the server takes or refuses parameters, its page draws the forms.

`prefect_form.py FOLDER`, where the server keeps its files. It asserts, and prints one line for each action.
"""

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
from urllib.parse import quote

from expected_form import (
    REFUSED,
    TAKEN,
    Json,
    expected_choices,
    expected_fields,
    given_values,
    published,
    with_switches,
    without_kind,
)

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
from prefect import get_client  # noqa: E402 - likewise

from perplexity_connector.adapters.prefect.setup import (  # noqa: E402 - likewise
    set_up,
)
from perplexity_connector.plugin import load_connector  # noqa: E402 - likewise

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
# The picker for a saved block, which is not a part of our schema.
CONNECTION = {("connection (Optional)",): "block"}
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
    "schema-form-property-block-document": "block",
}


def main() -> None:
    """Register both actions as flows, and try each with one server and one browser."""
    with served():
        # Not inside the browser's loop, where Prefect would be asynchronous.
        deployments = registered()
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


def registered() -> dict[str, str]:
    """Set the server up as `prefect setup` does. Return the id of each action's deployment."""
    made = set_up()
    assert {f"{action}/perplexity" for action in TAKEN} < set(made.deployments)
    with get_client(sync_client=True) as client:
        return {
            action: str(client.read_deployment_by_name(f"{action}/perplexity").id)
            for action in TAKEN
        }


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
    assert drawn == {**dict(expected_fields(schema)), **CONNECTION}, drawn
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
