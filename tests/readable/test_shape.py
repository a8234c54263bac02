import pytest

from perplexity_connector.contract import JsonValue
from perplexity_connector.readable.shape import as_list, as_number, as_object, as_text


@pytest.mark.parametrize("value", [None, True, 1, "text", [1]])
def test_what_is_no_object_reads_as_an_empty_one(value: JsonValue) -> None:
    """A reader of an object needs no checks of its own."""
    assert as_object(value) == {}


@pytest.mark.parametrize("value", [None, True, 1, "text", {"a": 1}])
def test_what_is_no_list_reads_as_an_empty_one(value: JsonValue) -> None:
    """A text is no list of its letters."""
    assert list(as_list(value)) == []


@pytest.mark.parametrize("value", [None, True, 1, [1], {"a": 1}])
def test_what_is_no_text_reads_as_none(value: JsonValue) -> None:
    """Nothing is turned into text by accident."""
    assert as_text(value) == ""


@pytest.mark.parametrize(("value", "number"), [(1, 1), (0.5, 0.5), (True, None), ("1", None), (None, None)])
def test_only_numbers_read_as_numbers(value: JsonValue, number: float | None) -> None:
    """True is not 1."""
    assert as_number(value) == number
