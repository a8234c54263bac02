"""Flows with names, and flows that run for each row of a table."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.workbench.page.acting import (
    add,
    flow_of,
    open_flow,
    result,
    run,
    step,
    text_field,
)
from tests.workbench.page.conftest import SEARCH, Open, sandboxed
from tests.workbench.page.test_page_looks import axe_issues

TABLE = 'Query,country\nmoon distance,DE\n"moon sandbox:html",FR\n,IT\n'


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open) -> Any:
    """A page of a workbench whose saved flows are its own, in dark colours."""
    monkeypatch.setenv("AUTOMATION_HOST_HOME", str(tmp_path / "home"))
    with sandboxed(tmp_path) as started:
        page = open_page(started, color_scheme="dark", reduced_motion="reduce")
        yield page
        page.goto("about:blank")


def save_as(page: Page, name: str) -> None:
    """Save the flow under a name."""
    page.get_by_role("button", name="More for the flow").click()
    page.get_by_role("menuitem", name="Save as").click()
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()


def test_flows_have_names(named: Page, tmp_path: Path) -> None:
    """Saved, opened, renamed, deleted; changes are marked, and never lost without a question."""
    page, name = named, named.locator("#flow-name")
    (search,) = add(page, SEARCH)
    text_field(search, "Query").fill("moon distance")
    flow_of(page, tmp_path)
    expect(name).to_contain_text("not saved")
    page.keyboard.press("Control+s")
    page.get_by_role("textbox", name="Name").fill("Moon")
    page.keyboard.press("Enter")
    expect(name).to_have_text("Moon")
    run(page)

    text_field(search, "Query").fill("jupiter moons")
    expect(name).to_contain_text("not saved")
    save_as(page, "Moon")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Replace it")).to_be_visible()
    page.get_by_role("textbox", name="Name").fill("Jupiter")
    page.keyboard.press("Enter")
    expect(name).to_have_text("Jupiter")

    text_field(search, "Query").fill("lost")
    asked: list[str] = []

    def hear(question: Dialog) -> None:
        asked.append(question.type)
        question.accept()

    page.once("dialog", hear)
    page.reload()
    expect(name).to_contain_text("not saved")
    assert asked == ["beforeunload"]
    page.locator("#open").click()
    issues = axe_issues(page)
    dialog.locator("[data-name=Moon] .saved-open").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(name).to_contain_text("Jupiter")
    page.locator("#open").click()
    dialog.locator("[data-name=Moon] .saved-open").click()
    dialog.get_by_role("button", name="Do not save").click()
    expect(name).to_have_text("Moon")
    expect(text_field(step(page, 1), "Query")).to_have_value("moon distance")
    # Its last run is known.
    expect(result(page, "search").locator(".sources a").first).to_be_visible()

    page.locator("#open").click()
    dialog.get_by_role("button", name="Rename Moon").click()
    page.get_by_role("textbox", name="New name for Moon").fill("The Moon")
    page.keyboard.press("Enter")
    expect(name).to_have_text("The Moon")
    dialog.get_by_role("button", name="Delete Jupiter").click()
    dialog.get_by_role("button", name="Delete it").click()
    expect(dialog.locator(".saved-open")).to_have_count(1)
    assert issues == []


def test_a_flow_runs_for_each_row_of_a_table(named: Page, tmp_path: Path) -> None:
    """Without inputs it says how; then columns, the plan with its invalid line, the rows, and the file."""
    page, place = named, named.locator("#table-body")
    add(page, SEARCH)
    page.get_by_role("tab", name="Table").click()
    expect(place).to_contain_text("no inputs")
    place_of = {"type": "string", "title": "Words"}
    inputs = {
        "type": "object",
        "properties": {"words": place_of},
        "required": ["words"],
    }
    search = {"id": "search", "connector": "perplexity", "action": "execute_search"}
    bound = {"bindings": {"/query": [{"input": "/words"}]}, "input": {}, "version": 1}
    page.get_by_role("button", name="More for the flow").click()
    page.get_by_role("menuitem", name="New flow").click()
    page.get_by_role("button", name="Do not save").click()
    flow = {"flow_version": 2, "inputs": inputs, "steps": [search | bound]}
    open_flow(page, flow, tmp_path)

    table = tmp_path / "rows.csv"
    table.write_text(TABLE, encoding="utf-8")
    place.get_by_label("Table (CSV or JSON Lines)").set_input_files(table)
    place.get_by_label("Words").select_option("Query")
    expect(place).to_contain_text("Lines that cannot run: 1")
    issues = axe_issues(page)
    place.locator("#run-table").click()
    expect(place.locator(".table-bar")).to_contain_text("2 of 2 rows")
    issues += axe_issues(page)
    with page.expect_download() as download:
        place.locator("#save-table").click()
    download.value.save_as(tmp_path / "output.csv")
    output = (tmp_path / "output.csv").read_text(encoding="utf-8")
    assert len(output.splitlines()) >= 3
    page.get_by_role("tab", name="History").click()
    expect(page.locator(".history-entry")).to_contain_text("Table")
    assert issues + axe_issues(page) == []
