"""JSON that is not trusted."""

import pytest

from perplexity_connector.contract.json import (
    as_int,
    as_list,
    as_number,
    as_object,
    as_objects,
    as_text,
    load_json,
)
from perplexity_connector.perplexity.wire.dates import us_date


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html></html>",
        b"\xff",
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"[" * 100_000,
        b"1" * 5000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_json_document_is_a_value_error(body: bytes) -> None:
    """Bad UTF-8, bad JSON, constants that JSON does not have and absurd depth all end the same way."""
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        load_json(body)


def test_a_json_document_is_its_value() -> None:
    """Any value may stand at the top."""
    assert load_json(b' {"a": [1, null, "\xc3\xa9"]} ') == {"a": [1, None, "é"]}
    assert load_json(b"null") is None


def test_what_is_of_another_kind_counts_as_missing() -> None:
    """Null, numbers where texts should be, lists where objects should be: nothing raises."""
    for value in (None, 1, 1.5, True, "x", [1], {"a": 1}):
        assert as_object(value) == (value if isinstance(value, dict) else {})
        assert list(as_list(value)) == (value if isinstance(value, list) else [])
        assert as_text(value) == (value if isinstance(value, str) else "")
    assert as_objects([1, {"a": 1}, None, [{}], {}]) == [{"a": 1}, {}]


@pytest.mark.parametrize(
    ("value", "number", "whole"),
    [
        (3, 3, 3),
        (3.0, 3.0, 3),
        (3.5, 3.5, None),
        (-0.0, 0.0, 0),
        (1e300, 1e300, int(1e300)),
        (float("nan"), None, None),
        (float("inf"), None, None),
        (True, None, None),
        ("3", None, None),
        (None, None, None),
        ([3], None, None),
    ],
)
def test_numbers_are_finite_and_no_booleans(
    value: object, number: float | None, whole: int | None
) -> None:
    """What JSON could not write again counts as missing."""
    assert as_number(value) == number
    assert as_int(value) == whole


def test_a_lone_surrogate_is_replaced() -> None:
    """Text can always be encoded again."""
    assert as_text("a\ud800b") == "a?b"
    assert as_text("🌙") == "🌙"


def test_dates_go_out_the_american_way() -> None:
    """MM/DD/YYYY, with its zeros."""
    assert us_date("2026-03-09") == "03/09/2026"
