from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_connector.contract import Flow
from perplexity_connector.host.flows.inputs import InputForm

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "company": {"type": "string"},
        "count": {"$ref": "#/$defs/count"},
        "tone": {"enum": ["warm", "cool"], "default": "warm"},
        "names": {"type": "array", "items": {"type": "string"}},
        "since": {"type": ["string", "null"], "format": "date"},
        "any": {},
    },
    "required": ["company"],
    "$defs": {"count": {"type": "integer", "minimum": 1}},
}


def prepared(given: Any, schema: Any = SCHEMA) -> tuple[Any, list[tuple[str, str]]]:
    """The values of inputs, and their errors without the words."""
    flow = Flow(flow_version=2, inputs=schema, steps=[])
    values, errors = InputForm(flow).prepare(given)
    return values, [(error.pointer, error.code) for error in errors]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"company": "A"}, {}),
        ({"company": "A", "tone": "cool"}, {"tone": "cool"}),
        ({"company": "A", "count": "3"}, {"count": 3}),
        ({"company": "A", "count": 3}, {"count": 3}),
        ({"company": "A", "names": '["B"]'}, {"names": ["B"]}),
        ({"company": "A", "names": []}, {"names": []}),
        ({"company": "A", "count": " ", "tone": "", "since": ""}, {}),
        ({"company": "A", "count": None, "tone": None, "names": None}, {}),
        ({"company": "A", "since": None}, {"since": None}),
        ({"company": "A", "any": "5"}, {"any": "5"}),
    ],
)
def test_inputs_are_read_by_their_schema(given: Any, values: dict[str, Any]) -> None:
    """Blanks count as not given, and an input that is not given has its default."""
    expected = {"tone": "warm", "company": "A", **values}
    assert prepared(given) == (expected, [])


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (None, [("/company", "required")]),
        ({"company": " "}, [("/company", "required")]),
        ({"company": "A", "count": "many"}, [("/count", "type")]),
        ({"company": "A", "count": 0}, [("/count", "minimum")]),
        ({"company": "A", "conut": 1}, [("/conut", "unknown_field")]),
        ({"company": "A", "tone": "icy"}, [("/tone", "enum")]),
        ({"company": "A", "any": object()}, [("/any", "type")]),
        ([], [("", "type")]),
        ("A", [("", "type")]),
    ],
)
def test_wrong_inputs_have_errors_with_pointers_into_them(
    given: Any, errors: list[tuple[str, str]]
) -> None:
    """All at once, each once."""
    assert prepared(given)[1] == errors


def test_a_name_that_is_almost_an_input_is_named() -> None:
    """Also where the schema has `additionalProperties: false`, and then once."""
    for schema in (SCHEMA, SCHEMA | {"additionalProperties": False}):
        flow = Flow(flow_version=2, inputs=schema, steps=[])
        _, errors = InputForm(flow).prepare({"company": "A", "conut": 1})
        assert ["count" in error.message for error in errors] == [True]


def test_a_schema_of_the_other_inputs_allows_any_name() -> None:
    """Their values are read and checked by it."""
    schema = SCHEMA | {"additionalProperties": {"type": "string"}}
    assert prepared({"company": "A", "more": "x"}, schema)[1] == []
    assert prepared({"company": "A", "more": 1}, schema)[1] == [("/more", "type")]


def test_a_flow_without_inputs_takes_none() -> None:
    """Nothing is fine."""
    assert prepared(None, None) == ({}, [])
    assert prepared({}, None) == ({}, [])
    assert prepared({"a": 1}, None)[1] == [("/a", "unknown_field")]


def test_an_open_schema_takes_any_input() -> None:
    """It lists no names."""
    assert prepared({"a": "1"}, {"type": "object"}) == ({"a": "1"}, [])


def test_a_form_is_made_once_for_many_runs() -> None:
    """A row of a table is not seen by the next one."""
    form = InputForm(Flow(flow_version=2, inputs=SCHEMA, steps=[]))
    assert form.prepare({"company": "A", "count": "1"})[0]["count"] == 1
    assert "count" not in form.prepare({"company": "B"})[0]


JSON: Any = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([])
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "x"]), JSON))
def test_prepared_inputs_stay_the_same_when_prepared_again(given: Any) -> None:
    """They are right already, or wrong in the same way."""
    values, errors = prepared(given)
    again, same = prepared(values)
    assert errors or (again, same) == (values, [])
