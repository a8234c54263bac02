"""Connections on the page: made with the guide beside them, tested, picked, renamed, deleted; no key comes back."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from perplexity_connector.sandbox.keys import FIFTY_PER_SECOND_KEY, GOOD_KEY, WRONG_KEY
from tests.workbench.page.acting import add, flow_of, run, text_field
from tests.workbench.page.conftest import CHAT, SEARCH


@pytest.fixture
def answers(page: Page) -> list[Response]:
    """All answers of the server, as they come."""
    found: list[Response] = []

    def keep(answer: Response) -> None:
        found.append(answer)

    page.on("response", keep)
    return found


def new_connection(page: Page, name: str, key: str) -> Locator:
    """Fill in the form of a new connection, and test it."""
    page.locator("#connections").click()
    page.get_by_role("button", name="New connection").click()
    page.get_by_label("Connection Name").fill(name)
    page.get_by_label("API Key").fill(key)
    page.get_by_role("button", name="Test and save").click()
    return page.get_by_role("dialog")


def test_a_connection_is_made_picked_renamed_and_deleted(
    page: Page, answers: list[Response], tmp_path: Path
) -> None:
    """And a step runs with it."""
    (search,) = add(page, SEARCH)
    text_field(search, "Query").fill("moon distance")
    page.locator("#connections").click()
    page.get_by_role("button", name="New connection").click()
    expect(page.locator(".guide li")).to_have_count(6)
    expect(page.locator(".guide a").first).to_have_attribute(
        "rel", "noopener noreferrer"
    )
    page.get_by_role("button", name="Close").click()
    dialog = new_connection(page, "Mine", GOOD_KEY)
    expect(dialog.locator("[data-outcome=ok]")).to_be_visible()
    assert GOOD_KEY not in page.content()
    page.get_by_role("button", name="Test Mine").click()
    expect(dialog.locator(".connection-said [data-outcome=ok]")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    search.get_by_label("Connection").select_option("Mine")
    assert flow_of(page, tmp_path)["steps"][0]["connection"] == "Mine"
    run(page)
    page.locator("#connections").click()
    before = page.locator(".connection .muted").inner_text()
    page.get_by_role("button", name="Replace key Mine").click()
    page.get_by_role("button", name="Is refused").click()
    expect(page.get_by_text("The form has the key that is refused.")).to_be_visible()
    page.get_by_role("button", name="Test and save").click()
    expect(page.locator("[data-outcome=invalid_credentials]")).to_be_visible()
    page.get_by_label("API Key").fill(FIFTY_PER_SECOND_KEY)
    expect(page.get_by_text("The form has the key that")).to_be_hidden()
    page.get_by_role("button", name="Test and save").click()
    expect(page.locator(".connection .muted")).not_to_have_text(before)
    page.get_by_role("button", name="Rename Mine").click()
    page.get_by_label("New name for Mine").fill("..")
    page.get_by_label("New name for Mine").press("Enter")
    expect(page.locator(".connection")).to_contain_text("..")
    page.get_by_role("button", name="Delete ..").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator(".connection")).to_have_count(0)
    # The step has followed the new name, and has an error once the connection is gone.
    expect(search.locator(".sf-top")).to_contain_text("Unknown connection")
    page.get_by_role("button", name="Close").click()
    assert flow_of(page, tmp_path)["steps"][0]["connection"] == ".."
    told = [
        answer.text()
        for answer in answers
        if "/api/connections" in answer.url and answer.status == 200
    ]
    assert len(told) > 4
    assert not any(GOOD_KEY in text for text in told)


def test_the_keyboard_alone_makes_renames_and_deletes_a_connection(page: Page) -> None:
    """Enter saves; the focus goes to each question, and is nowhere lost."""
    press, write = page.keyboard.press, page.keyboard.type
    page.locator("#connections").press("Enter")
    page.get_by_role("button", name="New connection").press("Enter")
    expect(page.get_by_label("Connection Name")).to_be_focused()
    write("Mine")
    press("Tab")
    write(GOOD_KEY)
    press("Enter")
    expect(page.locator("[data-outcome=ok]")).to_be_visible()
    expect(page.get_by_role("button", name="New connection")).to_be_focused()
    page.get_by_role("button", name="Replace key Mine").press("Enter")
    expect(page.get_by_label("API Key")).to_be_focused()
    write("typed")
    for _ in range(2):
        # Neither the first Escape nor the second, which only answers the question.
        press("Escape")
        press("Escape")
        expect(page.get_by_label("API Key")).to_have_value("typed")
    press("Escape")
    page.get_by_role("button", name="Leave", exact=True).press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#connections").press("Enter")
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#connections").press("Enter")
    page.get_by_role("button", name="Rename Mine").press("Enter")
    expect(page.get_by_label("New name for Mine")).to_be_focused()
    press("Control+a")
    write("Yours")
    press("Enter")
    expect(page.locator(".connection")).to_contain_text("Yours")
    expect(page.get_by_role("button", name="New connection")).to_be_focused()
    page.get_by_role("button", name="Delete Yours").press("Enter")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    press("Enter")
    expect(page.get_by_role("button", name="Delete Yours")).to_be_focused()
    press("Enter")
    press("Shift+Tab")
    press("Enter")
    expect(page.locator(".connection")).to_have_count(0)
    expect(page.get_by_role("button", name="New connection")).to_be_focused()


def test_a_wrong_key_is_told_in_words_and_not_kept(page: Page) -> None:
    """Unless the user wants it all the same."""
    dialog = new_connection(page, "Wrong", WRONG_KEY)
    expect(dialog.locator("[data-outcome=invalid_credentials]")).to_be_visible()
    page.get_by_role("button", name="Back").click()
    expect(page.locator(".connection")).to_have_count(0)
    page.get_by_role("button", name="Close").click()
    new_connection(page, "Wrong", WRONG_KEY)
    page.get_by_role("button", name="Save anyway").click()
    expect(page.locator(".connection")).to_contain_text("Wrong")
    page.get_by_role("button", name="Delete Wrong").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator(".connection")).to_contain_text("Wrong")


def test_what_is_missing_is_told_at_the_field(page: Page) -> None:
    """Before anything is sent."""
    page.locator("#connections").click()
    page.get_by_role("button", name="New connection").click()
    page.get_by_role("button", name="Test and save").click()
    expect(page.get_by_label("Connection Name")).to_be_focused()
    expect(page.get_by_label("API Key")).to_have_attribute("aria-invalid", "true")


COMPOSE = """(element, how) => element.dispatchEvent(
  new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true, ...how})
)"""


@pytest.mark.parametrize("how", [{"isComposing": True}, {"keyCode": 229}])
def test_enter_takes_a_word_of_an_input_method_and_is_no_command(
    page: Page, how: dict[str, object]
) -> None:
    """Chinese, Japanese or Korean is typed so; no form is sent, no flow is run, no suggestion is taken."""
    page.locator("#connections").click()
    page.get_by_role("button", name="New connection").click()
    name = page.get_by_label("Connection Name")
    name.fill("\u65e5\u672c")
    name.evaluate(COMPOSE, how)
    page.get_by_role("button", name="Close").click()
    (chat,) = add(page, CHAT)
    model = chat.get_by_role("combobox", name="Model")
    model.fill("son")
    expect(chat.locator(".sf-option").first).to_be_visible()
    model.press("ArrowDown")
    model.evaluate(COMPOSE, how)
    model.evaluate(COMPOSE, {"ctrlKey": True, **how})
    expect(model).to_have_value("son")
    expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    # The same key without an input method is a command.
    model.evaluate(COMPOSE, {})
    expect(model).to_have_value("sonar")
    page.locator("#connections").click()
    # Other tests may have left connections of their own.
    made = page.locator(".connection").filter(has_text="\u65e5\u672c")
    expect(page.get_by_role("button", name="New connection")).to_be_visible()
    expect(made).to_have_count(0)
