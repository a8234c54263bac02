"""<schema-form> alone: what it draws of a schema, and the values that it gives."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from playwright.sync_api import Browser, Page, expect

from tests.doors.cases import BLANKS, Blanks
from tests.paths import ROOT
from tests.toy.toy import MANIFEST
from tests.workbench.page.conftest import Workbench

DRIVER = Path(__file__).with_name("form_driver.js").read_text(encoding="utf-8")
SCHEMAS: dict[str, Any] = {
    "chat": ROOT / "schemas" / "create_chat_completion.v1.input.schema.json",
    "search": ROOT / "schemas" / "execute_search.v1.input.schema.json",
    "connection": ROOT / "schemas" / "connection.schema.json",
    "toy": MANIFEST.parent / "schemas" / "greet.v1.input.schema.json",
}
ROLES: dict[str, Any] = {"system": "System", "user": "User", "assistant": "Assistant"}

Stand = Callable[..., Page]


def schema_of(name: str) -> Any:
    """A published schema."""
    return json.loads(SCHEMAS[name].read_text(encoding="utf-8"))


CASES = [
    (name, number)
    for name in SCHEMAS
    for number, _ in enumerate([{}, *schema_of(name).get("examples", [])])
]


@pytest.fixture(scope="module")
def blank(browser: Browser, workbench: Workbench) -> Iterator[Page]:
    """A page of the workbench's origin."""
    page = browser.new_page()
    page.goto(workbench.address)
    page.evaluate(f"() => {{ {DRIVER} }}")
    yield page
    page.close()


@pytest.fixture
def stand(blank: Page) -> Stand:
    """Puts a form alone on the page."""

    def stood(schema: Any, **form: Any) -> Page:
        blank.evaluate("form => window.driver.stand(form)", {"schema": schema, **form})
        return blank

    return stood


def value(page: Page) -> Any:
    """What the form holds."""
    return page.evaluate("window.form.value")


def husks(node: Any) -> bool:
    """Whether there is a null, or anything empty, in a value."""
    if isinstance(node, dict | list):
        inner = node.values() if isinstance(node, dict) else node
        return not node or any(map(husks, inner))
    return node in (None, "")


def without_raw(node: Any) -> Any:
    """A value without the one place that may hold JSON of any shape, and without messages that are still empty."""
    inner = node.get("response_format", {}).get("json_schema", {})
    shown = {**node, "response_format": "raw"} if "schema" in inner else node
    return (
        {**shown, "messages": [each or "new" for each in node["messages"]]}
        if "messages" in node
        else shown
    )


@pytest.mark.parametrize(("name", "number"), CASES)
@pytest.mark.parametrize("seed", [1, 2])
def test_what_the_form_gives_always_validates(
    stand: Stand, name: str, number: int, seed: int
) -> None:
    """After any edits and clearings: `change` tells valid values only, `edit` knows which are, no husk is in any."""
    schema = schema_of(name)
    page = stand(schema, value=[{}, *schema.get("examples", [])][number])
    told = page.evaluate(
        "order => window.driver.drive(order)",
        {"seed": seed * 7919 + number, "count": 150},
    )
    validator = Draft202012Validator(
        schema, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    for each in told["changes"]:
        assert list(validator.iter_errors(each)) == []
    for each, valid in told["edits"]:
        assert not valid or validator.is_valid(each)
        assert each == {} or not husks(without_raw(each))
    assert len(told["edits"]) > 40


def test_edit_and_jsonschema_agree_on_what_is_valid(stand: Stand) -> None:
    """Value by value; and both kinds come up, or the tests above would say little."""
    schema = schema_of("search")
    page = stand(schema, value=schema["examples"][1])
    told = page.evaluate(
        "order => window.driver.drive(order)",
        {"seed": 5, "count": 400},
    )
    validator = Draft202012Validator(
        schema, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    verdicts = Counter(
        (valid, validator.is_valid(given)) for given, valid in told["edits"]
    )
    assert verdicts[True, False] == verdicts[False, True] == 0
    assert verdicts[True, True] > 10
    assert verdicts[False, False] > 10


def test_a_cleared_field_is_absent(stand: Stand) -> None:
    """Neither null nor empty."""
    page = stand(schema_of("chat"), value=schema_of("chat")["examples"][1])
    page.locator("summary").first.click()
    for title in ("Maximum tokens", "Temperature", "Maximum steps"):
        page.get_by_role("spinbutton", name=title, exact=True).fill("")
    page.get_by_role("textbox", name="Search domains").fill("")
    page.get_by_role("combobox", name="Reasoning effort").select_option("")
    page.get_by_label("Published after").fill("")
    for title in ("Country", "Region", "City"):
        page.get_by_role("textbox", name=title).fill("")
    limits = ["results", "tokens of a search", "tokens per page"]
    for title in ("Latitude", "Longitude", *(f"Maximum {limit}" for limit in limits)):
        page.get_by_role("spinbutton", name=title).fill("")
    for title in ("Web search", "Search context size", "Search type"):
        page.get_by_role("combobox", name=title).select_option("")
    for tool in page.get_by_role("group", name="Tools").get_by_role("checkbox").all():
        tool.uncheck()
    page.get_by_role("textbox", name="Fallback models").fill("")
    cleared = value(page)
    gone = {
        "max_tokens",
        "temperature",
        "search_domain_filter",
        "reasoning_effort",
        "search_after_date_filter",
        "web_search_options",
        "max_steps",
        "search",
        "tools",
        "fallback_models",
    }
    assert gone.isdisjoint(cleared)
    assert cleared["top_p"] == 0.9


@pytest.mark.parametrize("case", BLANKS, ids=lambda case: case.name)
def test_a_blank_counts_as_not_given(stand: Stand, case: Blanks) -> None:
    """As at every other door (tests/doors): no error is about a field that is shown empty, if it may be."""
    name = {"create_chat_completion": "chat", "execute_search": "search"}[case.action]
    page = stand(schema_of(name), value=case.input)
    pointers = page.evaluate("window.form.errors.map(({ pointer }) => pointer)")
    assert sorted(pointers) == case.refused
    if not case.refused:
        assert value(page) == case.counts_as


def test_a_value_with_husks_is_taken_once(stand: Stand) -> None:
    """A page that hands the same value in again and again does not disturb who is writing."""
    husky: Any = {
        "query": "moon",
        "country": "",
        "search_domain_filter": [],
        "max_results": None,
    }
    page = stand(schema_of("search"), value=husky)
    field = page.get_by_role("textbox", name="Query")
    page.evaluate("() => { window.first = document.querySelector('textarea'); }")
    page.evaluate("husky => { form.value = husky; }", husky)
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert page.evaluate("window.first.isConnected")
    assert value(page) == {"query": "moon"}
    field.fill("jupiter")
    page.evaluate("husky => { form.value = husky; }", husky)
    expect(field).to_have_value("moon")


def test_required_and_defaulted_fields_come_first(stand: Stand) -> None:
    """The others are under a fold, and an unset choice stays unset."""
    page = stand(
        schema_of("chat"),
        labels={"/messages/*/role": ROLES},
        value=schema_of("chat")["examples"][0],
    )
    shown = page.locator("schema-form > [data-pointer]").evaluate_all(
        "all => all.map(each => each.dataset.pointer)"
    )
    assert shown == ["/model", "/messages", "/stream"]
    expect(page.get_by_text("More options")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Temperature")).to_be_hidden()
    roles = page.get_by_role("combobox", name="Role").locator("option")
    assert roles.all_inner_texts() == ["User", "System", "Assistant"]
    assert value(page) == schema_of("chat")["examples"][0]


def test_messages_are_added_moved_and_removed(stand: Stand) -> None:
    """By button and by key; the speakers take turns."""
    page = stand(
        schema_of("chat"), value={"messages": [{"role": "system", "content": "one"}]}
    )

    def roles() -> list[str]:
        return [message["role"] for message in value(page)["messages"]]

    for _ in range(3):
        page.get_by_role("button", name="Add message").click()
    assert roles() == ["system", "user", "assistant", "user"]
    page.get_by_role("button", name="Move Message 1 down").click()
    assert roles() == ["user", "system", "assistant", "user"]
    page.get_by_role("textbox", name="Content").nth(1).press("Alt+ArrowUp")
    assert roles()[0] == "system"
    expect(page.get_by_role("combobox", name="Role").first).to_be_focused()
    page.get_by_role("button", name="Remove Message 3").click()
    assert roles() == ["system", "user", "user"]


def test_a_list_of_choices_has_a_box_for_each_with_its_label(stand: Stand) -> None:
    """In the order of the schema; none ticked is not given."""
    labels = {"/tools/*": {"fetch_url": "Read pages", "finance_search": "Finance"}}
    page = stand(schema_of("chat"), labels=labels, value={"tools": ["finance_search"]})
    page.locator("summary").first.click()
    tools = page.get_by_role("group", name="Tools")
    read, finance = (tools.get_by_label(name) for name in ("Read pages", "Finance"))
    expect(finance).to_be_checked()
    expect(read).not_to_be_checked()
    read.check()
    assert value(page)["tools"] == ["fetch_url", "finance_search"]
    read.uncheck()
    finance.uncheck()
    assert "tools" not in value(page)


def test_a_value_that_is_not_a_choice_is_shown_and_can_be_removed(
    stand: Stand,
) -> None:
    """Such as one of a newer version, or a double: it comes out unchanged until it is unticked."""
    page = stand(schema_of("chat"), value={"tools": ["sandbox", "fetch_url"]})
    page.locator("summary").first.click()
    assert value(page)["tools"] == ["sandbox", "fetch_url"]
    page.get_by_role("group", name="Tools").get_by_label("sandbox").uncheck()
    assert value(page)["tools"] == ["fetch_url"]


def test_images_of_a_message_are_one_a_line(stand: Stand) -> None:
    """A list of texts inside a list of objects; an emptied one is not given."""
    page = stand(schema_of("chat"), value=schema_of("chat")["examples"][1])
    field = page.get_by_role("textbox", name="Images").last
    field.fill("https://moon.example/1.png\n\nhttps://moon.example/2.png")
    assert value(page)["messages"][1]["images"] == [
        "https://moon.example/1.png",
        "https://moon.example/2.png",
    ]
    field.fill("")
    assert "images" not in value(page)["messages"][1]


def test_a_query_is_one_or_several_and_keeps_its_text(stand: Stand) -> None:
    """There and back."""
    page = stand(schema_of("search"), value={"query": "moon"})
    page.get_by_role("radio", name="Single query").press("ArrowRight")
    assert value(page) == {"query": ["moon"]}
    expect(page.get_by_role("radio", name="Several queries")).to_be_focused()
    page.get_by_role("textbox", name="Query").fill("moon\n\njupiter")
    assert value(page) == {"query": ["moon", "jupiter"]}
    page.get_by_role("radio", name="Single query").check(force=True)
    assert value(page) == {"query": "moon\njupiter"}
    field = page.get_by_role("textbox", name="Query")
    field.fill("")
    page.get_by_role("radio", name="Several queries").check(force=True)
    expect(field).to_have_attribute("aria-invalid", "false")
    field.focus()
    expect(field).to_have_attribute("aria-invalid", "false")
    field.blur()
    expect(field).to_have_attribute("aria-invalid", "true")


def test_the_raw_json_goes_both_ways(stand: Stand) -> None:
    """Fields fill it, it fills fields, and what is no JSON is told beside it."""
    page = stand(schema_of("search"), value={"query": "moon"})
    page.get_by_text("JSON", exact=True).click()
    area = page.get_by_role("textbox", name="Execute Search as JSON")
    page.get_by_role("textbox", name="Query").fill("jupiter")
    assert json.loads(area.input_value()) == {"query": "jupiter"}
    area.fill('{"query": ["a", "b"], "max_results": 3}')
    expect(page.get_by_role("radio", name="Several queries")).to_be_checked()
    area.fill('{"query": ')
    expect(page.locator(".sf-raw .sf-error")).to_be_visible()
    assert not page.evaluate("form.valid")
    assert value(page) == {"query": ["a", "b"], "max_results": 3}


def test_a_secret_is_never_given_back_to_the_page(stand: Stand) -> None:
    """Not in the field, and there is no raw JSON to show it."""
    page = stand(
        schema_of("connection"),
        value={"connection_name": "Mine", "api_key": "pplx-secret"},
    )
    field = page.get_by_label("API Key")
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_value("")
    assert "pplx-secret" not in page.content()
    expect(page.get_by_text("JSON", exact=True)).to_have_count(0)


def test_a_combobox_suggests_and_takes_any_text(stand: Stand) -> None:
    """By the keys of the ARIA pattern."""
    page = stand(schema_of("chat"), value={})
    page.evaluate(
        """() => { form.options = {"/model": async (search) =>
            ["sonar", "sonar-pro", "fast"].filter((name) => name.includes(search))
              .map((value) => ({value, label: value}))}; }"""
    )
    field = page.get_by_role("combobox", name="Model")
    field.press_sequentially("son")
    expect(page.locator(".sf-option")).to_have_count(2)
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowDown")
    field.press("ArrowDown")
    expect(page.locator(".sf-option").nth(1)).to_have_attribute("aria-selected", "true")
    field.press("Enter")
    assert value(page) == {"model": "sonar-pro"}
    expect(page.get_by_role("listbox")).to_be_hidden()
    # Where there is no room below, the list opens above. It shows all values, and marks this one.
    page.evaluate("form.style.marginTop = `${innerHeight - 100}px`")
    page.locator(".sf-combobox-arrow").click()
    current = page.locator(".sf-option[aria-current]")
    expect(page.locator(".sf-option")).to_have_count(3)
    expect(current).to_contain_text("sonar-pro")
    expect(current).to_have_attribute("aria-selected", "true")
    for each in page.locator(".sf-option").all():
        expect(each).to_be_in_viewport(ratio=1)
    expect(field).to_be_focused()
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    field.fill("openai/anything")
    assert value(page) == {"model": "openai/anything"}
    expect(page.locator(".sf-option-none")).to_be_visible()


def test_a_value_of_an_earlier_step_is_taken_changed_and_given_back(
    stand: Stand,
) -> None:
    """Its index is editable; without it the field is plain text again."""
    output = json.loads(
        (ROOT / "schemas" / "execute_search.v1.output.schema.json").read_text(
            encoding="utf-8"
        )
    )
    found = {
        "results": [
            {"title": "One", "snippet": "first"},
            {"title": "Two", "snippet": "second"},
        ],
        "queries": [],
    }
    earlier = [
        {"step": "search", "title": "Execute Search", "schema": output, "result": found}
    ]
    page = stand(schema_of("search"), value={"query": "about "}, references=earlier)
    page.get_by_role("button", name="Use a value").click()
    page.get_by_role("spinbutton", name="Which of Results").fill("1")
    expect(page.locator('[data-pick="/results/1/title"]')).to_contain_text("Two")
    page.locator('[data-pick="/results/1/title"]').click()
    expect(page.locator(".sf-token")).to_contain_text("results[1]")
    part = {"step": "search", "pointer": "/results/1/title"}
    assert page.evaluate("form.bindings") == {"/query": ["about ", part]}
    assert value(page) == {}
    page.locator(".sf-token-name").click()
    page.get_by_role("spinbutton").fill("0")
    expect(page.get_by_role("dialog")).to_contain_text("One")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator(".sf-token")).to_contain_text("results[0]")
    assert page.evaluate("form.bindings") == {
        "/query": ["about ", part | {"pointer": "/results/0/title"}]
    }
    page.locator(".sf-token-remove").click()
    assert page.evaluate("form.bindings") == {}
    assert value(page) == {"query": "about "}
    expect(page.get_by_role("textbox", name="Query")).to_be_focused()


def test_bindings_follow_messages_that_move(stand: Stand) -> None:
    """Those of the message and of the ones that it passes; they go with what is removed."""
    one, two = (
        [{"step": "search", "pointer": pointer}] for pointer in ("/results", "/queries")
    )
    messages = [
        {"role": "system"},
        {"role": "user"},
        {"role": "assistant", "content": "a"},
    ]
    bindings = {"/messages/0/content": one, "/messages/1/content": two}
    page = stand(schema_of("chat"), value={"messages": messages}, bindings=bindings)
    page.get_by_role("button", name="Move Message 1 down").click()
    assert page.evaluate("form.bindings") == {
        "/messages/0/content": two,
        "/messages/1/content": one,
    }
    page.get_by_role("button", name="Move Message 3 up").click()
    assert page.evaluate("form.bindings") == {
        "/messages/0/content": two,
        "/messages/2/content": one,
    }
    page.get_by_role("button", name="Remove Message 1").click()
    assert page.evaluate("form.bindings") == {"/messages/1/content": one}
    page.get_by_role("button", name="Remove Message 2").click()
    assert page.evaluate("form.bindings") == {}


def test_a_binding_that_no_field_shows_is_shown_above(stand: Stand) -> None:
    """So that nothing is filled behind the user's back."""
    part = {"step": "search", "pointer": "/results/0/title"}
    page = stand(
        schema_of("search"), value={"query": ["a"]}, bindings={"/unknown": [part]}
    )
    expect(page.locator(".sf-stray")).to_contain_text("/unknown")
    page.locator(".sf-stray button").click()
    assert page.evaluate("form.bindings") == {}


def test_errors_stand_at_their_fields(stand: Stand) -> None:
    """Described by aria; one without a field of its own stands above them."""
    page = stand(schema_of("search"), value={"query": ["a", "b"]})
    errors = [
        {"pointer": "/query/1", "code": "x", "message": "Not this."},
        {"pointer": "", "code": "x", "message": "Not at all."},
    ]
    assert page.evaluate("form.valid")
    page.evaluate("errors => { form.errors = errors; }", errors)
    assert not page.evaluate("form.valid")
    field = page.get_by_role("textbox", name="Query")
    expect(field).to_have_accessible_description(
        "Line 2: Not this. One to 100 queries; each is searched and billed by itself."
    )
    expect(page.locator(".sf-top")).to_have_text("Not at all.")
    page.evaluate("form.errors = []")
    expect(field).to_have_attribute("aria-invalid", "false")


def test_an_error_names_the_labels_of_choices_and_the_domain_of_an_address(
    stand: Stand,
) -> None:
    """Also where the page has set it: people do not know the values behind the labels."""
    words = {"always": "Always", "when_needed": "When needed", "never": "Never"}
    given = {
        "search": "maybe",
        "search_domain_filter": ["https://www.bbc.com/news"],
        "web_search_options": {"user_location": {"country": "Germany"}},
    }
    page = stand(schema_of("chat"), labels={"/search": words}, value=given)
    page.locator("summary").first.click()
    own = page.evaluate("form.errors.filter(({ code }) => code !== 'required')")
    for errors in (None, own):
        page.evaluate("errors => { form.errors = errors; }", errors)
        field = page.get_by_role("combobox", name="Web search", exact=True)
        expect(field).to_have_accessible_description(re.compile("Always, When needed"))
        domains = page.get_by_role("textbox", name="Search domains")
        expect(domains).to_have_accessible_description(re.compile(r": bbc\.com\b"))
        country = page.get_by_role("textbox", name="Country")
        expect(country).to_have_attribute("aria-invalid", "true")
        # One sentence, without the pattern.
        broken = page.locator('[data-pointer$="/country"] > .sf-error')
        expect(broken).to_have_text(re.compile(r"^[^.{]+\.$"))


def test_text_has_the_direction_of_its_letters(stand: Stand) -> None:
    """Lines, long texts and lists of texts; numbers and JSON stay as they are."""
    page = stand(schema_of("chat"), value=schema_of("chat")["examples"][1])
    page.evaluate("form.options = { '/model': async () => [] }")
    expect(page.get_by_role("combobox", name="Model")).to_be_visible()
    shown = page.locator("input[type=text], textarea").evaluate_all(
        "all => all.map((each) => [each.dir, each.matches('.sf-json, .sf-number')])"
    )
    assert {kind for _, kind in shown} == {True, False}
    assert all(way == ("ltr" if kind else "auto") for way, kind in shown)


def test_a_schema_is_made_from_an_example(stand: Stand) -> None:
    """By keyboard; what is not JSON is refused, and the focus ends in the field."""
    page = stand(schema_of("chat"), value={})
    page.locator("summary").first.click()
    page.get_by_role("button", name="From an example").press("Enter")
    example = page.get_by_role("textbox", name="Example")
    expect(example).to_be_focused()
    page.keyboard.type(
        '{"day": "2026-01-31", "rows": [{"a": 1}, {"a": 2.5, "b": null}]'
    )
    make = page.get_by_role("button", name="Make the schema")
    make.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).not_to_be_empty()
    expect(example).to_be_focused()
    page.keyboard.type(', "price": 20.0}')
    make.press("Enter")
    item = {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {}},
        "required": ["a"],
    }
    properties = {
        "day": {"type": "string", "format": "date"},
        "rows": {"type": "array", "items": item},
        "price": {"type": "number"},
    }
    # Only then the field has it: the dialog ends a moment after the key.
    expect(page.get_by_role("textbox", name="Schema", exact=True)).to_be_focused()
    made = value(page)["response_format"]["json_schema"]["schema"]
    required = ["day", "rows", "price"]
    assert made == {"type": "object", "properties": properties, "required": required}


TEXTS = st.text(max_size=5) | st.sampled_from(
    [
        *("2026-01-31", "2026-02-30", "2026-01-31T12:00:00Z", "2026-01-31T24:00:00Z"),
        *("https://moon.example/a b", "https://moon.example", "me@moon.example"),
        "0f8fad5b-d9cb-469f-a165-70867728950e",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | TEXTS
NAMES = st.sampled_from(["a", "b", "__proto__"])
EXAMPLES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(examples=st.lists(EXAMPLES, min_size=1, max_size=4))
def test_examples_follow_the_schema_that_is_made_from_them(
    blank: Page, examples: list[Any]
) -> None:
    """Also with mixed types, missing names, and formats that only some have."""
    text = json.dumps(examples)
    schema = blank.evaluate(
        """async (text) => {
          const { inferSchema } = await import("/static/form/infer.js");
          return JSON.stringify(inferSchema(JSON.parse(text)));
        }""",
        text,
    )
    validator = Draft202012Validator(
        json.loads(schema), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    Draft202012Validator.check_schema(validator.schema)
    assert [list(validator.iter_errors(each)) for each in examples] == [[]] * len(
        examples
    )


def test_a_hint_is_shown_below_its_field_and_is_not_an_error(stand: Stand) -> None:
    """A fold counts those inside it, and one about the whole input is above the form."""
    hints = [
        {"pointer": "/query", "message": "Ask for more."},
        {"pointer": "/max_results", "message": "Take fewer."},
        {"pointer": "", "message": "Search for less."},
    ]
    page = stand(schema_of("search"), value={"query": "moon"}, hints=hints)
    query = page.get_by_role("textbox", name="Query")
    expect(query).to_have_accessible_description(re.compile("Ask for more"))
    expect(query).to_have_attribute("aria-invalid", "false")
    expect(page.locator(".sf-top-hint")).to_have_text("Search for less.")
    expect(page.locator(".sf-more > summary .fold-note")).to_contain_text("1 hint")
    page.evaluate("window.form.hints = []")
    expect(page.locator(".sf-hint:visible, .sf-top-hint")).to_have_count(0)
    expect(page.locator(".sf-more > summary .fold-note")).to_have_text("")


def test_a_new_item_keeps_what_was_written_in_the_others(stand: Stand) -> None:
    """Since they were drawn."""
    page = stand(schema_of("chat"), value={"messages": [{"role": "user"}]})
    page.get_by_role("textbox", name="Content").fill("Who?")
    page.get_by_role("button", name="Add message").click()
    assert value(page)["messages"][0]["content"] == "Who?"


def test_a_list_of_any_shape_is_written_as_json(stand: Stand) -> None:
    """A plain form shows all of its fields at once, and not its value."""
    numbers = {"type": "array", "title": "Numbers", "items": {"type": "number"}}
    name = {"type": "string", "title": "Name"}
    schema = {
        "type": "object",
        "properties": {"numbers": numbers, "name": name},
        "required": ["name"],
    }
    page = stand(schema, plain=True)
    page.get_by_role("textbox", name="Numbers").fill("[1, 2]")
    assert value(page) == {"numbers": [1, 2]}
    expect(page.locator("details")).to_have_count(0)


def test_a_field_takes_a_value_of_any_source(stand: Stand) -> None:
    """A whole list takes the place of what its items took; a secret takes nothing."""
    text = {"type": "string", "title": "Text"}
    item = {"type": "object", "title": "Row", "properties": {"text": text}}
    schema = {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "title": "Rows", "items": item},
            "key": {"type": "string", "format": "password", "title": "Key"},
        },
    }
    rows = {"type": "object", "properties": {"all": {"type": "array", "title": "All"}}}
    source = {"kind": "input", "step": "", "title": "Inputs", "schema": rows}
    page = stand(
        schema,
        value={"rows": [{}]},
        bindings={"/rows/0/text": [{"input": "/all/0"}]},
        references=[{**source, "result": None}],
    )
    expect(page.get_by_role("button", name="Use a value in Key")).to_have_count(0)
    page.get_by_role("button", name="Use a value in Rows").click()
    page.locator('[data-pick="/all"]').click()
    expect(page.get_by_role("button", name="Use a value in Rows")).to_have_count(0)
    assert page.evaluate("window.form.bindings") == {"/rows": [{"input": "/all"}]}
