"""Values of inputs, items and earlier steps in any field; inputs, repeated steps, and many steps."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.workbench.page.acting import flow_of, open_flow, step, text_field
from tests.workbench.page.conftest import Open
from tests.workbench.page.test_page_looks import (
    SCHEMES,
    Scheme,
    axe_issues,
    overflow,
)

HEADLINES: Any = {
    "type": "object",
    "properties": {
        "headlines": {
            "type": "array",
            "title": "Headlines",
            "items": {"$ref": "#/$defs/headline"},
        }
    },
    "$defs": {
        "headline": {"type": "object", "properties": {"text": {"type": "string"}}}
    },
}
INPUTS: Any = {
    "type": "object",
    "properties": {
        "company": {"type": "string", "title": "Company"},
        "queries": {"type": "array", "items": {"type": "string"}, "title": "Queries"},
        "count": {"type": "integer", "title": "Count", "default": 3},
        "day": {"type": "string", "format": "date", "title": "Day"},
    },
    "required": ["company"],
    "additionalProperties": False,
}
OPEN_FOLDS = """document.querySelectorAll('dialog details').forEach((each) => {
  each.open = true;
})"""
FORMAT: Any = {
    "type": "json_schema",
    "json_schema": {"name": "news", "schema": HEADLINES},
}


def search(**more: Any) -> Any:
    """A step that searches."""
    given = {"id": "search", "connector": "perplexity", "action": "execute_search"}
    return {"input": {"query": "moon"}, "version": 1, **given, **more}


def chat(**more: Any) -> Any:
    """A step that asks."""
    messages = [{"role": "user", "content": "Who?"}]
    given = {"connector": "perplexity", "action": "create_chat_completion"}
    value = {"model": "sonar", "messages": messages}
    return {"id": "ask", "input": value, "version": 1, **given, **more}


def flow(*steps: Any, **more: Any) -> Any:
    """A flow of these steps."""
    return {"flow_version": 2, "steps": list(steps), **more}


def pick(page: Page, card: Locator, title: str, place: str, source: str) -> None:
    """Let a field take a value."""
    card.get_by_role("button", name=f"Use a value in {title}", exact=True).first.click()
    spot = page.locator(f'[data-pick="{place}"][data-from="{source}"]')
    while spot.count() == 0:
        page.locator("dialog details:not([open]) > summary:visible").first.click()
    page.evaluate(OPEN_FOLDS)
    spot.click()


def bindings(page: Page, folder: Path, number: int) -> Any:
    """The bindings of a step, as the page saves them."""
    return flow_of(page, folder)["steps"][number - 1]["bindings"]


def test_any_field_takes_a_value_that_fits(page: Page, tmp_path: Path) -> None:
    """Lists, numbers, dates, choices and objects keep their types; others say why not, and cannot be picked."""
    shape = {"shape": {"type": "object", "title": "Shape"}}
    inputs = {**INPUTS, "properties": INPUTS["properties"] | shape}
    open_flow(page, flow(search(), chat(), inputs=inputs), tmp_path)
    found, asked = step(page, 1), step(page, 2)
    for card in (found, asked):
        card.get_by_text("More options").click()
    found.get_by_role("textbox", name="Query").fill("")
    pick(page, found, "Query", "/queries", "input")
    pick(page, found, "Maximum results", "/count", "input")
    assert bindings(page, tmp_path, 1) == {
        "/query": [{"input": "/queries"}],
        "/max_results": [{"input": "/count"}],
    }
    pick(page, asked, "Published after", "/day", "input")
    pick(page, asked, "Search domains", "/results*/url", "search")
    pick(page, asked, "Reasoning effort", "/company", "input")
    pick(page, asked, "Schema", "/shape", "input")
    assert bindings(page, tmp_path, 2) == {
        "/search_after_date_filter": [{"input": "/day"}],
        "/search_domain_filter": [
            {"step": "search", "pointer": "/results", "pluck": "/url"}
        ],
        "/reasoning_effort": [{"input": "/company"}],
        "/response_format/json_schema/schema": [{"input": "/shape"}],
    }
    asked.get_by_role("button", name="Use a value in Temperature").click()
    wrong = page.locator('[data-pick="/company"]')
    expect(wrong).to_have_attribute("aria-disabled", "true")
    expect(wrong.locator(".tree-reason")).not_to_be_empty()
    expect(wrong).to_have_attribute("tabindex", "-1")
    wrong.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.locator('[data-pick="/count"]').click()
    assert bindings(page, tmp_path, 2)["/temperature"] == [{"input": "/count"}]
    # Without it, the field has its own control again.
    taken = asked.locator('[data-pointer="/temperature"]')
    taken.get_by_role("button", name="Remove").click()
    expect(asked.get_by_role("spinbutton", name="Temperature")).to_be_focused()
    assert "/temperature" not in bindings(page, tmp_path, 2)


def test_a_list_of_texts_takes_values_in_its_texts(page: Page, tmp_path: Path) -> None:
    """What was typed stays, each text is a row, and a flow with values in a list is shown so."""
    open_flow(page, flow(search(input={}), inputs=INPUTS), tmp_path)
    card = step(page, 1)
    several = card.get_by_role("radio", name="Several queries")
    several.check(force=True)
    lines = card.get_by_role("textbox", name="Query")
    lines.fill("basics\nnews\nhistory")
    lines.press("ControlOrMeta+Home")
    pick(page, card, "Query", "/company", "input")
    rows = card.locator('[data-pointer="/query"] .sf-item')
    expect(rows).to_have_count(3)
    expect(several).to_be_checked()
    assert bindings(page, tmp_path, 1) == {
        "/query/0": [{"input": "/company"}, "basics"]
    }
    assert flow_of(page, tmp_path)["steps"][0]["input"]["query"][1:] == [
        "news",
        "history",
    ]
    pick(page, card, "Query 3", "/company", "input")
    rows.nth(1).get_by_role("button", name="Remove Query 2").click()
    rows.nth(1).get_by_role("button", name="Move Query 2 up").click()
    card.get_by_role("button", name="Add query").click()
    page.keyboard.type("facts")
    assert list(bindings(page, tmp_path, 1)) == ["/query/1", "/query/0"]
    assert flow_of(page, tmp_path)["steps"][0]["input"]["query"] == ["", "", "facts"]
    # Without its value, a text keeps its place.
    rows.nth(1).locator(".sf-token-remove").click()
    text_field(rows.nth(1), "Query 2").fill("")
    assert flow_of(page, tmp_path)["steps"][0]["input"]["query"] == ["", "", "facts"]
    taken = {f"/query/{n}": [{"input": "/company"}, f" {n}"] for n in range(3)}
    opened = flow(search(input={"max_results": 2}, bindings=taken), inputs=INPUTS)
    open_flow(page, opened, tmp_path, unsaved=True)
    expect(several).to_be_checked()
    expect(rows.locator(".sf-tokens .sf-token")).to_have_count(3)
    expect(card.locator(".sf-stray, .sf-wrong")).to_have_count(0)
    assert flow_of(page, tmp_path)["steps"][0]["input"] == {"max_results": 2}
    rows.nth(1).locator(".sf-token-remove").click()
    assert flow_of(page, tmp_path)["steps"][0]["input"]["query"] == ["", " 1"]
    assert list(bindings(page, tmp_path, 1)) == ["/query/0", "/query/2"]
    expect(several).to_be_disabled()
    # Without any value, there are lines again, and the switch can be used.
    for number in (0, 2):
        rows.nth(number).locator(".sf-token-remove").click()
    expect(lines).to_be_focused()
    expect(lines).to_have_value(" 0\n 1\n 2")
    expect(several).to_be_enabled()


def test_a_text_takes_a_field_of_every_item(page: Page, tmp_path: Path) -> None:
    """Also of an answer in the author's own form, before any run; and a value for where there is none."""
    first = chat(id="news", input=chat()["input"] | {"response_format": FORMAT})
    open_flow(page, flow(first, chat(), flow_version=1), tmp_path)
    asked = step(page, 2)
    asked.get_by_role("button", name="Use a value in Content").click()
    # The answer is offered first.
    offered = page.get_by_role("dialog").locator(".tree-pick").first
    expect(offered).to_have_attribute("data-pick", "/content")
    page.keyboard.press("Escape")
    pick(page, asked, "Content", "/parsed/headlines*/text", "news")
    place = {"step": "news", "pointer": "/parsed/headlines", "pluck": "/text"}
    saved = flow_of(page, tmp_path)
    assert saved["flow_version"] == 2
    parts = saved["steps"][1]["bindings"]["/messages/0/content"]
    assert parts == ["Who?", {**place, "join": "\n"}]
    asked.locator(".sf-token-name").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Between the items").select_option(label="A comma")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_label("The value to use").fill("no news")
    dialog.get_by_role("button", name="Keep").click()
    changed = {**place, "join": ", ", "default": "no news"}
    parts = bindings(page, tmp_path, 2)["/messages/0/content"]
    assert parts == ["Who?", changed]
    # A number alone in a text is written as text.
    asked.locator(".sf-token-remove").click()
    text_field(asked, "Content").fill("")
    pick(page, asked, "Content", "/created", "news")
    parts = bindings(page, tmp_path, 2)["/messages/0/content"]
    assert parts == [{"step": "news", "pointer": "/created"}, ""]


def test_a_flow_declares_its_inputs(page: Page, tmp_path: Path) -> None:
    """In rows, or as JSON where rows do not suffice; steps follow a new name; without inputs it is of version 1."""
    open_flow(page, flow(search(), flow_version=1), tmp_path)
    page.get_by_role("button", name="Add inputs").click()
    editor = page.locator(".input-editor")
    rows = editor.locator(".sf-item")
    page.keyboard.type("firm")
    rows.get_by_role("textbox", name="Title").fill("Company")
    rows.get_by_role("switch", name="Required").check()
    editor.get_by_role("button", name="Add input").click()
    rows.nth(1).get_by_role("textbox", name="Name").fill("days")
    rows.nth(1).get_by_role("combobox", name="Type").select_option("whole")
    rows.nth(1).get_by_role("textbox", name="Default").fill("seven")
    wrong = rows.nth(1).locator('[data-pointer$="/default"] .sf-error')
    expect(wrong).to_be_visible()
    rows.nth(1).get_by_role("textbox", name="Default").fill("7")
    pick(page, step(page, 1), "Query", "/firm", "input")
    rows.nth(0).get_by_role("textbox", name="Name").fill("company")
    saved = flow_of(page, tmp_path)
    assert saved["inputs"] == {
        "type": "object",
        "properties": {
            "company": {"type": "string", "title": "Company"},
            "days": {"type": "integer", "default": 7},
        },
        "required": ["company"],
        "additionalProperties": False,
    }
    assert bindings(page, tmp_path, 1) == {"/query": ["moon", {"input": "/company"}]}
    page.get_by_role("button", name="Undo").click()
    assert bindings(page, tmp_path, 1) == {"/query": ["moon", {"input": "/firm"}]}
    page.get_by_role("button", name="Redo").click()
    page.get_by_role("button", name="Done").click()
    # Run goes to the input that is missing.
    page.locator("#run-flow").click()
    company = page.locator(".run-form").get_by_role("textbox", name="Company")
    expect(company).to_be_focused()
    expect(company).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".run-step")).to_have_count(0)
    # JSON that the rows cannot show.
    page.get_by_role("button", name="Edit inputs").click()
    editor.get_by_text("JSON Schema").click()
    area = editor.get_by_label("Inputs as JSON Schema")
    schema = {"type": "object", "properties": {"a": {"type": "array"}}}
    area.fill(json.dumps(schema))
    expect(rows).to_have_count(0)
    assert flow_of(page, tmp_path)["inputs"] == schema
    area.fill("")
    step(page, 1).locator(".sf-token-remove").click()
    saved = flow_of(page, tmp_path)
    assert "inputs" not in saved
    assert saved["flow_version"] == 1


def test_a_step_is_repeated_for_each_item_of_a_list(page: Page, tmp_path: Path) -> None:
    """Of a step or of an input; its card says how often, and its fields take the item."""
    open_flow(page, flow(search(), chat(), chat(id="end"), inputs=INPUTS), tmp_path)
    page.locator(".run-form").get_by_role("textbox", name="Queries").fill("a\nb\nc")
    asked = step(page, 2)
    asked.get_by_role("button", name="Choose a list").click()
    expect(page.locator('[data-pick="/company"]')).to_have_attribute(
        "aria-disabled", "true"
    )
    page.locator('[data-pick="/queries"][data-from="input"]').click()
    count = asked.locator(".chip-repeat")
    expect(count).to_contain_text("(3)")
    asked.get_by_role("button", name="Inputs \u203a queries", exact=True).click()
    page.locator('[data-pick="/results"]').click()
    asked.get_by_role("spinbutton", name="At most").fill("5")
    asked.get_by_role("combobox", name="If an item fails").select_option("continue")
    asked.get_by_role("combobox", name="If it fails").select_option("continue")
    expect(count).to_contain_text("(up to 5)")
    pick(page, asked, "Content", "/snippet", "item")
    pick(page, step(page, 3), "Content", "/items*/content", "ask")
    each = {"step": "search", "pointer": "/results", "max": 5, "on_failure": "continue"}
    step(page, 1).get_by_label("Step id").fill("found")
    step(page, 1).get_by_label("Step id").press("Tab")
    saved = flow_of(page, tmp_path)["steps"]
    assert saved[1]["each"] == {**each, "step": "found"}
    assert saved[1]["on_failure"] == "continue"
    assert saved[1]["bindings"]["/messages/0/content"] == ["Who?", {"item": "/snippet"}]
    plucked = {"step": "ask", "pointer": "/items", "pluck": "/content", "join": "\n"}
    assert saved[2]["bindings"]["/messages/0/content"] == ["Who?", plucked]
    asked.locator(".step-repeat").get_by_role("button", name="Remove").click()
    expect(count).to_be_hidden()
    assert "each" not in flow_of(page, tmp_path)["steps"][1]
    page.get_by_role("button", name="Undo").click()
    expect(count).to_be_visible()


CHANGED = """() => {
  window.changed = new Set();
  new MutationObserver((records) => {
    for (const { target } of records) {
      const card = (target instanceof Element ? target : target.parentElement)?.closest('.step');
      if (card) window.changed.add(card.dataset.uid);
    }
  }).observe(document.querySelector('.steps'), {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def test_fifty_steps_draw_only_what_is_open(page: Page, tmp_path: Path) -> None:
    """A closed card has no form, and an edit draws its own card only; half-written JSON outlives a closed card."""
    steps = [search(id="s0"), *(chat(id=f"s{number}") for number in range(1, 50))]
    file = tmp_path / "fifty.json"
    file.write_text(json.dumps(flow(*steps, flow_version=1)), encoding="utf-8")
    page.locator("#open-file").set_input_files(file)
    cards, forms = page.locator(".step"), page.locator(".step schema-form")
    expect(cards).to_have_count(50)
    expect(forms).to_have_count(0)
    for number in (3, 7):
        cards.nth(number).get_by_role("button", name="Show the form").click()
    expect(forms).to_have_count(2)
    with page.expect_response("**/api/validate"):
        text_field(cards.nth(3), "Content").fill("What?")
    page.evaluate(CHANGED)
    with page.expect_response("**/api/validate"):
        text_field(cards.nth(3), "Content").fill("Where?")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert page.evaluate("window.changed.size") <= 1
    cards.nth(3).locator(".sf-raw summary").click()
    cards.nth(3).locator(".sf-raw textarea").fill('{"model": ')
    page.get_by_role("button", name="Collapse all").click()
    # Only the form with half-written JSON is kept, out of sight.
    expect(forms).to_have_count(1)
    expect(forms).to_be_hidden()
    page.locator("#run-flow").click()
    expect(cards.nth(3).locator(".sf-raw textarea")).to_be_focused()
    expect(cards.nth(3).locator(".sf-raw textarea")).to_have_value('{"model": ')
    # A copy is below its step; the menu works by keys.
    cards.nth(7).get_by_role("button", name="More for this step").focus()
    for key in ("Enter", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    expect(cards).to_have_count(51)
    expect(cards.nth(8)).to_be_focused()
    saved = flow_of(page, tmp_path)["steps"]
    assert saved[8] == {**saved[7], "id": "completion"}
    page.get_by_role("button", name="Undo").click()
    expect(cards).to_have_count(50)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_in_it(
    open_page: Open, tmp_path: Path, scheme: Scheme
) -> None:
    """In inputs and their editor, a menu, a repeated step and a picker; on a narrow screen nothing is cut off."""
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    each = {"each": {"input": "/queries"}}
    bound: Any = {"/temperature": [{"input": "/count"}]}
    flow_ = flow(search(), chat(**each, bindings=bound), inputs=INPUTS)
    open_flow(page, flow_, tmp_path)
    asked = step(page, 2)
    asked.get_by_text("More options").click()
    asked.get_by_role("button", name="More for this step").click()
    issues = axe_issues(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Edit inputs").click()
    asked.get_by_role(
        "button", name="Use a value in Maximum tokens", exact=True
    ).click()
    page.evaluate(OPEN_FOLDS)
    issues += axe_issues(page)
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 800})
    page.locator(".tab[data-part=flow]").click()
    assert overflow(page) <= 0
    page.get_by_role("button", name="Done").click()
    assert overflow(page) <= 0
    assert issues == []
