"""What a user does with the page, and what is read off it."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

WATCH = """() => {
  window.seen = [];
  window.said = [];
  const hear = () => window.said.push(document.querySelector('#said').textContent);
  const look = () => {
    const answer = document.querySelector('[data-step="completion"] .answer, [data-step="ask"] .answer');
    const length = answer ? answer.textContent.length : 0;
    if (length !== window.seen.at(-1)) window.seen.push(length);
  };
  const all = {childList: true, subtree: true, characterData: true};
  new MutationObserver(look).observe(document.querySelector('#run-body'), all);
  new MutationObserver(hear).observe(document.querySelector('#said'), all);
}"""


def drag(page: Page, source: Locator, target: Locator, *, down: float = 0.5) -> None:
    """Drag with the mouse from one element into another one, `down` of its height below its top."""
    begin, end = source.bounding_box(), target.bounding_box()
    assert begin is not None
    assert end is not None
    page.mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(
        end["x"] + end["width"] / 2, end["y"] + end["height"] * down, steps=10
    )
    page.mouse.up()


def action(page: Page, name: str) -> Locator:
    """The palette's card of an action."""
    return page.locator(f'[data-action="{name}"]')


def step(page: Page, number: int) -> Locator:
    """A step of the flow, with its form there."""
    card = page.locator(".step").nth(number - 1)
    expect(card.locator("schema-form [data-pointer]").first).to_be_attached()
    return card


def text_field(card: Locator, title: str) -> Locator:
    """A field to write in, by its title."""
    return card.get_by_role("textbox", name=title, exact=False).first


def add(page: Page, *names: str) -> list[Locator]:
    """Add actions by a click each, and give their cards."""
    before = page.locator(".step").count()
    for number, name in enumerate(names, before + 1):
        action(page, name).click()
        step(page, number)
    return [step(page, number) for number in range(before + 1, before + len(names) + 1)]


def run(page: Page, status: str = "succeeded") -> None:
    """Run the flow to its end."""
    page.locator("#run-flow").click()
    expect(page.locator(".run-state .chip")).to_have_text(status)


def result(page: Page, step_id: str) -> Locator:
    """What the shown run has of a step."""
    return page.locator(f'.run-step[data-step="{step_id}"]')


def flow_of(page: Page, folder: Path) -> Any:
    """The flow, as the page writes it to a file."""
    with page.expect_download() as download:
        # It is in the menu, which is closed.
        download_item = page.get_by_role(
            "menuitem", name="Download", include_hidden=True
        )
        download_item.evaluate("button => button.click()")
    file = folder / "flow.json"
    download.value.save_as(file)
    return json.loads(file.read_text(encoding="utf-8"))


def open_flow(page: Page, flow: Any, folder: Path, *, unsaved: bool = False) -> None:
    """Open a flow from a file; `unsaved` changes of the one before are given up."""
    file = folder / "opened.json"
    file.write_text(json.dumps(flow), encoding="utf-8")
    page.locator("#open-file").set_input_files(file)
    if unsaved:
        page.get_by_role("button", name="Do not save").click()
    expect(page.locator(".step")).to_have_count(len(flow["steps"]))
    for number in range(1, len(flow["steps"]) + 1):
        step(page, number)
