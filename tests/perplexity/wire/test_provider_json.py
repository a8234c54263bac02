"""The provider's JSON, also with values that cannot be used."""

import json
import math
from typing import Any

import pytest
from hypothesis import given

from perplexity_connector.perplexity.wire.provider_json import (
    has_unusable_number,
    read_json,
)
from tests.perplexity.wire.streams import json_values


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_a_body_that_is_not_json_is_a_value_error(body: bytes) -> None:
    """Also where it breaks off deep inside."""
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        read_json(body)


@pytest.mark.parametrize("digits", [400, 4300, 5000, 100_000])
def test_a_number_of_many_digits_does_not_lose_the_rest(digits: int) -> None:
    """Python refuses to read it, or reads it as a number beyond a double."""
    body = b'{"a": [1, ' + b"7" * digits + b'], "b": "x"}'
    found: Any = read_json(body)
    assert found["a"][0] == 1
    assert found["b"] == "x"
    assert has_unusable_number(found) == (digits > 308)


@pytest.mark.parametrize("depth", [101, 2000, 100_000])
def test_a_value_that_is_nested_too_deeply_does_not_lose_the_rest(depth: int) -> None:
    """It reads as a number that cannot be used, whatever its text has in it."""
    deep = b'{"[\\"{":' * depth + b"[]" + b"}" * depth
    found: Any = read_json(b'{"a": ' + deep + b', "b": "x]"}')
    assert found["b"] == "x]"
    if depth > 1000:
        assert has_unusable_number(found)


@pytest.mark.parametrize(
    ("value", "is_unusable"),
    [
        ({"a": [1, -2.5, True, None, "x", {}]}, False),
        ({"a": [{"b": math.inf}]}, True),
        ([-(10**400)], True),
        (math.nan, True),
        ("inf", False),
    ],
)
def test_a_number_beyond_a_double_is_found_anywhere(
    value: Any, is_unusable: bool
) -> None:
    """In lists, in objects, and alone."""
    assert has_unusable_number(value) is is_unusable


@given(json_values)
def test_usable_json_is_read_as_it_is(value: object) -> None:
    """Only values that JSON does not have are refused."""
    try:
        body = json.dumps(value, allow_nan=False).encode()
    except ValueError:
        return
    assert read_json(body) == value
