"""Each case over real sockets, by aiohttp and by httpx's own transport, listened to or not."""

import asyncio
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import ActionResult, ConnectorError
from perplexity_connector.perplexity.wire import transport
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from tests.perplexity.actions import (
    test_source_cases,
    test_stream_cases,
    test_structured_cases,
)
from tests.perplexity.actions.final_answers import WAYS, response_of
from tests.perplexity.actions.wire import Listener
from tests.perplexity.wire.loopback import Loopback, chunked, http

CHAT = "create_chat_completion"
FINAL = [
    {"action": CHAT, "input": test_source_cases.INPUT, **case}
    for case in (*test_source_cases.CASES, *test_structured_cases.ANSWERED)
]
ANSWERS = [
    *(
        (case, way, response_of(case["answer"]["response"], way))
        for case in FINAL
        for way in WAYS
    ),
    *(
        (case, way, response)
        for case in test_stream_cases.CASES
        for way, response in test_stream_cases.responses(case)
    ),
]
PARAMS = [
    pytest.param(case, response, id=f"{case['name']}-{way}")
    for case, way, response in ANSWERS
]


@pytest.fixture(params=["aiohttp", "httpx"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over aiohttp, which the `[host]` extra brings, and over httpx's own transport."""
    if request.param == "httpx":
        monkeypatch.setattr(transport, "find_spec", lambda _: None)


async def on_the_wire(response: Any) -> bytes:
    """The bytes of an answer; a stream is sent in chunks."""
    pieces = [piece async for piece in response.stream]
    if "event-stream" in response.headers.get("content-type", ""):
        return chunked(pieces, "content-type: text/event-stream")
    return http(200, b"".join(pieces), "content-type: application/json")


async def outcome(
    client: Client, case: dict[str, Any], *, listen: bool
) -> ActionResult | ConnectorError:
    """What the action returns or raises."""
    action = test_stream_cases.ACTIONS[case["action"]]
    try:
        return await action(client, case["input"], Listener().context(listen=listen))
    except ConnectorError as error:
        return error


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("listen", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize(("case", "response"), PARAMS)
def test_a_case_gives_the_expected_result_over_both_transports(
    case: dict[str, Any], response: httpx.Response, listen: bool
) -> None:
    """What the mock transport shows is what real sockets show."""

    async def main() -> ActionResult | ConnectorError:
        async with (
            Loopback(await on_the_wire(response)) as server,
            Client(Endpoint(base_url=server.url)) as client,
        ):
            return await outcome(client, case, listen=listen)

    found, expect = asyncio.run(main()), case["expect"]
    if "error" in expect:
        assert isinstance(found, ConnectorError)
        test_stream_cases.assert_failure(found, expect)
    else:
        assert isinstance(found, ActionResult)
        test_stream_cases.assert_success(found, expect)
