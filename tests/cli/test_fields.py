from typing import Any

import pytest

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.fields import apply_assignments, parse_object
from perplexity_connector.contract import JsonObject, JsonValue
from tests.cli.fakes import INPUT_SCHEMA


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("size=small", {"size": "small"}),
        ("size=12", {"size": "12"}),
        ("size=[1]", {"size": "[1]"}),
        ("size=", {"size": ""}),
        ("query=a=b", {"query": "a=b"}),
        ('query=["a", "b"]', {"query": ["a", "b"]}),
        ("query=[2024]", {"query": "[2024]"}),
        ("query:=[2024]", {"query": [2024]}),
        ('query:="[2024] in review"', {"query": "[2024] in review"}),
        ("size:=12", {"size": 12}),
        ("options.depth:=null", {"options": {"depth": None}}),
        ("messages.0.content:=[]", {"messages": [{"content": []}]}),
        ("messages.0.content=[1] says", {"messages": [{"content": "[1] says"}]}),
        ('query={"a": 1}', {"query": '{"a": 1}'}),
        ("query=true", {"query": "true"}),
        ("stream=true", {"stream": True}),
        ("stream=yes", {"stream": "yes"}),
        ("options.depth=3", {"options": {"depth": 3}}),
        ('options={"depth": 3}', {"options": {"depth": 3}}),
        ("options.depth=NaN", {"options": {"depth": "NaN"}}),
        ("options.depth=1e999", {"options": {"depth": "1e999"}}),
        ("options.depth=1.5", {"options": {"depth": 1.5}}),
        (f"options={'[' * 100_000}", {"options": "[" * 100_000}),
        ("messages.0.content=5", {"messages": [{"content": "5"}]}),
        ("messages.role=user", {"messages": {"role": "user"}}),
        ("nothing.such=7", {"nothing": {"such": 7}}),
        ("nothing=like it", {"nothing": "like it"}),
    ],
)
def test_a_value_is_read_as_its_schema_asks(
    assignment: str, expected: JsonValue
) -> None:
    """Text for a string, JSON elsewhere and after `:=`; other text stays, for validation to point at."""
    assert apply_assignments({}, [assignment], INPUT_SCHEMA) == expected


def test_a_type_may_be_a_list_of_types() -> None:
    """Not every connector's schema keeps to one type per field."""
    schema = {
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": ["integer", "null"]},
        }
    }
    assert apply_assignments({}, ["a=1", "b=1"], schema) == {"a": "1", "b": 1}


def test_fields_are_put_in_order_on_top_of_what_is_there() -> None:
    """They replace its values, siblings stay, and the document given is not changed."""
    base: Any = {
        "query": "a",
        "options": {"depth": 1, "width": 2},
        "messages": [{"content": "x"}],
    }
    expected: Any = {
        "query": "b",
        "options": {"depth": 9, "width": 2},
        "messages": [{"content": "y"}, {"content": "z"}],
    }
    assignments: Any = [
        "query=b",
        "options.depth=9",
        "messages.0.content=y",
        "messages.1.content=z",
    ]
    assert apply_assignments(base, assignments, INPUT_SCHEMA) == expected
    assert base == {
        "query": "a",
        "options": {"depth": 1, "width": 2},
        "messages": [{"content": "x"}],
    }


LISTS: JsonObject = {
    "properties": {
        "query": INPUT_SCHEMA["properties"]["query"],
        "sites": {"type": ["array", "null"], "items": {"type": "string"}},
        "years": {"type": "array", "items": {"type": "integer"}},
        "size": {"type": "string"},
        "nothing": {},
    }
}


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        (["query=a"], {"query": "a"}),
        (["query=a", "size=s", "query=b"], {"query": ["a", "b"], "size": "s"}),
        (['query=["a", "b"]', "query=c"], {"query": ["a", "b", "c"]}),
        (["query=1", "query:=2"], {"query": ["1", 2]}),
        (["sites=a"], {"sites": ["a"]}),
        (["sites=2024"], {"sites": ["2024"]}),
        (["sites="], {"sites": ""}),
        (["sites=null"], {"sites": None}),
        (["sites=a", "sites=b"], {"sites": ["a", "b"]}),
        (["years=1"], {"years": [1]}),
        (["years=x"], {"years": "x"}),
        (["years=1", "years=[2, 3]"], {"years": [1, 2, 3]}),
    ],
)
def test_a_repeated_field_becomes_a_list(
    assignments: list[str], expected: JsonObject
) -> None:
    """One value alone is text where the schema takes text, and a list where it takes only a list."""
    given: JsonObject = {"query": "from the document"}
    assert apply_assignments(given, assignments, LISTS) == {**given, **expected}


@pytest.mark.parametrize(
    ("assignments", "name"),
    [
        (["size=s", "size=m"], "size"),
        (["messages.0.content=a", "messages.0.content=b"], "messages.0.content"),
        (["options.depth=1", "options.depth:=1"], "options.depth"),
        (["pplx-secret=1", "pplx-secret=2"], ""),
    ],
)
def test_a_repeated_field_of_one_value_is_refused(
    assignments: list[str], name: str
) -> None:
    """By name, if the schema has that name; another one may be a key in the wrong place."""
    with pytest.raises(UsageError) as refused:
        apply_assignments({}, assignments, INPUT_SCHEMA)
    assert name in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "assignment", ["query", "", "=x", ":=1", "options.=1", ".depth=1", "a..b=1"]
)
def test_an_argument_that_names_no_field_is_refused(assignment: str) -> None:
    """Without `=`, or with a name that leads nowhere."""
    with pytest.raises(UsageError):
        apply_assignments({}, [assignment], INPUT_SCHEMA)


@pytest.mark.parametrize(
    "assignment",
    ["query.x=1", "messages.role=1", "messages.2.content=1", "messages.9999999=1"],
)
def test_a_field_without_a_place_is_refused(assignment: str) -> None:
    """Inside a text, beside a list's items, or beyond its end."""
    with pytest.raises(UsageError):
        apply_assignments({"query": "a", "messages": [{}]}, [assignment], INPUT_SCHEMA)


@pytest.mark.parametrize(
    ("assignment", "column"),
    [
        ("query=[2024] in review", 8),
        ('query=["a", "b"', 10),
        ('query= ["a", b]', 8),
        ('messages=[{"content": "x"}', 18),
        ('options={"depth": 3', 12),
        ("options.depth:=three", 1),
        ("size:=", 1),
        ("query:=[1] says", 5),
        ("nothing.such:={", 2),
    ],
)
def test_broken_json_is_refused_with_its_column(assignment: str, column: int) -> None:
    """Where the schema takes what it begins like, and after `:=` always: as text it would be paid for."""
    with pytest.raises(UsageError) as refused:
        apply_assignments({}, [assignment], INPUT_SCHEMA)
    assert f"column {column})" in str(refused.value)


@pytest.mark.parametrize("value", ["[" * 100_000, "[NaN]", "[1e999]"])
def test_json_that_has_no_column_is_refused_too(value: str) -> None:
    """Too deep, or with a number that JSON does not have."""
    for equals in ("=", ":="):
        with pytest.raises(UsageError):
            apply_assignments({}, [f"query{equals}{value}"], INPUT_SCHEMA)


@pytest.mark.parametrize(
    "assignment", ["pplx-secret", "query=[pplx-secret", "a:=pplx-secret"]
)
def test_a_refused_argument_is_not_repeated(assignment: str) -> None:
    """It may be a key that was pasted in the wrong place."""
    with pytest.raises(UsageError) as refused:
        apply_assignments({}, [assignment], INPUT_SCHEMA)
    assert "pplx-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        '{"a": NaN}',
        '{"a": 1e999}',
        "[" * 100_000,
        "[]",
        "3",
        '"a"',
    ],
)
def test_a_document_that_is_no_json_object_is_refused(text: str) -> None:
    """Whatever keeps it from being one."""
    with pytest.raises(UsageError):
        parse_object(text, "--input", "{}")


def test_a_document_is_taken_as_it_is() -> None:
    """Types, args and unknown fields."""
    text = '{"b": [1, null], "a": "x"}'
    assert parse_object(text, "--input", "{}") == {"b": [1, None], "a": "x"}
