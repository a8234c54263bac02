"""Runs that outlive the page: parts of a flow, the history, and a page that comes back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.workbench.entering import session_header
from tests.workbench.page.acting import open_flow, result, run, step
from tests.workbench.page.conftest import Open, Workbench, sandboxed

ITEM: dict[str, Any] = {"item": ""}
ANSWERS: dict[str, Any] = {"pluck": "/content", "join": "\n"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a ledger and of saved flows that no other test has."""
    monkeypatch.setenv("AUTOMATION_HOST_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def fresh(home: Path) -> Iterator[Workbench]:
    """A workbench over them."""
    with sandboxed(home) as started:
        yield started


def newest(workbench: Workbench) -> dict[str, Any]:
    """The newest run of the history, as a page gets it."""
    headers = session_header(workbench.address)
    with httpx.Client(base_url=workbench.origin, headers=headers) as client:
        entries = client.get("/api/history").raise_for_status().json()["entries"]
        if not entries:
            return {"status": "", "steps": []}
        found: dict[str, Any] = client.get(f"/api/history/{entries[0]['id']}").json()
        return found


def chat(step_id: str, *content: Any, **more: Any) -> dict[str, Any]:
    """A step that asks."""
    return {
        "id": step_id,
        "connector": "perplexity",
        "action": "create_chat_completion",
        "version": 1,
        "connection": None,
        "input": {"model": "sonar", "messages": [{"role": "user"}]},
        "bindings": {"/messages/0/content": list(content)},
        **more,
    }


def flow_of_steps(*steps: dict[str, Any]) -> dict[str, Any]:
    """A flow that takes a list of questions."""
    questions = {"type": "array", "items": {"type": "string"}, "title": "Questions"}
    inputs = {
        "type": "object",
        "properties": {"questions": questions},
        "required": ["questions"],
    }
    return {"flow_version": 2, "inputs": inputs, "steps": list(steps)}


def briefing() -> dict[str, Any]:
    """Ask each question, then write one text."""
    each = {"input": "/questions", "on_failure": "continue"}
    answers = {"step": "answer", "pointer": "/items", **ANSWERS}
    return flow_of_steps(
        chat("answer", ITEM, each=each), chat("brief", "In short: ", answers)
    )


def fill_questions(page: Page, *questions: str) -> None:
    """Write the flow's input, one question a line."""
    page.get_by_role("textbox", name="Questions").fill("\n".join(questions))


def choose(page: Page, number: int, command: str) -> Locator:
    """Choose a command of a step's menu, and give the dialog that it opens."""
    card = step(page, number)
    card.get_by_role("button", name="More").click()
    card.get_by_role("menuitem", name=command).click()
    return page.get_by_role("dialog")


def write(page: Page, number: int, text: str) -> None:
    """Write at the end of a step's content."""
    step(page, number).locator(".sf-tokens").first.focus()
    page.keyboard.press("End")
    page.keyboard.type(text)


def show(page: Page, part: str) -> None:
    """Show a part of the column of the runs."""
    page.get_by_role("tab", name=part).click()


def test_a_step_runs_alone_with_the_answers_of_before_and_all_is_found_again(
    fresh: Workbench, open_page: Open, tmp_path: Path
) -> None:
    """Items in folds, failed ones first; kept and stale outputs with their reason and price; after a reload too."""
    page = open_page(fresh)
    open_flow(page, briefing(), tmp_path)
    fill_questions(page, "How far is the Moon?", "Moon? sandbox:failed")
    run(page)
    answered = result(page, "answer")
    expect(answered.locator(".items-count")).to_have_text("2 of 2 \u00b7 1 failed")
    folds = answered.locator(".item-fold")
    expect(folds.first).to_have_attribute("data-item", "1")
    expect(folds.last.locator(".answer")).to_have_count(0)
    folds.last.locator("summary").first.click()
    expect(folds.last.locator(".answer")).not_to_be_empty()
    billed = len(fresh.billed())

    write(page, 2, " Please.")
    dialog = choose(page, 2, "Run this step")
    expect(dialog.locator("[data-kept=answer]")).to_be_visible()
    expect(dialog.locator(".chip-stale")).to_have_count(0)
    expect(dialog.locator(".part-price")).to_contain_text("$")
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-state .chip")).to_have_text("succeeded")
    expect(result(page, "answer")).to_have_attribute("data-status", "kept")
    assert len(fresh.billed()) == billed + 1

    page.reload()
    expect(page.locator(".run-state .chip")).to_have_text("succeeded")
    write(page, 1, " Please.")
    dialog = choose(page, 2, "Run from here")
    stale = dialog.locator("[data-kept=answer]")
    expect(stale).to_contain_text("stale")
    expect(stale).to_contain_text("has changed")
    dialog.get_by_role("button", name="Close").click()

    show(page, "History")
    entries = page.locator(".history-entry")
    expect(entries).to_have_count(2)
    # It has no name.
    expect(entries.first.locator("strong")).to_contain_text("answer \u2192 brief")
    page.get_by_role("searchbox", name="Search the history").fill("no such words")
    expect(entries).to_have_count(0)
    page.get_by_role("searchbox", name="Search the history").fill("Please")
    expect(entries).to_have_count(1)
    entries.click()
    old = page.locator("#history-body")
    expect(old.locator("[data-step=brief] .answer")).not_to_be_empty()
    old.get_by_role("button", name="Open this flow").click()
    # The flow on the page has a change that is not saved.
    page.get_by_role("dialog").get_by_role("button", name="Do not save").click()
    expect(page.locator("#run-body [data-step=brief] .answer")).not_to_be_empty()
    show(page, "History")
    old.get_by_role("button", name="Erase it").click()
    old.get_by_role("button", name="Erase it now").click()
    expect(entries).to_have_count(0)


def test_a_run_outlives_its_page_and_its_server(home: Path, open_page: Open) -> None:
    """The step ends, the next one waits for a page that comes back, and a new server goes on from the one after it."""
    asked = chat("ask", {"input": "/questions/0"})
    more = (chat("again", "Moon? sandbox:slow"), chat("last", "Moon?"))
    with sandboxed(home) as first:
        page = open_page(first)
        open_flow(page, flow_of_steps(asked, *more), home)
        fill_questions(page, "How far is the Moon? sandbox:slow")
        page.locator("#run-flow").click()
        leave_during(page, "ask")
        wait_for(first, "ask")
        assert len(first.billed()) == 1
        page.goto(first.address)
        before = result(page, "ask").and_(page.locator("[data-status=succeeded]"))
        leave_during(page, "again", before.locator(".answer:not(:empty)"))
        wait_for(first, "again")
        assert newest(first)["status"] == "running"
        assert len(first.billed()) == 2

    with sandboxed(home) as second:
        assert newest(second)["status"] == "interrupted"
        page = open_page(second)
        show(page, "History")
        page.locator(".history-entry").click()
        page.get_by_role("button", name="Go on").click()
        shown = page.locator("#run-body")
        expect(shown.locator(".run-state .chip")).to_have_text("succeeded")
        expect(shown.locator("[data-step=again]")).to_contain_text("kept")
        expect(shown.locator("[data-step=last] .answer")).not_to_be_empty()
        expect(shown.locator(".run-tab")).to_have_count(0)
        show(page, "History")
        detail = page.locator("#history-body")
        expect(detail.locator(".run-state .chip")).to_have_text("succeeded")
        expect(detail.get_by_role("button", name="Go on")).to_have_count(0)
        expect(detail.locator(".facts").first).to_contain_text("sandbox:slow")
        assert len(second.billed()) == 1


def leave_during(page: Page, step_id: str, *seen: Locator) -> None:
    """Leave the page once the answer of a step has begun, and it shows these.

    A slow answer takes two seconds, and `expect` may sleep for one of them.
    """
    result(page, step_id).locator(".answer:not(:empty)").wait_for()
    assert [found.count() for found in seen] == [1] * len(seen)
    page.goto("about:blank")


def wait_for(workbench: Workbench, step_id: str) -> None:
    """Wait until a step of the newest run has ended."""

    def is_done() -> bool:
        steps = newest(workbench)["steps"]
        return any(each["id"] == step_id and each["state"] == "done" for each in steps)

    while not is_done():
        pass
