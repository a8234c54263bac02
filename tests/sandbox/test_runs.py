import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from perplexity_connector.sandbox import GOOD_KEY, Sandbox, create_app
from perplexity_connector.sandbox.app import AGENT_PATHS
from perplexity_connector.sandbox.state import State

Body = dict[str, Any]
UNKNOWN = "resp_00000000-0000-4000-8000-000000000000"
SLOW = {"input": "sandbox:slow moon", "preset": "fast", "stream": True}


@pytest.mark.parametrize("path", AGENT_PATHS)
def test_a_run_can_be_fetched_under_each_alias(client: httpx.Client, path: str) -> None:
    """Posted, fetched and cancelled, `/v1/agent` and its aliases are the same."""
    posted = client.post(path, json={"input": "moon", "preset": "fast"}).json()
    assert client.get(f"{path}/{posted['id']}").json() == posted
    run = {"input": "moon", "preset": "fast", "background": True}
    run_id = client.post(path, json=run).json()["id"]
    cancelled = client.post(f"{path}/{run_id}/cancel").json()
    assert cancelled == {"response_id": run_id, "status": "cancelling"}
    assert client.get(f"{path}/{run_id}").json()["status"] == "cancelled"


def terminal(client: httpx.Client, run_id: str) -> None:
    """Check that the run cannot be cancelled, as it is over or unknown."""
    answer = client.post(f"/v1/agent/{run_id}/cancel")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request", 400)
    assert "already terminal" in error["message"]


@pytest.mark.parametrize(
    "question", ["moon", "sandbox:failed", "sandbox:incomplete", "sandbox:cancelled"]
)
def test_a_run_that_is_over_cannot_be_cancelled(
    ask: Callable[..., Body], client: httpx.Client, question: str
) -> None:
    """400, and the run stays as it is."""
    run = ask(question)
    terminal(client, run["id"])
    assert client.get(f"/v1/agent/{run['id']}").json() == run


def test_no_other_run_can_be_cancelled(
    ask: Callable[..., Body], client: httpx.Client
) -> None:
    """An unknown one, one that was not stored, one that was cancelled before."""
    terminal(client, UNKNOWN)
    terminal(client, ask(store=False)["id"])
    twice = ask(background=True)["id"]
    assert client.post(f"/v1/agent/{twice}/cancel").status_code == 200
    terminal(client, twice)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", f"/v1/agent/{UNKNOWN}", 404, "not_found"),
        ("GET", "/v1/agent/resp_1", 400, "invalid_request"),
        ("POST", f"/v1/agent/{UNKNOWN}/cancel", 400, "invalid_request"),
        ("POST", "/v1/agent/resp_1/cancel", 400, "invalid_request"),
    ],
)
def test_an_id_that_is_unknown_or_malformed_is_refused(
    client: httpx.Client, method: str, path: str, status: int, kind: str
) -> None:
    """Well-formed and unknown is 404 on GET, and 400 on cancel; malformed is 400."""
    answer = client.request(method, path)
    assert (
        answer.status_code,
        answer.json()["error"]["type"],
        answer.json()["error"]["code"],
    ) == (
        status,
        kind,
        status,
    )


def test_a_run_that_was_not_stored_cannot_be_fetched(
    ask: Callable[..., Body], client: httpx.Client
) -> None:
    """`store: false` makes GET a 404."""
    answer = ask(store=False)
    assert answer["store"] is False
    assert client.get(f"/v1/agent/{answer['id']}").status_code == 404


def test_a_background_run_moves_on_at_each_look(
    ask: Callable[..., Body], client: httpx.Client
) -> None:
    """Queued at its POST, in progress, completed."""
    posted = ask(background=True)
    assert (posted["status"], posted["output"], posted["background"]) == (
        "queued",
        [],
        True,
    )
    seen = [client.get(f"/v1/agent/{posted['id']}").json() for _ in range(2)]
    assert [run["status"] for run in seen] == ["in_progress", "completed"]
    assert seen[1]["output"]


def test_a_background_run_can_be_streamed(
    listen: Callable[..., list[tuple[str, Body]]], client: httpx.Client
) -> None:
    """Once its stream has ended it is over."""
    events = listen(background=True)
    assert events[-1][0] == "response.completed"
    assert (
        client.get(f"/v1/agent/{events[-1][1]['response']['id']}").json()["status"]
        == "completed"
    )


@pytest.mark.parametrize(("looks_before", "items"), [(0, 0), (1, 1), (2, 1)])
def test_a_cancelled_run_has_the_recorded_shape(
    ask: Callable[..., Body], client: httpx.Client, looks_before: int, items: int
) -> None:
    """It stays cancelled, with an error, a reason, and the output received so far."""
    path = f"/v1/agent/{ask(background=True)['id']}"
    for _ in range(looks_before):
        client.get(path)
    if looks_before < 2:
        assert client.post(f"{path}/cancel").status_code == 200
        first, second = [client.get(path).json() for _ in range(2)]
        assert first == second
    else:
        first = ask("sandbox:cancelled")
    assert first["status"] == "cancelled"
    assert first["error"] == {
        "code": "cancelled",
        "message": "cancelled",
        "type": "cancelled",
    }
    assert first["incomplete_details"] == {"reason": "cancelled"}
    assert (first["usage"], first["completed_at"]) == (None, None)
    assert (first["model"], first["tools"]) == ("fast", [])
    assert [item["type"] for item in first["output"]] == ["search_results"] * items


def test_a_run_in_progress_shows_the_output_received_so_far(
    ask: Callable[..., Body], client: httpx.Client
) -> None:
    """Its model is still the preset, and its tools are not known yet."""
    run_id = ask(background=True)["id"]
    going, over = looks(client, run_id)
    assert (going["model"], going["tools"], going["usage"]) == ("fast", [], None)
    assert going["service_tier"] == "default"
    assert going["output"] == over["output"][:1]
    assert (over["service_tier"], over["tools"]) == ("fast", [{"type": "web_search"}])


def test_reattaching_to_a_stream_finds_its_window_gone(
    ask: Callable[..., Body], client: httpx.Client
) -> None:
    """The documented 400, after which a client falls back on a plain GET."""
    answer = client.get(
        f"/v1/agent/{ask()['id']}", params={"stream": "true", "starting_after": 3}
    )
    assert answer.status_code == 400


def test_a_run_whose_listener_leaves_goes_on_and_is_billed_once(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """First in progress, in the end completed, with its whole output."""
    run_id = begin_and_leave(client)
    first, *rest, last = looks(client, run_id)
    assert {first["status"], *(run["status"] for run in rest)} == {"in_progress"}
    assert last["status"] == "completed"
    assert len(last["output"]) == 2
    assert sandbox.billed_runs == 1


def test_a_run_whose_listener_left_can_still_be_cancelled(client: httpx.Client) -> None:
    """Whoever fetches it then learns that it was."""
    run_id = begin_and_leave(client)
    client.post(f"/v1/agent/{run_id}/cancel")
    assert looks(client, run_id)[0]["status"] == "cancelled"


def test_cancelling_stops_the_stream(client: httpx.Client) -> None:
    """The stream ends in `response.cancelled`, far before its whole text."""
    with client.stream("POST", "/v1/agent", json=SLOW) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: response.created"
        run_id = run_ids(client)[0]
        assert client.post(f"/v1/agent/{run_id}/cancel").status_code == 200
        names = [line for line in lines if line.startswith("event: ")]
    assert names[-1] == "event: response.cancelled"
    assert len(names) < 200
    runs = client.get("/sandbox/state").json()["runs"]
    assert runs == [{"id": run_id, "status": "cancelled"}]
    assert client.get(f"/v1/agent/{run_id}").json()["status"] == "cancelled"


def test_a_finished_slow_run_is_never_in_progress(client: httpx.Client) -> None:
    """It is over before its terminal event can be read, and cannot be cancelled then."""
    with client.stream("POST", "/v1/agent", json=SLOW) as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line == "event: response.completed")
        run_id = run_ids(client)[0]
        assert client.get(f"/v1/agent/{run_id}").json()["status"] == "completed"
        terminal(client, run_id)
    assert client.get(f"/v1/agent/{run_id}").json()["status"] == "completed"


def test_a_slow_answer_has_two_hundred_deltas(ask: Callable[..., Body]) -> None:
    """Long enough to be cancelled or cut half-way."""
    answer = ask("sandbox:slow moon")
    assert 200 <= answer["usage"]["output_tokens"] < 400


def test_the_state_tells_what_was_asked_and_billed(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """Runs with their status, requests with field names and a fingerprint: never a key, never a value."""
    run_id = client.post("/v1/agent", json={"preset": "fast", "input": "moon"}).json()[
        "id"
    ]
    client.post("/search", json={"query": "moon"})
    client.post("/search", content="[1]")
    client.post("/search", content="{")
    state = client.get("/sandbox/state").json()
    assert (state["billed_runs"], state["billed_searches"]) == (1, 1)
    assert state["runs"] == [{"id": run_id, "status": "completed"}]
    assert [record["fields"] for record in state["requests"]] == [
        ["input", "preset"],
        ["query"],
        [],
        [],
    ]
    assert [record["status"] for record in state["requests"]] == [200, 200, 400, 400]
    assert GOOD_KEY not in str(state)
    assert [record.path for record in sandbox.requests] == [
        "/v1/agent",
        "/search",
        "/search",
        "/search",
    ]
    assert sandbox.billed_searches == 1


def test_a_reset_forgets_everything_and_gives_the_same_ids_again(
    client: httpx.Client,
) -> None:
    """The same requests in the same order get the same ids."""
    first = client.post("/v1/agent", json={"preset": "fast", "input": "moon"})
    assert client.post("/sandbox/reset").json() == {
        "billed_runs": 0,
        "billed_searches": 0,
        "runs": [],
        "requests": [],
    }
    second = client.post("/v1/agent", json={"preset": "fast", "input": "moon"})
    assert first.json()["id"] == second.json()["id"]
    assert first.headers["x-request-id"] == second.headers["x-request-id"]


def test_a_client_that_leaves_while_it_sends_is_no_request() -> None:
    """Half a body is neither answered nor recorded."""
    state = State()
    sent: list[Body] = []

    async def receive() -> Body:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/search",
        "query_string": b"",
        "headers": [],
        "root_path": "",
    }
    asyncio.run(create_app(state)(scope, receive, send))
    assert state.requests == []
    assert sent[0]["status"] == 499


def run_ids(client: httpx.Client) -> list[str]:
    """The runs that the sandbox has started."""
    return [run["id"] for run in client.get("/sandbox/state").json()["runs"]]


def begin_and_leave(client: httpx.Client) -> str:
    """The id of a run whose stream was left after its first event."""
    with client.stream("POST", "/v1/agent", json=SLOW) as stream:
        assert next(stream.iter_lines()) == "event: response.created"
        return run_ids(client)[0]


def looks(client: httpx.Client, run_id: str) -> list[Body]:
    """Every look until the run is over: the sandbox may take one or two to notice that its listener has left."""
    seen: list[Body] = []
    while not seen or seen[-1]["status"] == "in_progress":
        seen.append(client.get(f"/v1/agent/{run_id}").json())
    return seen
