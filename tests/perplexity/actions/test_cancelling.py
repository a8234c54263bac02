"""A run is stopped at the provider while no action runs, through the connector."""

import asyncio
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import ConnectorError, RunCanceller
from perplexity_connector.perplexity.actions import cancelling
from perplexity_connector.perplexity.connector import PerplexityConnector
from tests.perplexity.actions.test_create_chat_completion import never
from tests.perplexity.actions.wire import RUN_ID, Listener, Provider, plain, refusal

CHAT = ("create_chat_completion", 1)
STATE: dict[str, Any] = {"response_id": RUN_ID, "shown": 0}


def stop(
    provider: Provider, action: tuple[str, int] = CHAT, state: Any = STATE
) -> bool:
    """Whether the run of a checkpoint was stopped. The host gives no turn to any request."""

    async def main() -> bool:
        connector = PerplexityConnector(provider.client())
        assert isinstance(connector, RunCanceller)
        async with connector:
            ctx = Listener().context(permit=never)
            return await connector.cancel_run(*action, state, ctx)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [(plain({}), True), (refusal(400), False), (refusal(500), False)],
)
def test_a_chat_is_stopped_with_one_request(
    answer: httpx.Response, accepted: bool
) -> None:
    """It waits for no turn: a run that no one waits for costs money meanwhile."""
    provider = Provider(answer)
    assert stop(provider) is accepted
    assert provider.asked == [("POST", f"/v1/agent/{RUN_ID}/cancel")]


def test_a_provider_that_does_not_answer_has_not_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is waited for no longer than two seconds."""
    assert cancelling._CANCEL_SECONDS == 2
    monkeypatch.setattr(cancelling, "_CANCEL_SECONDS", 0)

    async def silent(_: httpx.Request) -> httpx.Response:
        return await asyncio.Future()

    async def main() -> bool:
        client = Provider().client()
        client._transport = httpx.MockTransport(silent)
        async with client:
            return await cancelling.cancel_chat(client, STATE, Listener().context())

    assert asyncio.run(main()) is False


def test_a_search_has_nothing_to_stop() -> None:
    """It ends with its requests; nothing is asked."""
    provider = Provider()
    assert stop(provider, ("execute_search", 1), {"finished": {}}) is True
    assert provider.asked == []


@pytest.mark.parametrize("state", [{}, {"response_id": "../x"}])
def test_a_checkpoint_without_a_run_is_refused(state: object) -> None:
    """Nothing is asked."""
    provider = Provider()
    with pytest.raises(ConnectorError) as caught:
        stop(provider, CHAT, state)
    assert (caught.value.code, provider.asked) == ("invalid_input", [])


def test_a_host_can_forbid_it() -> None:
    """Another process follows the run now, or the host will come back for it."""

    async def no() -> bool:
        return False

    async def main() -> bool:
        async with provider.client() as client:
            ctx = Listener().context(may_stop=no)
            return await cancelling.cancel_chat(client, STATE, ctx)

    provider = Provider(plain({}))
    assert asyncio.run(main()) is False
    assert provider.asked == []
