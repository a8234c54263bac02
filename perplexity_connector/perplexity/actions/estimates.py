"""The price of a run before it is sent. Pure: from the input, and from dated prices.

A run is priced if its cost has an upper bound by the provider's price list: a search, or a model
without tools whose answer has a limit. Any other run is open-ended: its price is a shipped
figure, and it may cost more (docs/provider.md, "Prices").
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

from perplexity_connector.contract import CostEstimate, JsonObject
from perplexity_connector.perplexity.actions.inputs import read_fields
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.forms.model_aliases import effort_of
from perplexity_connector.perplexity.forms.model_choices import PRICES
from perplexity_connector.perplexity.wire import agent_request, search
from perplexity_connector.perplexity.wire.list_prices import (
    SEARCH_TYPE,
    price_of_searches,
)

# USD for a run of each preset, of 2026-11-26. The first three are above the costs of recorded short
# answers; the other three are estimated.
_FIGURES: Mapping[str, float] = {
    "fast": 0.0018,
    "low": 0.02,
    "medium": 0.03,
    "high": 1.0,
    "xhigh": 2.0,
    "wide-research": 2.0,
}
# USD for a run without a figure.
_UNKNOWN = 1.0
# Most texts have about so many bytes in a token; none has more tokens than bytes.
_BYTES_OF_TOKEN = 4


def estimate(action_id: str, input: JsonObject) -> CostEstimate:
    """Return the price of a run. Raises `ConnectorError` (`invalid_input`)."""
    if action_id == "execute_search":
        return _of_search(read_fields(SearchInput, input))
    return _of_chat(read_fields(ChatInput, input))


def _of_search(form: SearchInput) -> CostEstimate:
    """Return the list price of each query."""
    price = price_of_searches(form.search_type, len(search.queries(form)))
    group = form.search_type or SEARCH_TYPE
    return CostEstimate(likely=price, worst=price, basis="list_price", group=group)


def _of_chat(form: ChatInput) -> CostEstimate:
    """Return the price of a chat: of its tokens where it has a bound, else the figure of its preset."""
    model = form.model.strip()
    models = [model, *(form.fallback_models or ())]
    if form.max_tokens is not None and _is_priced(form, models):
        return _priced(form, models, form.max_tokens)
    figure = _FIGURES.get(effort_of(model) or "", _UNKNOWN)
    return CostEstimate(likely=figure, worst=figure, basis="estimate", group=model)


def _is_priced(form: ChatInput, models: Sequence[str]) -> bool:
    has_more = (
        form.search != "never"
        or form.tools
        or form.previous_response_id
        or any(message.images for message in form.messages)
    )
    return not has_more and all(model in PRICES for model in models)


def _priced(form: ChatInput, models: Sequence[str], most_out: int) -> CostEstimate:
    """Return the price of all tokens at the dearest of the models."""
    body = agent_request.request_body(form)
    most_in = len(json.dumps(body))
    price_in = max(Decimal(PRICES[model][0]) for model in models)
    price_out = max(Decimal(PRICES[model][1]) for model in models)

    def price(tokens_in: int) -> float:
        return float((tokens_in * price_in + most_out * price_out) / 1_000_000)

    return CostEstimate(
        likely=price(most_in // _BYTES_OF_TOKEN),
        worst=price(most_in),
        basis="list_price",
        group=models[0],
    )
