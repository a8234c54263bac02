import asyncio

from perplexity_connector.contract import ActionContext, CostEstimate


def test_an_estimate_is_open_ended_unless_it_says_otherwise() -> None:
    """A connector that forgets the basis must not make a bound of a guess."""
    found = CostEstimate(likely=1, worst=2)
    assert (found.currency, found.basis, found.group) == ("USD", "estimate", "")


def test_a_host_without_an_opinion_lets_a_run_be_stopped() -> None:
    """A plain pluggy host builds a context without it."""

    async def ask() -> bool:
        return await ActionContext().may_stop()

    assert asyncio.run(ask()) is True
