"""A budget over real sockets: the provider never bills more than it allows."""

import asyncio
from typing import Any

import pytest

from perplexity_connector.host import Host
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import GOOD_KEY

CONNECTION: dict[str, Any] = {"connection_name": "Good", "api_key": GOOD_KEY}
SEARCH = ("execute_search", {"query": ["moon distance", "jupiter moons"]})
CHAT = (
    "create_chat_completion",
    {
        "model": "openai/gpt-6-luna",
        "messages": [{"role": "user", "content": "How far away is the Moon?"}],
        "search": "never",
        "max_tokens": 100,
    },
)
PRESET = (
    "create_chat_completion",
    {"model": "sonar", "messages": [{"role": "user", "content": "How far is it?"}]},
)


@pytest.mark.parametrize(
    ("step", "budget", "most"),
    [(SEARCH, "0.035", 3), (CHAT, "0.00007", 1), (PRESET, "0.004", None)],
)
def test_a_budget_stops_runs_before_they_are_sent(
    step: tuple[str, Any], budget: str, most: int | None
) -> None:
    """Ten runs at once: those that fit succeed, and cost no more than it. The others send nothing."""

    async def main(base_url: str) -> list[Any]:
        settings = {"perplexity": {"base_url": base_url}}
        async with Host(settings=settings, budget=budget) as host:
            run = [
                host.run("perplexity", *step, connection=CONNECTION) for _ in range(10)
            ]
            return await asyncio.gather(*run)

    with Sandbox() as sandbox:
        envelopes = asyncio.run(main(sandbox.url))
        posted = sum(request.method == "POST" for request in sandbox.requests)
    done = [each for each in envelopes if each["status"] == "succeeded"]
    refused = [each["error"]["cause"] for each in envelopes if each["error"]]
    assert 0 < len(done) < 10
    assert refused == ["budget"] * (10 - len(done))
    assert posted == len(done) * (2 if step is SEARCH else 1)
    assert most in {None, len(done)}
    costs = sum(each["usage"]["cost"]["total_cost"] for each in done)
    assert costs <= float(budget)
