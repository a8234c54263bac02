"""`GET /v1/models` as models with prices."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire.language_models import prices_from_answer

RECORDED: dict[str, Any] = {
    "input": 0.25,
    "output": 2.5,
    "cache_read": 0.0625,
    "unit": "usd_per_1m_tokens",
}


def model(name: object, **more: Any) -> dict[str, Any]:
    """A model as it is listed."""
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "somebody",
        "pricing": RECORDED,
        **more,
    }


def price(**more: Any) -> str:
    """The price of a model that is listed like this."""
    (price,) = prices_from_answer(
        {"object": "list", "data": [model("perplexity/sonar", **more)]}
    ).values()
    return price


def test_a_model_has_its_price() -> None:
    """The numbers of the recorded shape."""
    assert prices_from_answer(
        {"object": "list", "data": [model("perplexity/sonar")]}
    ) == {"perplexity/sonar": "$0.25 in, $2.5 out per 1M tokens"}


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (3, "$3 "),
        (15.0, "$15 "),
        (0, "$0 "),
        (0.0625, "$0.0625 "),
        (1e-6, "$0.000001 "),
        (-0.0, "$0 "),
    ],
)
def test_a_price_is_written_as_people_write_it(amount: float, written: str) -> None:
    """No exponent, no zeros at the end."""
    assert price(pricing=RECORDED | {"output": amount}).endswith(
        f"{written}out per 1M tokens"
    )


@pytest.mark.parametrize(
    "pricing",
    [
        None,
        "free",
        [],
        {},
        {"input": 1, "output": 2},
        RECORDED | {"unit": "eur_per_token"},
        RECORDED | {"unit": None},
        RECORDED | {"input": None},
        RECORDED | {"input": "0.25"},
        RECORDED | {"input": True},
        RECORDED | {"output": -1},
        RECORDED | {"output": 1e300},
        RECORDED | {"output": 1e-9},
        RECORDED | {"output": {"standard": 1}},
    ],
)
def test_an_odd_price_is_left_out_and_the_model_kept(pricing: object) -> None:
    """A number whose unit is not known would be a wrong one."""
    assert price(pricing=pricing) == ""


def test_models_come_in_order_each_once_and_what_is_no_model_is_passed_over() -> None:
    """Ids that no field could take are none."""
    rows: Any = [
        model("b/2"),
        "text",
        model(None),
        model(7),
        model(""),
        model("a b"),
        model("x" * 201),
        model("<b>"),
    ]
    found = prices_from_answer({"data": [*rows, {"id": "a/1"}, model("b/2"), {}]})
    assert list(found) == ["a/1", "b/2"]


@pytest.mark.parametrize(
    "answer", [None, [], "text", {}, {"data": None}, {"data": {}}, {"error": {}}]
)
def test_another_shape_is_no_list_of_models(answer: Any) -> None:
    """It is refused, not taken for an empty list."""
    with pytest.raises(ValueError, match="no list"):
        prices_from_answer(answer)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values
        | st.from_regex("[a-z]{1,9}/[a-z0-9.-]{1,20}", fullmatch=True),
        "pricing": json_values
        | st.fixed_dictionaries(
            {
                "input": json_values,
                "output": json_values,
                "unit": st.just(RECORDED["unit"]),
            }
        ),
    },
)


@given(st.lists(rows | json_values, max_size=4))
def test_whatever_is_listed_becomes_names_that_fit_the_field(
    data: list[Any],
) -> None:
    """Never an error; plain ASCII values of at most 200 characters, each once and in order."""
    values = list(prices_from_answer({"data": data}))
    assert values == sorted(set(values))
    assert all(
        value.isascii() and value.isprintable() and 0 < len(value) <= 200
        for value in values
    )
    json.dumps(values)
