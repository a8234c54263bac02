from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_connector.contract import ConnectorError
from perplexity_connector.host.spending.money import (
    NANO,
    budget_cap,
    cost_of,
    in_usd,
    nano_usd,
)

LIST_PRICE = {"total_cost": 0.005, "currency": "USD", "basis": "list_price"}


@pytest.mark.parametrize(
    ("amount", "nano"),
    [
        (5, 5 * NANO),
        ("2.50", 2_500_000_000),
        (" 1e-3 ", 1_000_000),
        (Decimal("0.000000001"), 1),
        # A part of a billionth counts as a whole one.
        ("0.0000000001", 1),
        ("1.00000000000000000000000000000001", NANO + 1),
        (0.1, 100_000_000),
        (0.1 + 0.2, 300_000_001),
        (0, 0),
        (-0.0, 0),
    ],
)
def test_an_amount_is_counted_exactly_and_never_too_low(
    amount: object, nano: int
) -> None:
    """A budget that loses a part of each cost lets more runs through than it should."""
    assert nano_usd(amount) == nano


@pytest.mark.parametrize(
    "amount",
    [
        True,
        None,
        "",
        "five",
        "1,5",
        -1,
        "-0.01",
        float("nan"),
        float("inf"),
        "1e10",
        [],
    ],
)
def test_anything_else_is_not_an_amount(amount: object) -> None:
    """A budget of infinity is none."""
    with pytest.raises(ConnectorError) as caught:
        budget_cap("budget", amount)
    assert (caught.value.code, "budget" in str(caught.value)) == ("invalid_input", True)


@settings(max_examples=50)
@given(st.decimals(0, 10**9, allow_nan=False))
def test_the_rounding_is_less_than_a_billionth(amount: Decimal) -> None:
    """Whatever the number of its decimals."""
    assert 0 <= nano_usd(amount) - Fraction(amount) * NANO < 1


@settings(max_examples=50)
@given(st.integers(0, 10**18))
def test_an_amount_in_words_is_the_amount(nano: int) -> None:
    """A message about a budget can be checked by hand."""
    words = in_usd(nano)
    assert nano_usd(words.removesuffix(" USD")) == nano
    assert len(words.removesuffix(" USD").partition(".")[2]) >= 2


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        ({"cost": LIST_PRICE}, (5_000_000, "list_price")),
        ({"cost": {"total_cost": 0.0017}}, (1_700_000, "provider")),
        # A request without an answer may have been billed.
        ({"cost": {**LIST_PRICE, "in_doubt_cost": 0.01}}, (15_000_000, "list_price")),
        ({"cost": {**LIST_PRICE, "in_doubt_cost": "?"}}, (None, "unknown")),
        ({"cost": {**LIST_PRICE, "currency": "EUR"}}, (None, "unknown")),
        ({"cost": {"total_cost": None}}, (None, "unknown")),
        ({"cost": 5}, (None, "unknown")),
        ({}, (None, "unknown")),
    ],
)
def test_the_cost_of_a_run_is_in_its_usage(usage: Any, found: object) -> None:
    """A cost that cannot be read is not known: it is not zero."""
    assert cost_of(usage) == found
