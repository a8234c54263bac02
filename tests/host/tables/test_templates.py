"""Templates: a name in braces is a cell where it is exactly a column, and text elsewhere."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import ConnectorError, JsonObject
from perplexity_connector.host.tables.inputs.templates import compile_templates

SCHEMA: JsonObject = {
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "messages": {
            "type": "array",
            "items": {"properties": {"content": {"type": "string"}}},
        },
    }
}


def filled(templates: dict[str, str], **cells: Any) -> Any:
    """The input of a row with these cells."""
    return compile_templates(templates, list(cells), SCHEMA)(cells)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{a}", "1"),
        ("{a} and {b c}", "1 and [2]"),
        ("{{a}}", "{a}"),
        ("{{{a}}}", "{{a}}"),
        ('{"k": {"other thing": 1}}', '{"k": {"other thing": 1}}'),
        ("{} {{x y z}} {a", "{} {{x y z}} {a"),
        ("plain", "plain"),
    ],
)
def test_only_a_whole_column_in_braces_is_a_cell(template: str, expected: str) -> None:
    """Twice the braces are the text itself."""
    assert filled({"text": template}, a="1", **{"b c": "[2]"}) == {"text": expected}


def test_a_cell_is_text_whatever_it_looks_like() -> None:
    """A list in a cell is not a list; a fixed text is read by its schema, as on the command line."""
    templates = {
        "text": "{a}",
        "count": "3",
        "tags": '["x"]',
        "messages.0.content": "Hi {a}",
        "extra:": "[1]",
    }
    assert filled(templates, a="[1]") == {
        "text": "[1]",
        "count": 3,
        "tags": ["x"],
        "messages": [{"content": "Hi [1]"}],
        "extra": [1],
    }


def test_a_cell_of_json_lines_alone_keeps_its_type() -> None:
    """Inside a text, it is written as JSON; null is empty, as is a missing one."""
    columns = ["a", "b", "c"]
    make = compile_templates({"count": "{a}", "text": "{a} {b} {c}|"}, columns, SCHEMA)
    assert make({"a": 5, "b": None}) == {"count": 5, "text": "5  |"}
    assert make({"a": True, "b": ["é"]})["text"] == 'true ["é"] |'


@pytest.mark.parametrize(
    ("templates", "words"),
    [
        ({"text": "{Company}"}, "Did you mean company"),
        ({"text": "{ company }"}, "almost"),
        ({"text": "{compny}"}, "almost"),
        ({"count:": "{company}"}, "FIELD="),
        ({"count:": "x"}, "not valid JSON"),
        ({"tags": "[1"}, "not valid JSON"),
        ({"": "x"}, "no field"),
        ({"a..b": "x"}, "no field"),
        ({"text": "a", "text.b": "x"}, "no place"),
        ({"messages.2.content": "x"}, "no place"),
    ],
)
def test_a_template_that_is_not_clear_is_refused(
    templates: dict[str, str], words: str
) -> None:
    """Before anything is paid, and without repeating it: a key may be in the wrong place."""
    with pytest.raises(ConnectorError, match=words) as caught:
        filled(templates, company="x")
    assert "compny" not in str(caught.value)


@given(
    st.dictionaries(st.sampled_from("abc"), st.text(), min_size=3, max_size=3),
    st.lists(st.sampled_from(["a", "b", "c", "{", "}", " "])),
)
def test_cells_are_never_read_again(cells: dict[str, str], parts: list[str]) -> None:
    """Braces in a cell are text. The texts around the cells stay."""
    template = "".join(
        f"{{{part}}}" if part in cells else f"<{part}>" for part in parts
    )
    expected = "".join(cells.get(part, f"<{part}>") for part in parts)
    assert filled({"text": template}, **cells) == {"text": expected}
