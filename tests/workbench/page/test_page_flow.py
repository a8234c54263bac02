"""A flow on the page, from dragging its steps in to reading what came of them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.workbench.page.acting import (
    WATCH,
    action,
    add,
    drag,
    flow_of,
    open_flow,
    result,
    run,
    step,
    text_field,
)
from tests.workbench.page.conftest import CHAT, SEARCH, Open, Workbench, with_the_toy

SNIPPET: dict[str, Any] = {"step": "search", "pointer": "/results/0/snippet"}


def test_actions_are_dragged_in_mapped_and_run(page: Page, tmp_path: Path) -> None:
    """Both by mouse; the first result goes into the message, the answer comes bit by bit, with sources and cost."""
    drag(page, action(page, SEARCH), page.locator("#flow-body"))
    drag(page, action(page, CHAT), page.locator("#flow"), down=0.9)
    search, chat = step(page, 1), step(page, 2)
    text_field(search, "Query").fill("moon distance")
    text_field(chat, "Content").fill("Summarise: ")
    chat.get_by_role("button", name="Use a value in Content").click()
    page.locator(f'[data-pick="{SNIPPET["pointer"]}"]').click()
    expect(chat.locator(".sf-token")).to_contain_text(
        "search \u203a results[0] \u203a snippet"
    )
    assert flow_of(page, tmp_path)["steps"][1]["bindings"] == {
        "/messages/0/content": ["Summarise: ", SNIPPET]
    }
    page.evaluate(WATCH)
    run(page)
    lengths = page.evaluate("window.seen")
    assert lengths == sorted(lengths)
    assert len(lengths) >= 4
    # A screen reader hears of the beginning and the end of things, not of every word.
    assert 4 <= len(page.evaluate("window.said")) <= 8
    answered = result(page, "completion")
    first = answered.locator(".citation").first
    source = answered.locator(f'[id="{(first.get_attribute("href") or "#")[1:]}"]')
    expect(source.locator(".source-number")).to_have_text(first.inner_text())
    expect(source.locator("a")).to_have_attribute("rel", "noopener noreferrer")
    expect(source.locator(".source-facts")).to_contain_text("updated 20")
    expect(answered.locator(".searches")).to_contain_text("Summarise")
    expect(answered.locator(".facts")).to_contain_text("Cost$0.")
    # The search has a list price, so the whole is an estimate.
    expect(page.locator(".run-head .facts")).to_contain_text("Costabout $0.")


def test_the_results_of_a_search_are_under_their_queries(
    page: Page, tmp_path: Path
) -> None:
    """One that failed and one without results say so; a step that lost a query does not look like a success."""
    queries = ["moon distance", "jupiter sandbox:html", "sandbox:empty"]
    search = {"id": "search", "connector": "perplexity", "action": "execute_search"}
    steps = [search | {"version": 1, "input": {"query": queries}}]
    open_flow(page, {"flow_version": 1, "steps": steps}, tmp_path)
    run(page)
    searched = result(page, "search")
    groups = searched.locator(".query-group")
    expect(groups).to_have_count(3)
    for index, (query, found) in enumerate(zip(queries, (10, 0, 0), strict=True)):
        group = groups.nth(index)
        expect(group.locator("h4")).to_contain_text(query)
        expect(group.locator(".source-title a")).to_have_count(found)
    # The reason is given once, above the results.
    expect(searched.locator(".note-warn")).to_have_count(1)
    expect(searched.locator(".note-warn ~ .query-groups")).to_be_visible()
    for place in (searched, step(page, 1), page.locator("#said")):
        expect(place).to_contain_text("2 of 3")
    for place in (searched, step(page, 1)):
        expect(place.locator(".chip-partly")).to_be_visible()
        expect(place.locator(".chip-succeeded")).to_be_hidden()


def test_the_keyboard_alone_does_the_same(page: Page, tmp_path: Path) -> None:
    """From adding to running, with keys only."""
    press = page.keyboard.press
    for number, name in enumerate((SEARCH, CHAT), 1):
        action(page, name).focus()
        press("Enter")
        # The new step takes the focus; a key that comes before would go to it.
        expect(step(page, number)).to_be_focused()
    chat = step(page, 2)
    text_field(step(page, 1), "Query").focus()
    page.keyboard.type("moon distance")
    text_field(chat, "Content").focus()
    page.keyboard.type("Summarise: ")
    press("Shift+Tab")
    press("Enter")
    picker = page.get_by_role("dialog")
    expect(picker).to_be_visible()
    for _ in range(40):
        press("Tab")
        if page.evaluate("document.activeElement.dataset.pick") == SNIPPET["pointer"]:
            break
    press("Enter")
    expect(picker).to_have_count(0)
    expect(chat.locator(".sf-tokens")).to_be_focused()
    press("End")
    page.keyboard.type(", please")
    parts = ["Summarise: ", SNIPPET, ", please"]
    assert flow_of(page, tmp_path)["steps"][1]["bindings"] == {
        "/messages/0/content": parts
    }
    press("Control+Enter")
    expect(result(page, "completion").locator(".citation").first).to_be_visible()
    expect(page.locator(".run-state .chip")).to_have_text("succeeded")


def test_the_palette_is_searched(page: Page) -> None:
    """By words of a title, a summary, a category."""
    field = page.get_by_role("searchbox", name="Search actions")
    field.fill("ranked results")
    expect(page.locator(".palette-title")).to_have_text(["Execute Search"])
    field.fill("nothing of the kind")
    expect(page.locator(".palette-title")).to_have_count(0)
    expect(page.get_by_text("No action has these words.")).to_be_visible()
    field.fill("")
    expect(page.locator(".palette-title")).to_have_count(2)


def test_steps_are_moved_removed_and_brought_back(page: Page, tmp_path: Path) -> None:
    """Alt with an arrow moves, Delete removes, Control Z and Control Shift Z go back and forth."""
    add(page, SEARCH, CHAT)

    def ids() -> list[str]:
        return [each["id"] for each in flow_of(page, tmp_path)["steps"]]

    page.locator(".step").nth(1).focus()
    page.keyboard.press("Alt+ArrowUp")
    assert ids() == ["completion", "search"]
    page.locator(".step").nth(0).focus()
    page.keyboard.press("Delete")
    assert ids() == ["search"]
    page.keyboard.press("Control+z")
    assert ids() == ["completion", "search"]
    page.keyboard.press("Control+z")
    assert ids() == ["search", "completion"]
    page.keyboard.press("Control+Shift+Z")
    assert ids() == ["completion", "search"]


def test_what_buttons_did_is_undone_one_by_one(page: Page) -> None:
    """While a text is undone as a whole."""
    (chat,) = add(page, CHAT)
    messages = chat.locator(".sf-item")
    for _ in range(2):
        chat.get_by_role("button", name="Add message").click()
    text_field(chat, "Content").press_sequentially("moon")
    for _ in range(2):
        chat.get_by_role("button", name="Remove Message 2").click()
    for count, text in ((2, "moon"), (3, "moon"), (3, ""), (2, ""), (1, "")):
        page.get_by_role("button", name="Undo").click()
        expect(messages).to_have_count(count)
        expect(text_field(chat, "Content")).to_have_value(text)


def test_a_step_is_dragged_above_another_one(page: Page) -> None:
    """By its handle; a line shows where it will go."""
    add(page, SEARCH, CHAT)
    handle = page.locator(".step").nth(1).locator("[data-drag-handle]")
    handle.scroll_into_view_if_needed()
    drag(page, handle, page.locator("#flow"), down=0.02)
    expect(page.locator(".step-title").first).to_have_text("Create Chat Completion")
    expect(page.locator(".drop-line")).to_have_count(0)


def test_escape_ends_a_drag_without_a_drop(page: Page) -> None:
    """And nothing is added."""
    box = action(page, SEARCH).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(700, 300, steps=5)
    expect(page.locator(".drop-line")).to_be_attached()
    page.keyboard.press("Escape")
    page.mouse.up()
    # What comes after it is the only step.
    add(page, CHAT)
    expect(page.locator(".step-title")).to_have_text(["Create Chat Completion"])


def test_a_new_id_is_followed_by_the_bindings(page: Page, tmp_path: Path) -> None:
    """A taken or an empty one is refused beside the field."""
    page.locator("#try-example").click()
    field = step(page, 1).get_by_label("Step id")
    field.fill("ask")
    field.press("Tab")
    expect(field).to_have_attribute("aria-invalid", "true")
    text_field(step(page, 1), "Query").fill("jupiter moons")
    expect(field).to_have_value("ask")
    field.fill("found")
    field.press("Tab")
    bindings = flow_of(page, tmp_path)["steps"][1]["bindings"]["/messages/0/content"]
    assert {part["step"] for part in bindings if isinstance(part, dict)} == {"found"}


def test_a_flow_that_is_saved_and_opened_is_the_same(
    page: Page, open_page: Open, tmp_path: Path
) -> None:
    """Bindings, connections and all; also the wish for a stream, which has no field here."""
    page.locator("#try-example").click()
    step(page, 2)
    saved = flow_of(page, tmp_path)
    saved["steps"][1]["input"]["stream"] = True
    other = open_page()
    open_flow(other, saved, tmp_path)
    assert flow_of(other, tmp_path) == saved
    expect(step(other, 2).locator('[data-pointer="/stream"]')).to_be_hidden()
    assert saved["steps"][1]["input"]["messages"][0] == {"role": "user"}


def test_a_flow_that_is_opened_has_not_run(page: Page, tmp_path: Path) -> None:
    """Though another one with steps of the same names has: no status and no value of it is shown."""
    page.locator("#try-example").click()
    step(page, 2)
    saved = flow_of(page, tmp_path)
    run(page)
    chips = page.locator(".step .chip-succeeded")
    expect(chips).to_have_count(2)
    # The second step uses the first one.
    changed = page.locator(".step .chip-changed")
    text_field(step(page, 1), "Query").fill("moon")
    expect(changed).to_have_count(2)
    text_field(step(page, 1), "Query").fill("How far away is the Moon?")
    expect(changed).to_have_count(0)
    open_flow(page, saved, tmp_path)
    expect(chips).to_have_count(0)
    step(page, 2).get_by_role("button", name="Use a value in Content").click()
    expect(page.locator('[data-pick="/results/0/snippet"]')).to_be_visible()
    expect(page.get_by_role("dialog").locator(".tree-sample")).to_have_count(0)


def test_what_is_no_flow_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    """And the flow on the page stays."""
    add(page, SEARCH)
    wrong = [
        {"id": "a", "connector": "b", "action": "c", "bindings": {"/d": parts}}
        for parts in ("text", [None])
    ]
    flows = [json.dumps({"flow_version": 1, "steps": [one]}) for one in ({}, *wrong)]
    for text in ("{", "[]", *flows):
        file = tmp_path / "wrong.json"
        file.write_text(text, encoding="utf-8")
        page.locator("#open-file").set_input_files(file)
        expect(page.get_by_role("alert").filter(has_text="Close")).to_be_visible()
        page.get_by_role("button", name="Close").click()
    expect(page.locator(".step")).to_have_count(1)


def test_a_wrong_field_is_told_at_the_field_while_it_is_written(page: Page) -> None:
    """In the connector's own words; the error goes when the field is right."""
    (chat,) = add(page, CHAT)
    chat.get_by_text("More options").click()
    field = chat.get_by_role("spinbutton", name="Temperature")
    field.fill("9")
    expect(field).to_have_attribute("aria-invalid", "true")
    described = page.locator(
        f"#{(field.get_attribute('aria-describedby') or '').split()[0]}"
    )
    expect(described).to_contain_text("2")
    expect(described).to_be_visible()
    field.fill("1")
    expect(field).to_have_attribute("aria-invalid", "false")
    # Only the connector knows this one.
    chat.get_by_role("combobox", name="Model").fill("r1-1776")
    expect(chat.locator('[data-pointer="/model"] .sf-error')).to_be_visible()


def test_a_hint_comes_and_goes_while_a_field_is_written(page: Page) -> None:
    """By the connector's word. It keeps no flow from running."""
    (chat,) = add(page, CHAT)
    model = chat.get_by_role("combobox", name="Model")
    hint = chat.locator('[data-pointer="/model"] .sf-hint')
    model.fill("openai/gpt-6-luna")
    expect(hint).to_be_visible()
    expect(model).to_have_attribute("aria-invalid", "false")
    model.fill("sonar")
    expect(hint).to_be_hidden()


def test_the_models_of_today_are_suggested(page: Page, tmp_path: Path) -> None:
    """The host is asked while the user writes; any other name is taken too."""
    (chat,) = add(page, CHAT)
    model = chat.get_by_role("combobox", name="Model")
    model.fill("reasoning")
    expect(chat.locator(".sf-option-value").first).to_have_text("sonar-reasoning")
    model.press("ArrowDown")
    model.press("Enter")
    assert flow_of(page, tmp_path)["steps"][0]["input"]["model"] == "sonar-reasoning"


def test_lines_are_written_around_a_value(page: Page, tmp_path: Path) -> None:
    """With the keys of any text; when the last value is gone, it is plain text again."""
    page.locator("#try-example").click()
    tokens = step(page, 2).locator(".sf-tokens")
    tokens.focus()
    press = page.keyboard.press
    press("Control+End")
    page.keyboard.type(" one")
    press("Enter")
    page.keyboard.type("two <b>")
    parts = flow_of(page, tmp_path)["steps"][1]["bindings"]["/messages/0/content"]
    assert parts[-1] == " one\ntwo <b>"
    tokens.focus()
    press("Control+a")
    press("Delete")
    page.keyboard.type("plain")
    asked = flow_of(page, tmp_path)["steps"][1]
    assert asked["bindings"] == {}
    assert asked["input"]["messages"] == [{"role": "user", "content": "plain"}]


def test_run_goes_to_the_first_field_that_is_missing(page: Page) -> None:
    """Nothing is sent."""
    (search,) = add(page, SEARCH)
    expect(search.locator(".sf-error:visible")).to_have_count(0)
    page.locator("#run-flow").click()
    expect(text_field(search, "Query")).to_be_focused()
    expect(text_field(search, "Query")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".run-step")).to_have_count(0)


def test_run_goes_to_json_that_is_half_written(page: Page) -> None:
    """Else the flow would run with the value of before, which is not shown."""
    (search,) = add(page, SEARCH)
    text_field(search, "Query").fill("moon distance")
    search.locator(".sf-raw summary").click()
    area = search.locator(".sf-raw textarea")
    area.fill('{"query": ')
    search.locator(".sf-raw summary").click()
    page.locator("#run-flow").click()
    expect(area).to_be_focused()
    expect(page.locator(".run-step")).to_have_count(0)
    area.fill('{"query": "jupiter"}')
    run(page)


def test_stop_cancels_at_the_provider(page: Page, workbench: Workbench) -> None:
    """What was received stays, marked as a part."""
    (chat,) = add(page, CHAT)
    text_field(chat, "Content").fill("How far away is the Moon? sandbox:slow")
    page.locator("#run-flow").click()
    expect(result(page, "completion").locator(".answer")).not_to_be_empty()
    expect(page.locator("[data-since]")).to_have_count(2)
    page.locator("#stop").click()
    expect(page.locator(".run-state .chip")).to_have_text("cancelled")
    stopped = result(page, "completion")
    expect(stopped.locator(".partial")).to_be_visible()
    expect(stopped.locator(".answer")).not_to_be_empty()
    assert workbench.billed()[-1]["status"] == "cancelled"


def test_a_stop_before_the_first_step_ends_it(page: Page) -> None:
    """Pressed as soon as there is a button for it."""
    page.locator("#try-example").click()
    step(page, 2)
    # Slow, so that the step cannot end before the stop arrives.
    text_field(step(page, 1), "Query").fill("moon sandbox:slow-first-byte")
    page.evaluate(
        """() => {
          const stop = document.querySelector("#stop");
          new MutationObserver(() => stop.hidden || stop.click()).observe(stop, {attributeFilter: ["hidden"]});
        }"""
    )
    run(page, "cancelled")
    expect(result(page, "search")).to_have_attribute("data-status", "cancelled")
    expect(result(page, "ask")).to_have_attribute("data-status", "skipped")
    expect(result(page, "ask")).to_contain_text("Did not run")


def test_a_stop_that_comes_after_the_end_of_a_step_ends_the_next_one(
    page: Page,
) -> None:
    """Nothing runs on unasked."""
    page.locator("#try-example").click()
    step(page, 2)
    text_field(step(page, 1), "Query").fill("moon sandbox:slow-first-byte")
    page.route(
        "**/cancel", lambda route: route.fulfill(json={"cancelled": False}), times=1
    )
    page.locator("#run-flow").click()
    expect(result(page, "search")).to_have_attribute("data-status", "running")
    page.locator("#stop").click()
    expect(page.locator(".run-state .chip")).to_have_text("cancelled")
    expect(result(page, "search")).to_have_attribute("data-status", "succeeded")
    expect(result(page, "ask")).to_have_attribute("data-status", "cancelled")


def test_a_failed_run_says_so_in_words_and_keeps_what_it_received(page: Page) -> None:
    """With its code, and the raw envelope under a fold."""
    (chat,) = add(page, CHAT)
    text_field(chat, "Content").fill("How far away is the Moon? sandbox:failed")
    run(page, "failed")
    failed = result(page, "completion")
    expect(failed.locator(".error")).to_have_attribute("data-code", "upstream_failed")
    expect(failed.locator(".partial")).to_be_visible()
    failed.get_by_text("Raw envelope").click()
    envelope = json.loads(failed.locator(".raw-envelope pre").inner_text())
    assert envelope["error"]["code"] == "upstream_failed"


def test_a_saved_flow_with_blanks_has_nothing_to_fix(
    page: Page, tmp_path: Path
) -> None:
    """Other programs save a null for every field that is empty; the page shows such a field empty."""
    (search,) = add(page, SEARCH)
    flow = flow_of(page, tmp_path)
    blanks: Any = {
        "max_results": None,
        "country": " ",
        "search_type": "",
        "max_tokens": {},
    }
    flow["steps"][0]["input"] = {"query": "moon", **blanks}
    open_flow(page, flow, tmp_path, unsaved=True)
    run(page)
    expect(search.get_by_text("to fix")).to_be_hidden()
    expect(search.locator(".sf-wrong")).to_have_count(0)


def test_what_a_run_refuses_is_shown_at_the_field_too(
    page: Page, tmp_path: Path
) -> None:
    """As when a value that an earlier step gave is of no use; the way there is a press of a button."""
    page.locator("#try-example").click()
    flow = flow_of(page, tmp_path)
    flow["steps"][0]["input"]["query"] = "lunar distance"
    undated = [{"step": "search", "pointer": "/results/0/date"}]
    flow["steps"][1]["bindings"] = {"/messages/0/content": undated}
    open_flow(page, flow, tmp_path)
    run(page, "failed")
    expect(result(page, "ask").locator(".error")).to_have_attribute(
        "data-code", "invalid_input"
    )
    result(page, "ask").get_by_role("button", name="/messages/0/content").click()
    field = step(page, 2).locator(".sf-tokens")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")


def test_the_flow_outlives_a_reload(
    page: Page, open_page: Open, tmp_path: Path
) -> None:
    """In its own tab alone; and nothing but the flow and the session is kept in the browser."""
    page.locator("#try-example").click()
    text_field(step(page, 1), "Query").fill("jupiter moons")
    saved = flow_of(page, tmp_path)
    assert saved["steps"][0]["input"]["query"] == "jupiter moons"
    page.reload()
    step(page, 2)
    assert flow_of(page, tmp_path) == saved
    kept = page.evaluate(
        "[...Object.keys(localStorage), ...Object.keys(sessionStorage)]"
    )
    assert sorted(kept) == ["flow", "session"]
    expect(open_page().locator(".step")).to_have_count(0)


def test_markup_in_a_snippet_stays_text(page: Page) -> None:
    """An image with a handler in it is neither an image nor run."""
    (search,) = add(page, SEARCH)
    text_field(search, "Query").fill("moon sandbox:html-snippet")
    run(page)
    snippet = (
        result(page, "search").locator(".source-snippet").filter(has_text="onerror")
    )
    expect(snippet.first).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#run-body img, #run-body script")).to_have_count(0)


def test_runs_stay_and_can_be_looked_at_again(page: Page) -> None:
    """The newest is shown first; the step's form stays in its place."""
    (search,) = add(page, SEARCH)
    text_field(search, "Query").fill("moon distance")
    before = search.locator(".step-head").bounding_box()
    run(page)
    after = search.locator(".step-head").bounding_box()
    assert before is not None
    assert after is not None
    assert after["height"] == before["height"]
    text_field(search, "Query").fill("jupiter moons")
    run(page)
    expect(page.locator(".run-tab")).to_have_count(2)
    expect(page.locator(".run-tab").first).to_have_attribute("aria-current", "true")
    newest = result(page, "search").locator(".sources").inner_text()
    page.get_by_role("button", name="Run 1").click()
    assert result(page, "search").locator(".sources").inner_text() != newest


def test_a_copied_command_does_what_the_step_did(page: Page, tmp_path: Path) -> None:
    """On the command line, with the values that its bindings came to; and so does the whole flow's."""
    page.locator("#try-example").click()
    step(page, 2)
    run(page)
    folds = [result(page, "ask").locator(".copy-as")]
    folds[0].get_by_text("Copy as").click()
    commands = [folds[0].locator(".copy-text").inner_text()]
    page.locator("#copy-flow").click()
    commands.append(page.get_by_role("dialog").locator(".copy-text").inner_text())
    assert commands[0].startswith(
        "perplexity-connector run perplexity.create_chat_completion --input "
    )
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert "356,500" in done.stdout


def test_copied_python_runs(page: Page, tmp_path: Path) -> None:
    """As a program of its own; without a key it says what is missing."""
    (search,) = add(page, SEARCH)
    text_field(search, "Query").fill("it's \u201cthe\u201d moon \U0001f319 \\n")
    run(page)
    result(page, "search").get_by_text("Copy as").click()
    result(page, "search").get_by_role("button", name="Python").click()
    program = result(page, "search").locator(".copy-text").text_content() or ""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("failed {'code': 'invalid_credentials'")
    assert program.startswith("# Not on the sandbox")


def test_the_toy_is_shown_as_any_connector_is(open_page: Open, tmp_path: Path) -> None:
    """Its form, its labels, its answer as it is written."""
    with with_the_toy(tmp_path) as workbench:
        page = open_page(workbench)
        expect(page.locator("#sandbox-badge")).to_be_hidden()
        (greet,) = add(page, "toy/greet")
        text_field(greet, "Name").fill("Ada")
        greet.get_by_text("More options").click()
        greet.get_by_role("combobox", name="Tone").select_option(label="Warm")
        page.locator('[data-action="toy/count"]').click()
        count = step(page, 2)
        count.get_by_role("button", name="Use a value in Text").click()
        page.locator('[data-pick="/text"]').click()
        run(page)
        expect(result(page, "greet").locator(".answer")).to_have_text("Hello, Ada!")
        expect(result(page, "count")).to_contain_text("letters11")
        page.context.close()
