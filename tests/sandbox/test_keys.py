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
BODIES: dict[str, Body] = {
    "/v1/agent": {"preset": "fast", "input": "moon"},
    "/search": {"query": "moon"},
}
RATE = {
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-used",
    "x-ratelimit-reset",
}


def call(
    client: httpx.Client, key: str, method: str = "GET", path: str = "/v1/models"
) -> httpx.Response:
    """One request with that key, as good as its path wants it."""
    return client.request(
        method,
        path,
        headers={"Authorization": f"Bearer {key}" if key else ""},
        json=BODIES.get(path),
    )


def test_every_test_key_is_plainly_a_test_key() -> None:
    """Nobody takes one for a real key."""
    named = [value for name, value in vars(keys).items() if name.endswith("_KEY")]
    assert len(named) == 8
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


def statuses(client: httpx.Client, queries: list[list[str]]) -> list[int]:
    """Searches with the key of fifty units a second."""
    headers = {"Authorization": f"Bearer {keys.FIFTY_PER_SECOND_KEY}"}
    return [
        client.post("/search", headers=headers, json={"query": one}).status_code
        for one in queries
    ]


def test_fifty_requests_a_second_leak_out_of_a_bucket_of_fifty(
    client: httpx.Client, clock: Any
) -> None:
    """Fifty at once, and one more for each fiftieth of a second; 0 is left when they are used up."""
    assert statuses(client, [["moon"]] * 51) == [200] * 50 + [429]
    clock.now += 0.021
    assert statuses(client, [["moon"]] * 2) == [200, 429]
    clock.now += 1
    path = ("GET", "/v1/models")
    headers = call(client, keys.FIFTY_PER_SECOND_KEY, *path).headers
    shown = [int(headers[f"x-ratelimit-{name}"]) for name in ("limit", "used")]
    assert (shown, headers["x-ratelimit-remaining"]) == ([50, 1], "49")


def test_each_query_takes_one_unit(client: httpx.Client, clock: Any) -> None:
    """A blank one too; a request that is refused for its fields takes none."""
    clock.now += 2
    assert statuses(client, [[]]) == [400]
    assert statuses(client, [["a", "b", "c", " ", "e"]] * 11) == [200] * 10 + [429]
    good = client.post("/search", json={"query": ["moon", " "]})
    assert good.headers["x-ratelimit-used"] == "2"


def test_more_queries_than_the_limit_need_an_empty_bucket(
    client: httpx.Client, clock: Any
) -> None:
    """They are admitted, and take as many seconds as they are units."""
    clock.now += 2
    headers = {"Authorization": f"Bearer {keys.ONE_PER_SECOND_KEY}"}
    found = [
        client.post("/search", headers=headers, json={"query": ["moon"] * count})
        for count in (3, 1)
    ]
    assert [answer.status_code for answer in found] == [200, 429]
    assert found[0].headers["x-ratelimit-remaining"] == "0"
    clock.now += 3
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


def test_an_answer_carries_the_recorded_headers(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """A 200 the request's id and the rate, a 400 the id alone, a 401 none of them."""
    stream = {"preset": "fast", "input": "moon", "stream": True}
    good = [
        client.get("/v1/models"),
        client.post("/v1/agent", json=stream),
        client.post("/search", json={"query": "moon"}),
        call(client, keys.ALWAYS_LIMITED_KEY),
    ]
    bad = [
        client.post("/v1/agent", json={}),
        client.post("/search", json={}),
        client.get("/v1/agent/x"),
        client.post(f"/v1/agent/{ID}/cancel"),
        client.get("/nowhere"),
    ]
    unauthorized = [
        call(client, key, *path)
        for key in (keys.WRONG_KEY, keys.NO_CREDIT_KEY)
        for path in EVERYWHERE
    ]
    for answers, expected in (
        (good, {*RATE, "x-request-id"}),
        (bad, {"x-request-id"}),
        (unauthorized, set()),
    ):
        for answer in answers:
            found = {name for name in answer.headers if name.startswith("x-r")}
            assert found == expected, answer.url
    ids = {answer.headers["x-request-id"] for answer in [*good, *bad]}
    assert len(ids) == len(good) + len(bad)
    assert len(sandbox.requests) == len([*good, *bad, *unauthorized])


def test_the_id_of_a_request_is_that_of_its_run_or_search(client: httpx.Client) -> None:
    """As recorded."""
    run = client.post("/v1/agent", json=BODIES["/v1/agent"])
    assert run.json()["id"] == f"resp_{run.headers['x-request-id']}"
    found = client.post("/search", json=BODIES["/search"])
    assert found.json()["id"] == found.headers["x-request-id"]


def test_the_models_are_listed_with_their_prices(client: httpx.Client) -> None:
    """One Sonar id is left."""
    listed = client.get("/v1/models").json()
    assert listed["object"] == "list"
    found = {model["id"]: model for model in listed["data"]}
    assert len(found) == 52
    luna = found["openai/gpt-6-luna"]["pricing"]
    assert (luna["input"], luna["output"]) == (0.1, 0.5)
    luna = found["openai/gpt-5.6-luna"]["pricing"]
    assert (luna["input"], luna["output"]) == (0.2, 1.2)
    assert found["perplexity/sonar"]["pricing"] == {
        "input": 0.25,
        "output": 2.5,
        "cache_read": 0.0625,
        "unit": "usd_per_1m_tokens",
    }
    assert not {"google/gemini-3-flash", "xai/grok-4-1-fast"} & set(found)
    sonar = [name for name in found if "sonar" in name]
    assert sonar == ["perplexity/sonar"]
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
