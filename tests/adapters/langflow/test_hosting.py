"""The host that nodes share."""

import asyncio

import pytest

from perplexity_connector.adapters.langflow.hosting import described, shared_host
from perplexity_connector.host import Host


def test_nodes_on_one_loop_share_a_host_that_is_closed_with_the_loop() -> None:
    """Another loop has another."""

    async def twice() -> tuple[Host, Host]:
        return await shared_host(), await shared_host()

    first, again = asyncio.run(twice())
    other, _ = asyncio.run(twice())
    assert first is again
    assert other is not first
    with pytest.raises(RuntimeError):
        asyncio.run(first.run("perplexity", "execute_search", {}))


def test_an_action_is_described_once() -> None:
    """Langflow asks at every run."""
    assert described("perplexity", "execute_search") is described(
        "perplexity", "execute_search"
    )
