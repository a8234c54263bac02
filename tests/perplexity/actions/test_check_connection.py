"""The test of a connection: against the sandbox and raw servers over real sockets, and against a scripted provider."""

import asyncio
import logging
import re
import socket
import time
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import ActionContext, ConnectionStatus, Secret
from perplexity_connector.perplexity.actions import check_connection
from perplexity_connector.perplexity.actions.check_connection import examine
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from perplexity_connector.sandbox import Sandbox, keys
from tests.perplexity.actions.wire import Provider, plain, refusal
from tests.perplexity.wire.loopback import Loopback, hang_up, http, reset, silence, then

MODELS = plain({"object": "list", "data": [{"id": "perplexity/sonar"}]})
NO_RUN = refusal(404, "not_found")
HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"
PAGE = http(200, HTML, "content-type: text/html")
SENTINEL = "pplx-sentinel-0123456789abcdef"


async def at(base_url: str, key: str = keys.GOOD_KEY, **more: Any) -> ConnectionStatus:
    """What a test over the network finds."""
    async with Client(Endpoint(base_url=base_url)) as client:
        return await examine(
            client, ActionContext(connection={"api_key": Secret(key)}, **more)
        )


def scripted(
    *answers: httpx.Response, **more: Any
) -> tuple[ConnectionStatus, Provider]:
    """What a test against a script finds, and the script."""
    provider = Provider(*answers)
    ctx = ActionContext(**{"connection": {"api_key": Secret(keys.GOOD_KEY)}, **more})

    async def main() -> ConnectionStatus:
        async with provider.client() as client:
            return await examine(client, ctx)

    return asyncio.run(main()), provider


def raw(*answers: Any, **more: Any) -> tuple[ConnectionStatus, list[str]]:
    """What a test against a raw server finds, and the first lines of the requests that it got."""

    async def main() -> tuple[ConnectionStatus, list[str]]:
        async with Loopback(*answers) as server:
            found = await at(server.url, **more)
            return found, [head.splitlines()[0] for head, _ in server.requests]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("key", "outcome", "requests"),
    [
        (keys.GOOD_KEY, "ok", 2),
        (keys.WRONG_KEY, "invalid_credentials", 1),
        ("pplx-unknown", "invalid_credentials", 1),
        (keys.NO_CREDIT_KEY, "quota_exhausted", 1),
        (keys.ORGANISATION_KEY, "permission_denied", 2),
        (keys.RATE_LIMITED_KEY, "rate_limited", 1),
        (keys.ALWAYS_LIMITED_KEY, "rate_limited", 1),
    ],
)
def test_each_test_key_has_its_outcome_and_nothing_is_posted(
    key: str, outcome: str, requests: int
) -> None:
    """At most two GETs, nothing billed, and credit is checked only where it is known to be gone."""
    with Sandbox() as sandbox:
        status = asyncio.run(at(sandbox.url, key))
    assert status.outcome == outcome
    assert status.credit_checked == (outcome == "quota_exhausted")
    assert [record.method for record in sandbox.requests] == ["GET"] * requests
    assert [record.fields for record in sandbox.requests] == [()] * requests
    assert (sandbox.billed_runs, sandbox.billed_searches) == (0, 0)


def test_the_requests_are_the_models_and_a_run_that_nobody_began() -> None:
    """A well-formed id, another one each time."""
    with Sandbox() as sandbox:
        for _ in range(2):
            assert asyncio.run(at(sandbox.url)).outcome == "ok"
    models, first, again, second = [record.path for record in sandbox.requests]
    assert models == again == "/v1/models"
    assert all(
        re.fullmatch("/v1/agent/resp_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one)
        for one in (first, second)
    )
    assert first != second
    assert sandbox.requests[1].status == 404


def test_a_base_url_with_another_path_is_unknown() -> None:
    """A 404 for the models is no good one, though it is the provider's own JSON."""
    with Sandbox() as sandbox:
        status = asyncio.run(at(f"{sandbox.url}/elsewhere"))
    assert (status.outcome, status.http_status) == ("unknown", 404)
    assert "base URL" in status.next_step


def test_a_closed_port_is_unreachable() -> None:
    """Nobody listens there any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    status = asyncio.run(at(f"http://127.0.0.1:{port}"))
    assert (status.outcome, status.http_status) == ("unreachable", None)


def test_an_account_with_one_request_a_second_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new account's good key is found good, with two requests."""
    ahead = [0.0]

    async def pause(seconds: float) -> None:
        ahead[0] += seconds

    monkeypatch.setattr(check_connection, "sleep", pause)
    with Sandbox(clock=lambda: time.time() + ahead[0]) as sandbox:
        status = asyncio.run(at(sandbox.url, keys.ONE_PER_SECOND_KEY))
    assert status.outcome == "ok"
    assert [record.status for record in sandbox.requests] == [200, 404]
    assert 0 < ahead[0] <= 3


@pytest.mark.parametrize("remaining", ["0", "1"])
def test_a_wait_that_is_long_or_not_needed_is_none(
    monkeypatch: pytest.MonkeyPatch, remaining: str
) -> None:
    """The answer to the second request then says what there is to say; the host hears of every rate."""
    monkeypatch.setattr(check_connection, "sleep", None)
    far = str(int(time.time()) + 60)
    headers = {
        "x-ratelimit-limit": "1",
        "x-ratelimit-remaining": remaining,
        "x-ratelimit-reset": far,
    }
    models = httpx.Response(200, headers=headers, stream=MODELS.stream)
    heard: list[int | None] = []
    status, provider = scripted(
        models, refusal(429), observe_limit=lambda limit, *_: heard.append(limit)
    )
    assert status.outcome == "rate_limited"
    assert len(provider.asked) == 2
    assert heard == [1, None]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([MODELS, NO_RUN], "ok"),
        ([plain({"data": []}), NO_RUN], "ok"),
        # A list that needs no key, as it is documented: the second look finds the bad key.
        ([MODELS, refusal(401, "invalid_api_key")], "invalid_credentials"),
        ([MODELS, refusal(401, "insufficient_quota")], "quota_exhausted"),
        ([MODELS, refusal(403, "forbidden")], "permission_denied"),
        ([MODELS, refusal(503)], "unreachable"),
        ([MODELS, plain({"detail": "Not Found"}, 404)], "unknown"),
        ([MODELS, plain({"id": "resp_1", "status": "completed"})], "unknown"),
        ([plain({"models": []})], "unknown"),
        ([plain([])], "unknown"),
        ([plain({}, 302)], "unknown"),
        ([refusal(404, "not_found")], "unknown"),
        ([refusal(500)], "unreachable"),
    ],
)
def test_each_answer_has_its_outcome(
    answers: list[httpx.Response], outcome: str
) -> None:
    """Nothing is asked after an answer that settles it."""
    status, provider = scripted(*answers)
    assert status.outcome == outcome
    assert [method for method, _ in provider.asked] == ["GET"] * len(answers)


@pytest.mark.parametrize(
    "key", ["", "   ", "two words", "pplx-\u2013dash", "line\nfeed"]
)
def test_a_key_that_cannot_be_sent_is_no_valid_credential(key: str) -> None:
    """And nothing is sent."""
    status, provider = scripted(MODELS, connection={"api_key": Secret(key)})
    assert (status.outcome, status.http_status) == ("invalid_credentials", None)
    assert provider.asked == []


def test_a_connection_without_a_key_is_no_valid_credential() -> None:
    """A missing one is as good as an empty one."""
    status, _ = scripted(MODELS, connection={})
    assert status.outcome == "invalid_credentials"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (PAGE, "unknown"),
        (http(404, HTML, "content-type: text/html"), "unknown"),
        (http(403, HTML, "content-type: text/html"), "unknown"),
        (http(302, b"", "location: https://login.example/"), "unknown"),
        (http(401, HTML, "content-type: text/html"), "invalid_credentials"),
        (http(502, HTML, "content-type: text/html"), "unreachable"),
        (hang_up, "unreachable"),
        (reset, "unreachable"),
    ],
)
def test_whatever_else_answers_has_its_outcome(answer: object, outcome: str) -> None:
    """A wrong base URL, a proxy's page, a broken line; one request, and no redirect is followed."""
    status, requests = raw(answer)
    assert status.outcome == outcome
    assert requests == ["GET /v1/models HTTP/1.1"]
    assert outcome != "unknown" or "base URL" in status.next_step


@pytest.mark.parametrize(
    "answer", [silence, then(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", silence)]
)
def test_a_server_that_stalls_is_unreachable_by_the_tests_own_clock(
    monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    """Before its headers, or within its body; the settings would wait for two minutes."""
    monkeypatch.setattr(check_connection, "_SECONDS", 0.05)
    status, requests = raw(answer)
    assert status.outcome == "unreachable"
    assert len(requests) == 1


def test_the_tests_own_clock_is_under_ten_seconds() -> None:
    """As it is promised."""
    assert check_connection._SECONDS < 10


def test_a_deadline_that_comes_first_ends_the_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The caller's time is honoured."""
    monkeypatch.setattr(check_connection, "_SECONDS", 600.0)

    async def main() -> ConnectionStatus:
        async with asyncio.timeout(20), Loopback(silence) as server:
            return await at(server.url, deadline=time.monotonic() + 0.05)

    assert asyncio.run(main()).outcome == "unreachable"


def test_a_cancelled_test_stays_cancelled() -> None:
    """It is no verdict."""

    async def main() -> None:
        async with Loopback(silence) as server:
            task = asyncio.create_task(at(server.url))
            await server.asked.wait()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

    asyncio.run(main())


def test_the_key_is_in_no_status_and_in_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever the server echoes of it."""
    caplog.set_level(logging.DEBUG)
    echo = {
        "error": {"message": SENTINEL, "type": SENTINEL, "code": 401, "param": SENTINEL}
    }
    for status in (401, 403, 404, 429, 500, 302, 200):
        headers = {
            "x-request-id": SENTINEL,
            "location": f"https://x.example/?{SENTINEL}",
        }
        answer = httpx.Response(status, headers=headers, stream=plain(echo).stream)
        found, provider = scripted(answer, connection={"api_key": Secret(SENTINEL)})
        assert len(provider.asked) == 1
        assert SENTINEL not in f"{found!r} {found.to_dict()}"
    found, _ = raw(http(401, SENTINEL.encode()), key=SENTINEL)
    assert SENTINEL not in f"{found!r} {found.to_dict()} {caplog.text}"
    assert caplog.records
