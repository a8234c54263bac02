"""`GET /v1/models`: the models that can be asked for by their own name, as options of a form."""

import re
from collections.abc import Sequence

from perplexity_connector.contract import JsonObject, JsonValue, Option
from perplexity_connector.contract.json import as_number, as_object, as_objects, as_text
from perplexity_connector.perplexity.forms.model_aliases import described_model

PATH = "/v1/models"

# An id becomes a value of the form, which has at most 200 characters.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+/-]{0,199}")
_HIGHEST_PRICE = 1_000_000


def found(answer: JsonValue) -> Sequence[Option]:
    """The models of an answer, each once, in order of id. Raises `ValueError` for an answer of another shape.

    An entry whose id is none is passed over; a price that is missing or odd is left out.
    """
    rows = as_object(answer).get("data")
    if not isinstance(rows, list):
        message = "no list of models in the answer"
        raise ValueError(message)  # noqa: TRY004 - to the caller this is one more unreadable answer
    by_id = {as_text(row.get("id")): row for row in as_objects(rows)}
    return [
        described_model(name, _price(by_id[name]))
        for name in sorted(by_id)
        if _ID.fullmatch(name)
    ]


def _price(row: JsonObject) -> str:
    pricing = as_object(row.get("pricing"))
    amounts = [_amount(pricing.get("input")), _amount(pricing.get("output"))]
    # The one unit that was recorded; in any other, or in none, the numbers cannot be told.
    if pricing.get("unit") != "usd_per_1m_tokens" or None in amounts:
        return ""
    return "${} in, ${} out per 1M tokens.".format(*amounts)


def _amount(value: JsonValue) -> str | None:
    price = as_number(value)
    if price is None or not 0 <= price <= _HIGHEST_PRICE:
        return None
    return f"{price:.6f}".rstrip("0").rstrip(".")
