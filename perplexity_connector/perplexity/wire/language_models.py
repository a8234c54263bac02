"""Read `GET /v1/models`: the models with their own names, and their prices (docs/provider.md, "Models")."""

import re
from collections.abc import Mapping

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import (
    as_number,
    as_object,
    as_objects,
    as_text,
)
from perplexity_connector.perplexity.forms.model_choices import price_of_tokens

PATH = "/v1/models"

# An id becomes the value of a form's field, which has at most 200 characters.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+/-]{0,199}")
_HIGHEST_PRICE = 1_000_000
_LOWEST_PRICE = 1e-6


def prices_from_answer(answer: JsonValue) -> Mapping[str, str]:
    """Return the price of each model of an answer, in order of id.

    An entry without a usable id is skipped; a price that is missing or odd is "". Raises
    `ValueError` for an answer of another shape.
    """
    rows = as_object(answer).get("data")
    if not isinstance(rows, list):
        message = "no list of models in the answer"
        raise ValueError(message)  # noqa: TRY004 - to the caller this is one more unreadable answer
    by_id = {as_text(row.get("id")): row for row in as_objects(rows)}
    names = filter(_ID.fullmatch, sorted(by_id))
    return {name: _price(by_id[name]) for name in names}


def _price(row: JsonObject) -> str:
    pricing = as_object(row.get("pricing"))
    # The only unit that the provider is known to use. With another one the numbers mean nothing.
    if pricing.get("unit") != "usd_per_1m_tokens":
        return ""
    amount_in = _amount(pricing.get("input"))
    amount_out = _amount(pricing.get("output"))
    if not (amount_in and amount_out):
        return ""
    return price_of_tokens(amount_in, amount_out)


def _amount(value: JsonValue) -> str | None:
    price = as_number(value)
    if price == 0:
        return "0"
    # Six digits would show a lower price as free.
    if price is None or not _LOWEST_PRICE <= price <= _HIGHEST_PRICE:
        return None
    return f"{price:.6f}".rstrip("0").rstrip(".")
