from collections.abc import Callable
from typing import Any

import httpx
import pytest

from perplexity_connector.sandbox import GOOD_KEY, TEST_KEY_PREFIX, Sandbox, keys
from perplexity_connector.sandbox.app import RETIRED_PATHS

Body = dict[str, Any]
ID = "resp_00000000-0000-4000-8000-000000000000"
EVERYWHERE = [
    ("GET", "/v1/models"),
    ("GET", f"/v1/agent/{ID}"),
    ("POST", "/v1/agent"),
    ("POST", "/search"),
]
RATE = {
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-used",
    "x-ratelimit-reset",
}


def call(
    client: httpx.Client, key: str, method: str = "GET", path: str = "/v1/models"
) -> httpx.Response:
    """One request with that key."""
    return client.request(
        method, path, headers={"Authorization": f"Bearer {key}" if key else ""}
    )


def test_every_test_key_is_plainly_a_test_key() -> None:
    """Nobody takes one for a real key."""
    named = [value for name, value in vars(keys).items() if name.endswith("_KEY")]
    assert len(named) == 7
    assert all(key.startswith(TEST_KEY_PREFIX) for key in named)


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
@pytest.mark.parametrize("key", [keys.WRONG_KEY, "pplx-0123456789", ""])
def test_a_bad_key_is_refused_everywhere(
    client: httpx.Client, key: str, method: str, path: str
) -> None:
    """The recorded body, with the line end that follows it."""
    answer = call(client, key, method, path)
    assert answer.status_code == 401
    assert answer.text == (
        '{"error":{"message":"Invalid API key provided. Ensure your API key is correct and active.",'
        '"type":"invalid_api_key","code":401}}\n'
    )


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
def test_a_key_without_credit_is_a_401_of_its_own_type(
    client: httpx.Client, method: str, path: str
) -> None:
    """Out of credits is 401, not 402."""
    answer = call(client, keys.NO_CREDIT_KEY, method, path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (
        401,
        "insufficient_quota",
    )


def test_an_organisation_key_may_only_list_models(client: httpx.Client) -> None:
    """403 elsewhere."""
    statuses = [
        call(client, keys.ORGANISATION_KEY, method, path).status_code
        for method, path in EVERYWHERE
    ]
    assert statuses == [200, 403, 403, 403]


def test_a_rate_limited_key_recovers_after_two_refusals(
    client: httpx.Client, clock: Callable[[], float]
) -> None:
    """429 twice, told when to come back by `x-ratelimit-reset` alone."""
    first, *others = [call(client, keys.RATE_LIMITED_KEY) for _ in range(4)]
    assert [first.status_code, *(other.status_code for other in others)] == [
        429,
        429,
        200,
        200,
    ]
    assert first.json()["error"]["type"] == "request_rate_limit_exceeded"
    assert 0 < int(first.headers["x-ratelimit-reset"]) - clock() <= 2
    assert "retry-after" not in first.headers


def test_an_always_limited_key_never_recovers(client: httpx.Client) -> None:
    """429 everywhere, however often it is tried."""
    answers = [
        call(client, keys.ALWAYS_LIMITED_KEY, method, path)
        for method, path in EVERYWHERE * 2
    ]
    assert {answer.status_code for answer in answers} == {429}
    assert all(
        answer.json()["error"]["type"] == "request_rate_limit_exceeded"
        for answer in answers
    )


def test_one_request_a_second_is_counted_over_all_paths(
    client: httpx.Client, clock: Any
) -> None:
    """A leaky bucket; its headers are the truth, and `remaining: 0` beside a 200 is normal."""
    first = call(client, keys.ONE_PER_SECOND_KEY)
    second = call(client, keys.ONE_PER_SECOND_KEY, "POST", "/search")
    assert (first.status_code, second.status_code) == (200, 429)
    assert {name: first.headers[name] for name in RATE - {"x-ratelimit-reset"}} == {
        "x-ratelimit-limit": "1",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-used": "1",
    }
    clock.now = float(second.headers["x-ratelimit-reset"])
    assert call(client, keys.ONE_PER_SECOND_KEY).status_code == 200


@pytest.mark.parametrize("path", RETIRED_PATHS)
def test_the_chat_paths_are_retired(client: httpx.Client, path: str) -> None:
    """The fixed 403, since 2026-09-27."""
    answer = client.post(path.replace("{id}", "x"), json={})
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "chat_completions_not_available"
    assert answer.json()["error"]["code"] == 403


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/search"), ("DELETE", "/v1/models")]
)
def test_anything_else_is_not_found(
    client: httpx.Client, method: str, path: str
) -> None:
    """Another path, or another method."""
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")


def test_every_answer_carries_a_request_id_and_the_rate_headers(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """Good, refused or unknown; the ids differ."""
    stream = {"preset": "fast", "input": "moon", "stream": True}
    answers = [
        client.get("/v1/models"),
        client.post("/v1/agent", json=stream),
        call(client, keys.WRONG_KEY),
        client.get("/nowhere"),
        client.post("/search", json={"query": "sandbox:html"}),
    ]
    assert all(set(answer.headers) >= {*RATE, "x-request-id"} for answer in answers)
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    assert len(sandbox.requests) == len(answers)


def test_the_models_are_listed_with_their_prices(client: httpx.Client) -> None:
    """One Sonar id is left."""
    listed = client.get("/v1/models").json()
    assert listed["object"] == "list"
    found = {model["id"]: model for model in listed["data"]}
    assert found["perplexity/sonar"]["pricing"]["output"] == 2.5
    assert {model["owned_by"] for model in listed["data"]} == {
        "anthropic",
        "google",
        "openai",
        "perplexity",
        "xai",
    }


def test_records_tell_keys_apart_without_keeping_them(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """A fingerprint for each, and none for no key."""
    call(client, GOOD_KEY)
    call(client, "pplx-very-secret")
    client.get("/v1/models", headers={"Authorization": ""})
    first, second, third = [record.key for record in sandbox.requests]
    assert len({first, second, third}) == 3
    assert third == "none"
    assert "very-secret" not in repr(sandbox.requests)


@pytest.mark.parametrize("path", ["/v1/agent", "/search"])
@pytest.mark.parametrize(
    ("prompt", "status", "media"),
    [
        ("html", 200, "text/html"),
        ("bad-gateway", 502, "text/html"),
        ("unavailable", 503, "application/json"),
    ],
)
def test_a_test_prompt_puts_something_else_in_place_of_the_answer(
    client: httpx.Client, path: str, prompt: str, status: int, media: str
) -> None:
    """Nothing is started and nothing billed."""
    word = f"sandbox:{prompt}"
    body = (
        {"query": word}
        if path == "/search"
        else {"input": word, "preset": "fast", "stream": True}
    )
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(media)
    state = client.get("/sandbox/state").json()
    assert (state["billed_runs"], state["billed_searches"]) == (0, 0)


def test_a_service_can_be_unavailable_once(client: httpx.Client) -> None:
    """The next attempt is good."""
    statuses = [
        client.post("/search", json={"query": "sandbox:unavailable-once"}).status_code
        for _ in range(3)
    ]
    assert statuses == [503, 200, 200]


def test_a_first_byte_can_be_slow(sandbox: Sandbox, client: httpx.Client) -> None:
    """The run is started and billed before the headers come."""
    assert client.post(
        "/search", json={"query": "sandbox:slow-first-byte moon"}
    ).json()["results"]
    body = {"input": "sandbox:slow-first-byte", "preset": "fast"}
    assert client.post("/v1/agent", json=body).json()["status"] == "completed"
    assert (sandbox.billed_runs, sandbox.billed_searches) == (1, 1)
