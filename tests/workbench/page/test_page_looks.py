"""How the page looks: on any screen, and to a user who cannot see it."""

import os
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.paths import ROOT
from tests.workbench.page.acting import add, result, run, step, text_field
from tests.workbench.page.conftest import AXE, CHAT, SEARCH, Open

WIDTHS = [360, 768, 1280, 1600]
NARROW = 760
Scheme = Literal["light", "dark"]
SCHEMES: list[Scheme] = ["light", "dark"]


def axe_issues(page: Page) -> list[str]:
    """All that axe-core finds, with the elements that it means."""
    if not AXE.exists():
        pytest.fail(
            f"This test needs axe-core: npm install --prefix {AXE.parents[2].relative_to(ROOT)}"
        )
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violations: list[Any] = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then((all) => all.violations)"
    )
    return [
        f"{issue['id']}: {node['html']} {node['failureSummary']}"
        for issue in violations
        for node in issue["nodes"]
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(open_page: Open, scheme: Scheme) -> None:
    """Empty, with forms filled in and wrong, with every fold open, in the dialogs, and after a run."""
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    issues = axe_issues(page)
    page.locator("#try-example").click()
    chat = step(page, 2)
    run(page)
    page.evaluate(
        "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
    )
    chat.get_by_role("spinbutton", name="Temperature").fill("9")
    expect(chat.get_by_role("spinbutton", name="Temperature")).to_have_attribute(
        "aria-invalid", "true"
    )
    chat.get_by_role("combobox", name="Model").click()
    expect(chat.locator(".sf-option").first).to_be_visible()
    issues += axe_issues(page)
    page.keyboard.press("Escape")
    chat.get_by_role("button", name="Use a value in Content").last.click()
    issues += axe_issues(page)
    page.get_by_role("button", name="Close").click()
    said = page.get_by_role("tab", name="History").evaluate(
        """tab => {
          tab.click();
          return document.querySelector("#history-body [role=status]").textContent;
        }"""
    )
    # Before the first entry is there.
    assert said
    page.locator(".history-entry").first.click()
    expect(page.locator(".old-run .run-step").first).to_be_visible()
    issues += axe_issues(page)
    page.locator("#connections").click()
    page.get_by_role("button", name="New connection").click()
    expect(page.get_by_label("API Key")).to_be_visible()
    issues += axe_issues(page)
    assert issues == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_at_the_side(open_page: Open, width: int) -> None:
    """Neither the empty page nor a flow and its run need scrolling to the side; every control is big enough to hit."""
    page = open_page(viewport={"width": width, "height": 800}, has_touch=width < NARROW)
    if width < NARROW:
        page.locator(".tab[data-part=flow]").click()
    page.locator("#try-example").click()
    step(page, 2).get_by_text("More options").click()
    assert overflow(page) <= 0
    run(page)
    assert overflow(page) <= 0
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, summary, input:not([type=radio], [type=file])')]
            .filter((each) => each.checkVisibility())
            .map((each) => [each.getBoundingClientRect(), each.outerHTML])
            .filter(([box]) => box.width < 24 || box.height < 24).map(([, html]) => html)"""
    )
    assert small == []


def overflow(page: Page) -> int:
    """How many pixels of the page are beyond its side."""
    found: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return found


def test_on_a_narrow_screen_one_part_is_shown_at_a_time(open_page: Open) -> None:
    """Adding an action shows the flow, running it the run; it is always said that answers are a sandbox's."""
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True)
    page.get_by_role("button", name="Got it").click()
    expect(page.locator("#sandbox-badge")).to_be_visible()
    expect(page.locator("#flow")).to_be_hidden()
    (search,) = add(page, SEARCH)
    expect(page.locator("#palette")).to_be_hidden()
    text_field(search, "Query").fill("moon distance")
    run(page)
    expect(page.locator("#flow")).to_be_hidden()
    expect(result(page, "search").locator(".sources a").first).to_be_visible()


def test_a_finger_drags_a_step_by_its_handle(open_page: Open) -> None:
    """As a mouse does."""
    page = open_page(has_touch=True)
    add(page, SEARCH, CHAT)
    touch = page.context.new_cdp_session(page)
    handle = page.locator(".step").nth(0).locator("[data-drag-handle]")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + 8, box["y"] + 8
    touch.send(
        "Input.dispatchTouchEvent",
        {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]},
    )
    for down in range(0, 720, 60):
        touch.send(
            "Input.dispatchTouchEvent",
            {
                "type": "touchMove",
                "touchPoints": [{"x": x + 100, "y": min(y + down, 880)}],
            },
        )
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".step-title").first).to_have_text("Create Chat Completion")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_pictures_of_the_readme(
    open_page: Open, tmp_path: Path, scheme: Scheme
) -> None:
    """The example after its run. With WORKBENCH_IMAGES set they are written to docs/images, else beside the test."""
    page = open_page(
        viewport={"width": 1440, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    page.locator("#try-example").click()
    step(page, 2)
    run(page)
    page.get_by_role("button", name="Got it").click()
    page.get_by_role("button", name="Hide the form").first.click()
    page.evaluate("document.querySelector('[data-step=ask]').scrollIntoView()")
    page.locator("#flow").evaluate("column => column.scrollTo(0, 0)")
    page.mouse.move(1, 1)
    folder = (
        ROOT / "docs" / "images" if os.environ.get("WORKBENCH_IMAGES") else tmp_path
    )
    folder.mkdir(exist_ok=True)
    file = folder / f"workbench-{scheme}.png"
    page.screenshot(path=file)
    assert file.stat().st_size < 300_000
