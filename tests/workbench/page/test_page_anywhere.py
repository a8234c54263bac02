"""<schema-form> in any page: one file, without other styles or scripts of ours, and schemas of other people."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from perplexity_connector.workbench.app import STATIC
from tests.workbench.page.conftest import AXE

HERE = Path(__file__).parent
BUNDLE = STATIC.with_name("bundle") / "schema-form.js"
OTHERS: dict[str, Any] = json.loads(
    (HERE / "other_schemas.json").read_text(encoding="utf-8")
)
BARE = """<!doctype html>
<html lang="en"><head><meta name="color-scheme" content="light dark"><title>Bare</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'"></head>
<body><h1>Bare</h1></body></html>"""
PUT = """async ({schema, value, ...more}) => {
  await window.ready;
  const form = Object.assign(document.createElement("schema-form"), {schema, value}, more);
  if (!window.all) document.querySelector("schema-form")?.remove();
  document.body.append(form);
  await new Promise(requestAnimationFrame);
  window.form = form;
}"""
LOOK = """() => {
  const style = getComputedStyle(document.querySelector(".sf-label"));
  const input = getComputedStyle(document.querySelector(".sf-input"));
  return [style.fontWeight, style.color, input.backgroundColor, input.borderRadius];
}"""
LOOSE = """() => [...document.querySelectorAll("schema-form *, .sf-dialog *")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def bare(browser: Browser) -> Iterator[Page]:
    """A page with nothing but the bundle."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.set_content(BARE)
    page.add_script_tag(content=BUNDLE.read_text(encoding="utf-8"), type="module")
    page.add_script_tag(path=AXE)
    page.evaluate("""() => {
          window.ready = customElements.whenDefined('schema-form');
          document.body.style.background = "Canvas";
        }""")
    yield page
    page.close()


def put(page: Page, schema: Any, value: Any = None, **more: Any) -> Locator:
    """Put a form into the page, in place of the one before."""
    page.evaluate(PUT, {"schema": schema, "value": value, **more})
    return page.locator("schema-form")


def value(page: Page) -> Any:
    """What the form holds."""
    return page.evaluate("form.value")


def errors(page: Page) -> list[str]:
    """Where the form finds an error."""
    found: list[str] = page.evaluate("form.errors.map(({pointer}) => pointer)")
    return found


def problems(page: Page) -> Any:
    """What axe finds in the form."""
    return page.evaluate(
        """async () => (await axe.run("schema-form, dialog")).violations.map(
          ({id, nodes}) => [id, nodes[0].html])"""
    )


def test_the_bundle_is_made_of_its_sources(tmp_path: Path) -> None:
    """To the byte: `npm run bundle` writes it."""
    made = tmp_path / "schema-form.js"
    subprocess.run(["node", HERE / "bundle.js", made], check=True)
    assert made.read_bytes() == BUNDLE.read_bytes()


def test_a_bare_page_draws_the_schemas_of_other_people(bare: Page) -> None:
    """Each place has its control, nothing of a value is lost, the check finds what is wrong, axe finds nothing."""
    for name, other in OTHERS.items():
        form = put(bare, other["schema"], other["value"])
        assert value(bare) == other["value"], name
        assert errors(bare) == [], name
        for pointer, tag in other["kinds"].items():
            control = form.locator(f'[data-pointer="{pointer}"] > *').locator(
                f"xpath=descendant-or-self::{tag}"
            )
            assert control.count() == 1, (name, pointer)
    bare.evaluate("window.all = true")
    for name, other in OTHERS.items():
        put(bare, other["schema"], other["wrong"], showAll=True)
        assert sorted(errors(bare)) == other["errors"], name
    position = bare.locator('[data-pointer="/position"] > .sf-error')
    expect(position).to_contain_text("Item 2:")
    bare.locator("details").evaluate_all(
        "all => all.forEach((each) => { each.open = true; })"
    )
    assert bare.evaluate(LOOSE) == []
    assert problems(bare) == []
    bare.evaluate(
        "() => { window.all = false; document.querySelectorAll('schema-form').forEach((each) => each.remove()); }"
    )


def test_a_broken_keyword_is_left_out(bare: Page) -> None:
    """The rest of the schema is drawn and checked, and nothing of a value is lost."""
    address = {"required": ["city"], "properties": {"city": {"type": "string"}}}
    fields = {
        "percent": {"$ref": "#/definitions/%"},
        "draft3": {"$ref": "#/definitions/address", "required": True},
        "file": {"type": "file"},
        "name": {"type": "constructor"},
        "choice": {"enum": "a", "properties": None},
        "format": {"type": "string", "format": "__proto__"},
    }
    given = {"draft3": {"city": 1}, "file": 1, "choice": "b", "format": "c", "name": 2}
    schema = {"definitions": {"address": address}, "properties": fields}
    form = put(bare, schema, given)
    named = form.get_by_label("format")
    expect(named).not_to_have_attribute("placeholder", re.compile("object"))
    assert value(bare) == given
    assert errors(bare) == ["/draft3/city"]
    drawn = bare.locator("[data-pointer]").evaluate_all(
        "all => all.map((each) => each.dataset.pointer)"
    )
    assert {f"/{name}" for name in fields} <= set(drawn)


def test_the_values_of_other_schemas_are_edited(bare: Page) -> None:
    """A choice keeps its type and has its title; a read-only field stays; JSON replaces missing controls."""
    form = put(bare, OTHERS["labelled choices"]["schema"])
    form.get_by_label("Size").select_option("Small")
    assert value(bare) == {"size": 1}
    schema = OTHERS["an API's pet"]["schema"]
    form = put(bare, schema, {"id": 7})
    expect(form.get_by_label("id")).not_to_be_editable()
    form.get_by_text("More options").click()
    expect(form.get_by_label("id")).to_have_accessible_name("id read only")
    form.get_by_role("button", name="Add item").click()
    assert value(bare) == {"id": 7, "tags": [{}]}
    form = put(bare, OTHERS["workflow inputs"]["schema"], plain=True)
    union = form.get_by_label("default", exact=True)
    expect(union).to_have_accessible_description(re.compile('Text or Number.*"text"'))
    for text, meant in {"5": 5, "five": "five", '"5"': "5"}.items():
        union.fill(text)
        assert value(bare) == {"first": {"default": meant}}
    form = put(bare, OTHERS["a map"]["schema"], plain=True)
    form.get_by_label("Ports as JSON").fill('{"web": 443}')
    assert value(bare) == {"web": 443}
    objects = {"properties": {"point": {"enum": [{"x": 1}]}}}
    form = put(bare, objects, {"point": {"x": 2}}, plain=True)
    expect(form.locator(".sf-error:visible")).to_contain_text('{"x":1}')


def test_the_look_is_in_the_file_and_follows_the_page(bare: Page) -> None:
    """Under a strict policy; by the page's colour scheme, and by its variables."""
    put(bare, OTHERS["formats"]["schema"])
    light = ["600", "rgb(20, 35, 42)", "rgb(255, 255, 255)", "8px"]
    assert bare.evaluate(LOOK) == light
    bare.emulate_media(color_scheme="dark")
    assert bare.evaluate(LOOK)[1:3] == ["rgb(230, 238, 241)", "rgb(22, 32, 38)"]
    assert problems(bare) == []
    bare.evaluate("form.style.setProperty('--sf-surface', 'rgb(1, 2, 3)')")
    assert bare.evaluate(LOOK)[2] == "rgb(1, 2, 3)"
