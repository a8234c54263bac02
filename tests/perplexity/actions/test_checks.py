"""What is refused before it is sent, and what a refusal says: small cases, over real sockets."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import ActionContext, ConnectorError, Secret
from perplexity_connector.perplexity.connector import PerplexityConnector
from perplexity_connector.perplexity.wire import transport
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from tests.perplexity.wire.loopback import Loopback, http

CASES = json.loads(Path(__file__).with_name("checks.json").read_text(encoding="utf-8"))[
    "cases"
]


@pytest.fixture(params=["aiohttp", "httpx"])
def _transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transport."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "httpx":
        monkeypatch.setattr(transport, "find_spec", lambda _: None)


async def outcome(case: Mapping[str, Any], *, listen: bool) -> tuple[object, int]:
    """The case's output or error, and how many requests it made."""
    answer = case["answer"]
    body = json.dumps(answer.get("body")).encode()
    async with Loopback(http(answer.get("status", 500), body)) as server:
        connector = PerplexityConnector(Client(Endpoint(base_url=server.url)))
        action = connector.action(case["action"], 1)
        ctx = ActionContext(
            connection={"api_key": Secret("pplx-x")}, wants_events=listen
        )
        async with connector:
            try:
                result: object = (await action(case["input"], ctx)).output
            except ConnectorError as error:
                result = error
        return result, len(server.requests)


@pytest.mark.usefixtures("_transport")
@pytest.mark.parametrize("listen", [False, True], ids=["quiet", "listening"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_ends_as_it_states(case: Mapping[str, Any], *, listen: bool) -> None:
    """The same for each transport; a form that is refused is never sent, and `check` says the same."""
    expected = case["expect"]
    found, requests = asyncio.run(outcome(case, listen=listen))
    if "error" not in expected:
        assert isinstance(found, dict)
        assert found["results"] == expected["results"]
        return
    assert isinstance(found, ConnectorError)
    assert found.code == expected["error"]
    assert [field.pointer for field in found.fields] == expected["fields"]
    is_unsent = case["answer"].get("never_asked", False)
    assert requests == (0 if is_unsent else 1)
    checked = PerplexityConnector(Client(Endpoint())).check(
        case["action"], 1, case["input"]
    )
    assert [field.pointer for field in checked] == (
        expected["fields"] if is_unsent else []
    )
