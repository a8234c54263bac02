from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import (
    EachOfInput,
    EachOfStep,
    FlowStep,
    InputReference,
    ItemReference,
    Reference,
)
from perplexity_connector.host.flows.bindings import apply_bindings, binding_value
from perplexity_connector.host.flows.each import items_of
from perplexity_connector.host.flows.references import (
    NoListError,
    Values,
    missing_step,
    reference_value,
)

PAGES: list[Any] = [{"title": "A", "n": 1}, {"title": None}, {"title": "B"}, "other"]
VALUES = Values(
    outputs={"search": {"pages": PAGES, "none": None}},
    inputs={"company": {"name": "ACME"}, "tags": ["x"], "text": "t"},
    item={"title": "One"},
)


def ref(pointer: str, **fields: Any) -> Reference:
    """A reference into the output of the search."""
    return Reference(step="search", pointer=pointer, **fields)


def step(**fields: Any) -> FlowStep:
    """A step."""
    return FlowStep(**{"id": "a", "connector": "", "action": "", "input": {}, **fields})


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        (InputReference(input="/company/name"), "ACME"),
        (InputReference(input=""), VALUES.inputs),
        (InputReference(input="/tags/0"), "x"),
        (ItemReference(item="/title"), "One"),
        (ItemReference(item=""), VALUES.item),
        (ref("/pages", pluck="/title"), ["A", "B"]),
        (ref("/pages", pluck="/title", join=", "), "A, B"),
        (ref("/pages", pluck="/n", join=", "), "1"),
        (ref("/pages", pluck="/other"), []),
        (InputReference(input="/tags", join=", "), "x"),
        (ref("/none"), None),
        (ref("/none", pluck="/a", join=","), None),
        (ref("/none", default="d"), None),
        (ref("/other", default="d"), "d"),
        (ref("/other", default=None), None),
        (ref("/other", pluck="/a", default=[1]), [1]),
        (Reference(step="skipped", pointer="/a", default=0), 0),
        (ItemReference(item="/other", default=0), 0),
    ],
)
def test_a_reference_has_the_value_at_its_place(reference: Any, value: object) -> None:
    """A default counts where there is no value, and null is one."""
    assert reference_value(reference, VALUES) == value


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("/other", None), ("/company/other", None), ("/other/name", None)],
)
def test_an_input_that_was_not_given_is_null(pointer: str, value: object) -> None:
    """Its default counts before."""
    assert reference_value(InputReference(input=pointer), VALUES) is value


@pytest.mark.parametrize(
    "reference",
    [
        ref("/other"),
        Reference(step="skipped", pointer=""),
        InputReference(input="/tags/1"),
        InputReference(input="/text/a"),
        ItemReference(item="/other"),
    ],
)
def test_a_place_without_a_value_is_an_error(reference: Any) -> None:
    """At the bound place, with the code `no_value`."""
    with pytest.raises(LookupError):
        reference_value(reference, VALUES)
    _, errors = apply_bindings(step(bindings={"/a": [reference]}), VALUES, {})
    assert [(error.pointer, error.code) for error in errors] == [("/a", "no_value")]


def test_without_an_item_a_reference_to_it_has_no_value() -> None:
    """The item may be null."""
    with pytest.raises(LookupError):
        reference_value(ItemReference(item=""), Values())
    assert reference_value(ItemReference(item=""), Values(item=None)) is None


@pytest.mark.parametrize("how", [{"pluck": ""}, {"join": ""}])
def test_only_a_list_is_plucked_or_joined(how: dict[str, str]) -> None:
    """Text is not a list of letters."""
    reference = InputReference(input="/text", **how)
    with pytest.raises(NoListError):
        reference_value(reference, VALUES)
    _, errors = apply_bindings(step(bindings={"/a": ["x", reference]}), VALUES, {})
    assert [(error.pointer, error.code) for error in errors] == [("/a", "no_list")]


def test_every_wrong_reference_of_a_binding_has_an_error() -> None:
    """The right ones have none."""
    binding = [ref("/other"), ref("/pages"), InputReference(input="/text", join="")]
    _, errors = apply_bindings(step(bindings={"/a": binding}), VALUES, {})
    assert [error.code for error in errors] == ["no_value", "no_list"]


def test_in_a_text_a_plucked_list_has_a_line_for_each_item() -> None:
    """Unless `join` says otherwise; any other list is JSON."""
    lines = ref("/pages", pluck="/title")
    joined = ref("/pages", pluck="/title", join=" + ")
    tags = InputReference(input="/tags")
    assert binding_value(["<", lines, ">"], VALUES) == "<A\nB>"
    assert binding_value(["<", joined, ">"], VALUES) == "<A + B>"
    assert binding_value(["<", tags, ">"], VALUES) == '<["x"]>'
    assert binding_value([lines], VALUES) == ["A", "B"]


@given(st.lists(st.none() | st.fixed_dictionaries({"a": st.text() | st.none()})))
def test_plucking_keeps_the_order_and_drops_what_is_missing(items: list[Any]) -> None:
    """The joined text has the same parts."""
    values = Values(outputs={"search": items})
    found = [item["a"] for item in items if item and item["a"] is not None]
    assert reference_value(ref("", pluck="/a"), values) == found
    assert reference_value(ref("", pluck="/a", join="|"), values) == "|".join(found)


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, None),
        ({"each": EachOfStep(step="gone", pointer="")}, "gone"),
        ({"each": EachOfStep(step="search", pointer="")}, None),
        ({"each": EachOfInput(input="")}, None),
        ({"bindings": {"/a": ["x", ref("")]}}, None),
        ({"bindings": {"/a": [Reference(step="gone", pointer="")]}}, "gone"),
        ({"bindings": {"/a": [Reference(step="gone", pointer="", default=1)]}}, None),
        ({"bindings": {"/a": [InputReference(input="")]}}, None),
    ],
)
def test_a_step_needs_the_outputs_that_it_refers_to_without_a_default(
    fields: dict[str, Any], missing: str | None
) -> None:
    """One that is missing makes it a step to skip."""
    assert missing_step(step(**fields), VALUES.outputs) == missing


@pytest.mark.parametrize(
    ("each", "items", "codes"),
    [
        (None, [], []),
        (EachOfStep(step="search", pointer="/pages"), PAGES, []),
        (EachOfStep(step="search", pointer="/pages", max=4), PAGES, []),
        (EachOfStep(step="search", pointer="/pages", max=3), [], ["maxItems"]),
        (EachOfStep(step="search", pointer="/page"), [], ["no_value"]),
        (EachOfStep(step="search", pointer="/none"), [], ["no_list"]),
        (EachOfInput(input="/tags"), ["x"], []),
        (EachOfInput(input="/text"), [], ["no_list"]),
        (EachOfInput(input="/other"), [], ["no_list"]),
    ],
)
def test_a_step_runs_for_the_items_of_its_list(
    each: Any, items: list[Any], codes: list[str]
) -> None:
    """A list that is too long, and a value that is not a list, run for none."""
    given, errors = items_of(step(each=each), VALUES)
    assert given == items
    assert [error.code for error in errors] == codes
