"""Langflow itself, in a browser: both actions are dragged onto the canvas and run on the sandbox."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from perplexity_connector.sandbox import GOOD_KEY, Sandbox

CHAT, SEARCH = "CreateChatCompletion", "ExecuteSearch"
QUESTION = "How far away is the Moon?"

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def page(langflow: str) -> Iterator[Page]:
    """A new flow, open on an empty canvas."""
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1800, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(langflow)
        page.get_by_test_id("new_project_btn_empty_page").click()
        page.get_by_test_id("flow-builder-welcome-faux-rail-components").click()
        expect(page.get_by_test_id("disclosure-perplexity connector")).to_be_visible()
        yield page
        browser.close()


def test_both_actions_stand_in_the_sidebar_and_are_dragged_onto_the_canvas(
    page: Page,
) -> None:
    """With our words and our icon; what a run does not need is folded away."""
    _drag(page, "perplexity_connector_create chat completion", 320, 60)
    _drag(page, "perplexity_connector_execute search", 980, 260)
    for name in (CHAT, SEARCH):
        expect(_node(page, name).get_by_test_id("icon-ZoomIn")).to_be_visible()
        expect(_node(page, name).get_by_test_id("title-api key")).to_be_visible()
        expect(_node(page, name).get_by_test_id("title-search recency")).to_have_count(
            0
        )


def test_a_search_shows_its_results_as_a_table(page: Page) -> None:
    """The rows come up in Langflow's own inspector."""
    search = _node(page, SEARCH)
    search.get_by_test_id("popover-anchor-input-query").fill("moon distance")
    search.get_by_test_id("popover-anchor-input-api_key").fill(GOOD_KEY)
    with page.expect_response(_is_run):
        search.get_by_test_id("button_run_execute search").click()
    search.get_by_test_id("output-inspection-results-executesearch").click()
    expect(page.get_by_text("https://moon.example/distance").first).to_be_visible()
    page.get_by_test_id("btn-close-modal").click()


def test_a_chat_is_written_into_the_playground(page: Page, sandbox: Sandbox) -> None:
    """A Chat Input feeds it, a Chat Output shows the answer while it is written, and its sources; it is paid once."""
    _drag(page, "input_output_chat input", 40, 300)
    _drag(page, "input_output_chat output", 700, 160)
    chat = _node(page, CHAT)
    chat.get_by_test_id("popover-anchor-input-api_key").fill(GOOD_KEY)
    chat.get_by_test_id("toggle_bool_stream").click()
    _connect(
        page,
        "handle-chatinput-noshownode-chat message-source",
        "handle-createchatcompletion-shownode-next message-left",
    )
    _connect(
        page,
        "handle-createchatcompletion-shownode-answer-right",
        "handle-chatoutput-noshownode-inputs-target",
    )
    expect(page.locator(".react-flow__edge")).to_have_count(2)
    page.get_by_test_id("sidebar-search-input").fill("perplexity")
    expect(
        page.get_by_test_id("perplexity_connector_execute search_draggable")
    ).to_be_visible()
    page.mouse.move(900, 900)
    _picture(page, "langflow.png")
    before = sandbox.billed_runs
    page.get_by_test_id("playground-btn-flow-io").or_(
        page.get_by_test_id("playground-btn-flow")
    ).first.click()
    page.get_by_placeholder("Send a message...").fill(QUESTION)
    page.get_by_test_id("button-send").last.click()
    answer = page.get_by_role("log")
    expect(answer).to_contain_text("The Moon is on average")
    assert "https://moon.example/distance" not in answer.inner_text(), (
        "the answer came in one piece"
    )
    expect(answer).to_contain_text("https://moon.example/distance")
    assert sandbox.billed_runs == before + 1
    _picture(page, "langflow-playground.png")


def test_a_search_that_cannot_work_says_why(page: Page) -> None:
    """In words, in the flow's own notice; nothing is sent."""
    page.get_by_role("button", name="Close and go back to flow").click()
    search = _node(page, SEARCH)
    search.get_by_test_id("popover-anchor-input-api_key").fill("pplx-test-wrong")
    search.get_by_test_id("button_run_execute search").click()
    expect(page.get_by_text("(invalid_credentials)").first).to_be_visible()


def _drag(page: Page, item: str, x: int, y: int) -> None:
    nodes = page.locator(".react-flow__node")
    wanted = nodes.count() + 1
    page.get_by_test_id("sidebar-search-input").fill(item.rsplit("_", maxsplit=1)[-1])
    for _ in range(4):
        # The sidebar may still be sliding in, and then the drop lands on it: as a person would, try again.
        target = page.locator(".react-flow__pane")
        page.get_by_test_id(f"{item}_draggable").drag_to(
            target, target_position={"x": x, "y": y}
        )
        with suppress(AssertionError):
            expect(nodes).to_have_count(wanted, timeout=15_000)
            return
    pytest.fail(f"{item} did not arrive on the canvas")


def _node(page: Page, name: str) -> Locator:
    return page.locator(f"[data-testid^='rf__node-'][data-testid*='{name}']")


def _connect(page: Page, source: str, target: str) -> None:
    for handle, act in ((source, page.mouse.down), (target, page.mouse.up)):
        box = page.get_by_test_id(handle).bounding_box()
        assert box is not None
        page.mouse.move(
            box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=20
        )
        act()


def _is_run(response: object) -> bool:
    return "/workflows" in response.url and response.request.method == "POST"  # type: ignore[attr-defined]


def _picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / name)
