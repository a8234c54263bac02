"""What the page reads: streams cut anywhere, and texts that are not to be trusted."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from perplexity_connector.workbench.app import STATIC
from tests.workbench.page.conftest import Workbench

VENDORED = STATIC / "vendor" / "markdown-it" / "markdown-it.esm.min.mjs"
PACKAGE = Path(__file__).with_name("node_modules") / "markdown-it" / "dist" / "browser"

BASE = "https://x.example/"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<!-- --><svg/onload=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](&#106;avascript&colon;alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](//x.example/a)",
    "[click]: javascript:alert(1)\n\n[click]",
    "![pixel](data:image/png;base64,AAAA)",
    "![pixel](/relative)",
    "<javascript:alert(1)>",
    "**<b onclick=alert(1)>**",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "``` x onload=alert(1)\n```",
    '[<img src=x>](https://x.example/"onmouseover=alert(1))',
    "| a |\n|:-:|\n| <td style=x> |",
    "javascript:alert(1)",
    "> " * 9000 + "a",
    "- " * 9000 + "a",
]
ATTRIBUTES = {"href", "rel", "target", "class", "aria-label", "tabindex", "dir", "role"}
INLINE, BLOCKS = {"a", "strong", "em", "code"}, {"p", "pre", "ul", "li", "blockquote"}
NAMES = {*INLINE, *BLOCKS, "div", "table", "thead", "tbody", "tr", "th", "td"}

# Markdown, and the markup that is wanted: without the attributes that blocks of a kind have always.
DRAWN = [
    (
        "> one\n> *two*\n\nthree",
        "<blockquote><p>one\n<em>two</em></p></blockquote><p>three</p>",
    ),
    ("one\n\n***\ntwo", "<p>one</p><hr><p>two</p>"),
    ("***both***", "<p><em><strong>both</strong></em></p>"),
    ("| a |\nno table", "<p>| a |\nno table</p>"),
    ("max_tokens_per_page is 2 * 3 * 4", "<p>max_tokens_per_page is 2 * 3 * 4</p>"),
    ("# a\n## b\n### c\n###### d", "<h4>a</h4><h5>b</h5><h6>c</h6><h6>d</h6>"),
    (
        "## a\n#### b\n### c\n# d\n## e",
        "<h4>a</h4><h5>b</h5><h5>c</h5><h4>d</h4><h5>e</h5>",
    ),
    # Lists keep their nesting and their numbers.
    (
        "3. a\n   - b\n     1. c\n4. d",
        '<ol start="3"><li>a<ul><li>b<ol><li>c</li></ol></li></ul></li><li>d</li></ol>',
    ),
    ("- a\n\n  b\n- c", "<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>"),
    # Breaks, strokes, escapes, entities.
    ("a<br>b<br/>c  \nd\\\ne", "<p>a<br>b<br>c<br>d<br>e</p>"),
    ("~~a~~ \\*b\\* &lt;c&gt; &nbsp;", "<p><s>a</s> *b* &lt;c&gt; &nbsp;</p>"),
    ("`<br> [1]` and <b>", "<p><code>&lt;br&gt; [1]</code> and &lt;b&gt;</p>"),
    ("```py\na = [1]\n\nb\n```\nc", "<pre><code>a = [1]\n\nb</code></pre><p>c</p>"),
    # An entity does not change the order of a text.
    ("a&#x202e;b \u2066c", "<p>ab c</p>"),
    # A source without an element stays text. A citation has no place in code, in a link, after a backslash.
    ("a[1][2] [9]", "<p>a<cite>1</cite><cite>2</cite> [9]</p>"),
    ("**a [1]** \\[1]", "<p><strong>a <cite>1</cite></strong> [1]</p>"),
    ("[1](https://x.example/a)", '<p><a href="https://x.example/a">1</a></p>'),
    ("[a [1]](https://x.example/a)", '<p><a href="https://x.example/a">a [1]</a></p>'),
    (
        "[1] [9]\n\n[1]: https://x.example/a\n[9]: https://x.example/b",
        '<p><cite>1</cite> <a href="https://x.example/b">9</a></p>',
    ),
    # A table without bars around it, and one that ends a paragraph.
    (
        "a | b | c\n--|:-:|--:\n`x\\|y` | **z** [1]<br>u | _w_\n\nafter",
        (
            '<table><thead><tr><th>a</th><th class="align-center">b</th><th class="align-right">c</th></tr></thead>'
            '<tbody><tr><td><code>x|y</code></td><td class="align-center"><strong>z</strong> <cite>1</cite><br>u</td>'
            '<td class="align-right"><em>w</em></td></tr></tbody></table><p>after</p>'
        ),
    ),
    (
        "so:\n| a |\n|---|\n| b |",
        "<p>so:</p><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>",
    ),
    # Addresses: of the web alone, without a user, and without the sign that ends the sentence.
    ("See https://x.example/a.", 'See <a href="BASEa">BASEa</a>.'),
    ("(https://x.example/a, too)", '(<a href="BASEa">BASEa</a>, too)'),
    ("https://x.example/a_(b)!", '<a href="BASEa_(b)">BASEa_(b)</a>!'),
    ("[site](https://x.example/a_(b)_c)", '<a href="BASEa_(b)_c">site</a>'),
    ("https://user:secret@x.example/a", '<a href="BASEa">BASEa</a>'),
    (f"https://user:{'s' * 90}@x.example/a", '<a href="BASEa">BASEa</a>'),
    ("<https://user:secret@x.example/a>", '<a href="BASEa">BASEa</a>'),
    ("[a page](https://bank.example@x.example/a)", '<a href="BASEa">a page</a>'),
    ("[https://u:p@x.example/a](https://u:p@x.example/a)", '<a href="BASEa">BASEa</a>'),
    ("![](https://u:p@x.example/a)", '<a href="BASEa">BASEa</a>'),
    ("![a moon](https://x.example/a)", '<a href="BASEa">a moon</a>'),
    ("[![a](https://x.example/b)](https://x.example/a)", '<a href="BASEa">a</a>'),
    ("[a]()", "<span>a</span>"),
    ("https:\u202e//x.example", "https://x.example"),
    (
        "a.example b@x.example ftp://x.example [a](/b)",
        "a.example b@x.example ftp://x.example [a](/b)",
    ),
]

# What blocks of a kind have always.
ALWAYS = [
    ' tabindex="0"',
    ' dir="auto"',
    ' dir="ltr"',
    ' rel="noopener noreferrer" target="_blank"',
]
CITED = re.compile(
    r'<a class="citation" href="#source-(\d)" aria-label="Source \1">\1</a>'
)
AROUND = re.compile(r'<div class="table" role="group" aria-label="Table">(.*?)</div>')

LONG = [
    "*" * 20000,
    "[" * 20000,
    "![" * 10000,
    "a" + "`" * 20000,
    "_a" * 10000,
    "**a" * 7000,
    "[a](" * 5000,
    "> a\n\n" * 4000,
    "|" * 20000,
    "| a |\n" * 4000,
    "| a |\n|-|\n\n" * 2000,
    "https://" + "." * 20000,
    "http://(" * 3000,
    "https://a.b/c" * 2000,
    "http://a@" * 2000,
    # A browser looks for the first word of a block.
    "[1]" * 33000,
    "word [1] " * 120000,
]


@pytest.fixture(scope="module")
def blank(browser: Browser, workbench: Workbench) -> Iterator[Page]:
    """A page of the workbench's origin."""
    page = browser.new_page()
    page.goto(workbench.address)
    yield page
    page.close()


def drawn(page: Page, *texts: str) -> Any:
    """Texts as nodes: the names of their elements and of their attributes, their links, and their markup."""
    return page.evaluate(
        """async (texts) => {
          const { loadMarkdown, showMarkdown } = await import("/static/markdown.js");
          await loadMarkdown();
          return texts.map((text) => {
            const place = document.createElement("div");
            showMarkdown(place, text, (number) => (number < 3 ? `source-${number}` : null));
            const all = [...place.querySelectorAll("*")];
            return {
              names: [...new Set(all.map((each) => each.localName))], markup: place.innerHTML,
              links: all.filter((each) => each.href).map((each) => each.getAttribute("href")),
              attributes: [...new Set(all.flatMap((each) => each.getAttributeNames()))],
            };
          });
        }""",
        texts,
    )


def plain(markup: str) -> str:
    """A markup without what blocks of a kind have always."""
    for always in ALWAYS:
        markup = markup.replace(always, "")
    return AROUND.sub(r"\1", CITED.sub(r"<cite>\1</cite>", markup))


def test_the_reader_is_the_one_of_its_package() -> None:
    """Without a change, in the version that the type check knows."""
    assert VENDORED.read_bytes() == (PACKAGE / VENDORED.name).read_bytes()


def test_hostile_text_stays_text(blank: Page) -> None:
    """No element but those of the subset, no attribute but those of a link, no address but the web's."""
    for text, found in zip(HOSTILE, drawn(blank, *HOSTILE), strict=True):
        assert set(found["names"]) <= NAMES, text
        assert set(found["attributes"]) <= ATTRIBUTES, text
        assert all(link.startswith("https://") for link in found["links"]), text


def test_markdown_is_drawn_as_it_is_meant(blank: Page) -> None:
    """With its nesting, its numbers, its tables, its breaks, and its citations."""
    found = drawn(blank, *[text for text, _ in DRAWN])
    wanted = [markup.replace("BASE", BASE) for _, markup in DRAWN]
    shown = [plain(each["markup"]) for each in found]
    # A lone paragraph.
    wanted = [
        m if re.match("<(p|h4|ul|ol|pre|table|blockquote)\\b", m) else f"<p>{m}</p>"
        for m in wanted
    ]
    assert shown == wanted


def test_a_block_has_the_direction_of_its_words(blank: Page) -> None:
    """An item and a quotation as a whole; code is never turned."""
    text = "\u0645\n\n- \u0645 `a`\n- b\n\n> \u0645\n\n| \u0645 |\n|---|\n\n# a\n\n    code"
    directions = blank.evaluate(
        """async (text) => {
          const { loadMarkdown, showMarkdown } = await import("/static/markdown.js");
          await loadMarkdown();
          const place = document.createElement("div");
          document.body.append(place);
          showMarkdown(place, text);
          const all = [...place.querySelectorAll("p, li, li code, blockquote, table, h4, pre")];
          const found = all.map((each) => `${each.localName} ${getComputedStyle(each).direction}`);
          place.remove();
          return found;
        }""",
        text,
    )
    assert directions == [
        "p rtl",
        "li rtl",
        "code ltr",
        "li ltr",
        "blockquote rtl",
        "p rtl",
        "table rtl",
        "h4 ltr",
        "pre ltr",
    ]


def test_a_text_is_shown_before_its_reader_is_there_and_its_unchanged_blocks_stay(
    blank: Page,
) -> None:
    """The last text that was given, once; a block that grows is replaced alone."""
    found = blank.evaluate(
        """async () => {
          const { loadMarkdown, showMarkdown } = await import("/static/markdown.js?alone");
          const place = document.createElement("div");
          showMarkdown(place, "**a");
          showMarkdown(place, "**a**");
          const before = place.innerHTML;
          await loadMarkdown();
          const drawn = place.innerHTML;
          showMarkdown(place, "one\\n\\ntwo");
          const first = place.firstChild;
          showMarkdown(place, "one\\n\\ntwo *more*\\n\\nthree");
          return [before, drawn, first === place.firstChild, place.innerHTML];
        }"""
    )
    assert [plain(each) if isinstance(each, str) else each for each in found] == [
        "<p>**a**</p>",
        "<p><strong>a</strong></p>",
        True,
        "<p>one</p><p>two <em>more</em></p><p>three</p>",
    ]


def test_an_answer_is_copied_as_text_and_with_its_sources(blank: Page) -> None:
    """The text keeps the marks, the numbers and the columns that are seen; the list has the numbers of the marks."""
    answer = (
        "a [1] [b](https://x.example/b) ~~**x** z~~ y\n\n2. c<br>d\n   - e\n\n    f\n3. g\n\n---\n\n> h\n\n"
        "| i | j |\n|---|---|\n| `k` | l |\n\n    m\n      n\n\nhttps://x.example"
    )
    found = blank.evaluate(
        """async (answer) => {
          const { loadMarkdown } = await import("/static/markdown.js");
          await loadMarkdown();
          const { drawAnswer } = await import("/static/answer.js");
          const sources = [
            { title: "A [moon]\u202e\\n*", url: "https://user:secret@x.example/a_(b)" },
            { title: "", url: "" }, { url: "ftp://y.example/" },
          ];
          const copied = [];
          const write = async (text) => {
            if (copied.push(text) === 4) throw new Error("Not allowed");
          };
          Object.defineProperty(navigator, "clipboard", { value: { writeText: write } });
          const step = { envelope: {} };
          const said = [];
          const inSight = [];
          for (const number of [0, 1, 2, 2]) {
            document.body.append(...drawAnswer(step, answer, number < 3 ? sources : [], "s"));
            const tools = document.querySelector(".answer-tools");
            // The last ones are at the lower edge, where there is room above alone.
            if (number === 2) tools.style = "position: fixed; bottom: 0";
            tools.querySelector("button").click();
            const { top, bottom } = tools.querySelector("[role=menu]").getBoundingClientRect();
            inSight.push(top >= 0 && bottom <= innerHeight);
            tools.querySelectorAll("[role=menuitem]")[number].click();
            await new Promise((resolve) => { setTimeout(resolve); });
            said.push(tools.querySelector("[role=status]").textContent);
            document.querySelectorAll(".answer, .answer-tools").forEach((each) => each.remove());
          }
          const { writeWithSources } = await import("/static/answer.js");
          return { copied, said, inSight, bare: writeWithSources("a", []) };
        }""",
        answer,
    )
    text, markdown, with_sources, _ = found["copied"]
    assert text == (
        "a [1] b (https://x.example/b) ~~x z~~ y\n\n2. c\n   d\n   - e\n   f\n3. g\n\n---\n\nh\n\n"
        "i\tj\nk\tl\n\nm\n  n\n\nhttps://x.example"
    )
    assert markdown == answer
    assert with_sources.removeprefix(answer).splitlines()[-3:] == [
        "1. [A \\[moon\\] \\*](https://x.example/a_%28b%29)",
        "2. Never sent by the provider",
        "3. ftp://y.example/",
    ]
    assert found["bare"] == "a"
    assert all(found["inSight"][2:])
    assert found["said"][:3] == ["Copied"] * 3
    assert "Not allowed" in found["said"][3]


def test_a_growing_answer_is_followed_unless_the_reader_has_scrolled(
    blank: Page,
) -> None:
    """By a wheel or by the bar at the side; what is selected in it stays, also when it ends."""
    found = blank.evaluate(
        """async () => {
          const { loadMarkdown } = await import("/static/markdown.js");
          await loadMarkdown();
          const { RunView } = await import("/static/run-view.js");
          const column = document.createElement("section");
          column.append(document.createElement("div"));
          document.body.replaceChildren(column);
          Object.assign(column.style, { height: "100vh", overflow: "auto" });
          const view = new RunView(column.firstChild, { titleOf: () => "Step" });
          const step = { id: "a", status: "running", text: "", queries: [], found: [], envelope: null };
          const run = { key: "r", status: "running", steps: [step], startedAt: new Date(), label: "Run" };
          const frame = () => new Promise((resolve) => {
            requestAnimationFrame(() => { setTimeout(resolve); });
          });
          const grow = async () => {
            step.text += "word\\n\\n".repeat(60);
            view.updateStep(run, step);
            await frame();
          };
          const isAtEnd = () => {
            const { top } = column.querySelector(".answer-end").getBoundingClientRect();
            return top > 0 && top < innerHeight;
          };
          const found = [];
          view.showAlone(run);
          view.followStep(step);
          const moving = document.getAnimations().map(({ effect }) => effect.pseudoElement);
          await grow();
          found.push(isAtEnd());
          getSelection().selectAllChildren(column.querySelector(".answer p"));
          await grow();
          found.push(isAtEnd());
          column.scrollTop = 0;
          await frame();
          await grow();
          found.push(isAtEnd(), column.scrollTop);
          step.envelope = { output: { content: `${step.text}end` }, usage: {}, meta: {}, warnings: [] };
          view.updateStep(run, step);
          found.push(column.scrollTop, String(getSelection()).trim());
          // What moves is a mark, so no words are pale.
          return [...found, moving.every((mark) => mark !== null)];
        }"""
    )
    assert found == [True, True, False, 0, 0, "word", True]


def test_a_long_hostile_text_is_drawn_at_once(blank: Page) -> None:
    """No text takes more than a moment; one that is longer than any answer is shown as it is."""
    found = drawn(blank, *LONG)
    assert all(each["markup"] for each in found)
    assert found[-1]["names"] == ["p"]


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


def test_what_was_found_is_at_the_place_that_its_id_names(blank: Page) -> None:
    """Pages may arrive in any order. Of two with one id the first stays; without ids the order stays."""
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
    """Also a name that JavaScript itself uses; only the copy is changed."""
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
