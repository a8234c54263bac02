"""What the page reads: streams cut anywhere, and texts that nobody may trust."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.workbench.page.conftest import Workbench

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "**<b onclick=alert(1)>**",
    "```\n</code></pre><script>alert(1)</script>\n```",
    '[<img src=x>](https://x.example/"onmouseover=alert(1))',
    "javascript:alert(1)",
]

LONG = [
    "> a\n\n" * 9000,
    "|" * 20000,
    "| a |\n" * 9000,
    "| a |\n|-|\n\n" * 9000,
    "https://" + "." * 20000,
    "http://(" * 9000,
]


@pytest.fixture(scope="module")
def blank(browser: Browser, workbench: Workbench) -> Iterator[Page]:
    """A page of the workbench's origin."""
    page = browser.new_page()
    page.goto(workbench.address)
    yield page
    page.close()


def drawn(page: Page, text: str) -> Any:
    """A text as nodes: the names of its elements, its text, its links, and its markup."""
    return page.evaluate(
        """async (text) => {
          const { drawMarkdown } = await import("/static/markdown.js");
          const place = document.createElement("div");
          place.append(drawMarkdown(text, (number) => (number < 3 ? `source-${number}` : null)));
          const all = [...place.querySelectorAll("*")];
          return {
            names: all.map((each) => each.localName), text: place.textContent, markup: place.innerHTML,
            links: all.filter((each) => each.href).map((each) => [each.getAttribute("href"), each.rel, each.target]),
            attributes: [...new Set(all.flatMap((each) => each.getAttributeNames()))],
          };
        }""",
        text,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(blank: Page, text: str) -> None:
    """No element but those of the subset, no attribute but those of a link, no address but the web's."""
    found = drawn(blank, text)
    assert set(found["names"]) <= {"p", "a", "strong", "em", "code", "pre"}
    assert set(found["attributes"]) <= {
        "href",
        "rel",
        "target",
        "class",
        "aria-label",
        "tabindex",
    }
    assert all(link[0].startswith("https://") for link in found["links"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:secret@x.example/a", "https://x.example/a"),
        ("[a page](https://bank.example@x.example/a)", "a page"),
        ("[https://u:p@x.example/a](https://u:p@x.example/a)", "https://x.example/a"),
        ("https:\u202e//x.example", "https://x.example"),
    ],
)
def test_no_link_has_a_user_or_a_false_order(
    blank: Page, text: str, shown: str
) -> None:
    """Neither where it leads nor in its words."""
    found = drawn(blank, text)
    assert found["text"] == shown
    assert all(link[0] == "https://x.example/a" for link in found["links"])


def test_a_source_is_shown_without_a_user_and_in_its_own_order(blank: Page) -> None:
    """Its title, its address, its host and its snippet; a copied text keeps all, as JSON."""
    found = blank.evaluate(
        """async () => {
          const { drawSources } = await import("/static/sources.js");
          const { writeJson } = await import("/static/text.js");
          const url = "https://user:secret@x.example/";
          const pages = [
            { url, title: "moon\u202emoc.live", snippet: "a \u2066b" },
            { url: "ftp://user:secret@y.example/", title: "" },
            { url: "view-source:https:/\\t/user:secret@y.example/", title: "" },
            { url: "//user:secret@y.example/" },
            { url: "https:/\\t/user:secret@y.example/" },
            { url },
          ];
          const drawn = drawSources(pages, "s", "Sources");
          return {
            text: drawn.textContent, markup: drawn.outerHTML, json: writeJson(pages[0].title),
          };
        }"""
    )
    assert "moonmoc.live" in found["text"]
    assert "a b" in found["text"]
    assert "secret" not in found["markup"]
    assert found["json"] == '"moon\\u202emoc.live"'


def test_the_subset_is_drawn(blank: Page) -> None:
    """Headings, lists, emphasis, code, links and sources."""
    text = "# Head\n\nSome **bold**, *slanted* and `code` [1] [9].\n\n- one\n- two\n\n1. first\n\n```py\na = [1]\n```\n[site](https://x.example/a)"
    found = drawn(blank, text)
    assert found["names"] == [
        "h4",
        "p",
        "strong",
        "em",
        "code",
        "a",
        "ul",
        "li",
        "li",
        "ol",
        "li",
        "pre",
        "code",
        "p",
        "a",
    ]
    assert found["links"] == [
        ["#source-1", "", ""],
        ["https://x.example/a", "noopener noreferrer", "_blank"],
    ]
    assert "[9]" in found["text"]
    assert "a = [1]" in found["text"]


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        (
            "> one\n> *two*\nthree",
            "<blockquote>one\n<em>two</em></blockquote><p>three</p>",
        ),
        ("one\n***\ntwo", "<p>one</p><hr><p>two</p>"),
        ("***both***", "<p><strong><em>both</em></strong></p>"),
        ("| a |\nno table", "<p>| a |\nno table</p>"),
        (
            "so:\n| a | b |\n|:--|--:|\n| **1** | x\\|y |\nafter",
            (
                '<p>so:</p><div class="table" tabindex="0"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
                "<tbody><tr><td><strong>1</strong></td><td>x|y</td></tr></tbody></table></div><p>after</p>"
            ),
        ),
    ],
)
def test_quotes_rules_and_tables_are_drawn(blank: Page, text: str, markup: str) -> None:
    """Answers have them often."""
    assert drawn(blank, text)["markup"] == markup


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://x.example/a.", "https://x.example/a"),
        ("(https://x.example/a, too)", "https://x.example/a"),
        ("https://x.example/a_(b)!", "https://x.example/a_(b)"),
        ("[site](https://x.example/a_(b)_c)", "https://x.example/a_(b)_c"),
    ],
)
def test_an_address_ends_where_its_sentence_goes_on(
    blank: Page, text: str, address: str
) -> None:
    """Brackets in it are its own."""
    assert [link[0] for link in drawn(blank, text)["links"]] == [address]


def test_snake_case_and_sums_are_no_emphasis(blank: Page) -> None:
    """Underscores in words, and stars with spaces."""
    assert drawn(blank, "max_tokens_per_page is 2 * 3 * 4")["names"] == ["p"]


def test_a_long_hostile_text_is_drawn_at_once(blank: Page) -> None:
    """No pattern of ours takes more than a moment, whatever it is given."""
    for text in (
        "*" * 20000,
        "[" * 20000,
        "a" + "`" * 20000,
        "_a" * 10000,
        "**a" * 7000,
        "[a](" * 5000,
        *LONG,
    ):
        assert drawn(blank, text)["markup"]


def test_a_stream_may_be_cut_anywhere(blank: Page) -> None:
    """Within a line, within a character, without a last line's end."""
    items = blank.evaluate(
        """async () => {
          const { readDocuments } = await import("/static/api.js");
          const bytes = new TextEncoder().encode('{"a": "\\u00e9\\ud83c\\udf19"}\\n\\n{"b": "\\u2028"}\\n{"c": 1}');
          const all = [];
          for (let size = 1; size <= bytes.length; size += 1) {
            const pieces = [];
            for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
            const found = [];
            const start = (out) => { pieces.forEach((piece) => out.enqueue(piece)); out.close(); };
            const body = new ReadableStream({ start });
            for await (const item of readDocuments(body)) found.push(item);
            all.push(found);
          }
          return all;
        }"""
    )
    assert len(items) > 10
    assert all(
        found == [{"a": "\u00e9\U0001f319"}, {"b": "\u2028"}, {"c": 1}]
        for found in items
    )


def test_what_was_found_stands_at_the_place_that_its_id_names(blank: Page) -> None:
    """Whatever the order it comes in; of two with one id the first stays, and without ids the order is all there is."""
    found = [{"id": 3, "url": "c"}, {"id": 1, "url": "a"}, {"id": 1, "url": "late"}]
    urls = blank.evaluate(
        """async (lists) => {
          const { placeById } = await import("/static/sources.js");
          return lists.map((list) => placeById(list).map(({ url }) => url));
        }""",
        [found, [{"url": "b"}, {"url": "a"}], []],
    )
    assert urls == [["a", "", "c"], ["b", "a"], []]


@pytest.mark.parametrize("name", ["__proto__", "constructor", "a~1b"])
def test_any_name_is_a_place(blank: Page, name: str) -> None:
    """Also one that JavaScript has a use for; nothing but the copy is changed."""
    written = blank.evaluate(
        """async (name) => {
          const { get, set } = await import("/static/form/pointer.js");
          const given = { a: 1, z: 2 };
          const made = set(set(given, `/${name}/x`, 3), "/a", 4);
          return [JSON.stringify(given), JSON.stringify(made), get(made, `/${name}/x`), {}.x === undefined];
        }""",
        name,
    )
    spelled = name.replace("~1", "/")
    assert written == [
        '{"a":1,"z":2}',
        f'{{"a":4,"z":2,"{spelled}":{{"x":3}}}}',
        3,
        True,
    ]


def test_a_failure_is_an_error_with_its_data(blank: Page) -> None:
    """As the server says it."""
    data = blank.evaluate(
        """async () => {
          const api = await import("/static/api.js");
          return api.describe("perplexity", "nothing").catch((problem) => problem.data);
        }"""
    )
    assert data["code"] == "not_found"
