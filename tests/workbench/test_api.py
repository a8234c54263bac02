import asyncio
import json
import threading
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    JsonObject,
)
from tests.host.flows.test_flows import GREET_THEN_COUNT, flow, ref, step
from tests.host.runs.test_run import GOOD
from tests.host.stage import CONNECTION, TOKEN
from tests.toy.toy import ToyPlugin
from tests.workbench.conftest import Bench, Serve


class Paused:
    """A handler that tells one thing, waits until it may go on, and tells another; it says when it was stopped."""

    def __init__(self) -> None:
        """Wait."""
        self.begun = threading.Event()
        self.stopped = threading.Event()
        self._going = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop

    def go_on(self) -> None:
        """Let it end."""
        self._loop.call_soon_threadsafe(self._going.set)

    async def __call__(self, _: JsonObject, ctx: ActionContext) -> ActionResult:
        """Tell, wait, tell."""
        self._loop = asyncio.get_running_loop()
        ctx.emit({"type": "text.delta", "text": "a"})
        self.begun.set()
        try:
            await self._going.wait()
        except asyncio.CancelledError:
            # What a provider is told takes a moment, and must not be cut short.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.stopped.set()
            raise
        ctx.emit({"type": "text.delta", "text": "b"})
        return GOOD


ONE = flow(step("one", name="Ada"), step("two", name="Bob"))


def streamed(bench: Bench, document: Any) -> Any:
    """The answer to a run, as it comes."""
    headers = {"Origin": bench.url}
    return bench.page.stream(
        "POST", "/api/runs", json={"flow": document}, headers=headers
    )


def failed(answer: httpx.Response, status: int) -> Any:
    """The error of an answer with that status."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert {"code", "message", "user_message", "retryable", "effect", "fields"} <= set(
        error
    )
    return error


def pointers(error: Any) -> list[str]:
    """Where an error points."""
    return [field["pointer"] for field in error["fields"]]


def test_the_catalogue_shows_any_connector(bench: Bench) -> None:
    """The toy beside the installed one."""
    catalogue = bench.get("/api/catalogue")
    assert [
        entry["action"] for entry in catalogue["actions"] if entry["connector"] == "toy"
    ] == ["greet", "count"]
    assert (catalogue["problems"], catalogue["sandbox"]) == ([], False)


def test_an_action_is_described_in_the_version_asked_for(bench: Bench) -> None:
    """The newest one without a word."""
    assert bench.get("/api/actions/toy/greet") == bench.host.describe("toy", "greet")
    assert bench.get("/api/actions/toy/greet?version=1")["action"]["version"] == 1
    assert (
        failed(bench.call("GET", "/api/actions/toy/none"), 404)["code"] == "not_found"
    )
    for version in ("x", "-1", "1.0", "٣", "9" * 40):
        assert pointers(
            failed(bench.call("GET", f"/api/actions/toy/greet?version={version}"), 400)
        ) == ["/version"]


def test_a_flow_is_validated(bench: Bench) -> None:
    """As the host does it."""
    document = flow(step("one"), step("two", "count", {"/text": [ref("one", "/text")]}))
    (error,) = bench.post("/api/validate", {"flow": document})["errors"]
    assert (error["step"], error["pointer"], error["code"]) == (
        "one",
        "/name",
        "required",
    )


def test_a_flow_that_is_validated_has_its_hints_beside_its_errors(
    bench: Bench,
) -> None:
    """As the host gives them."""
    document = flow(step("one", name="Ada", tone="cool"), step("two", tone="cool"))
    found = bench.post("/api/validate", {"flow": document})
    assert [error["step"] for error in found["errors"]] == ["two"]
    assert found["hints"] == bench.host.flow_hints(document)
    assert [hint["step"] for hint in found["hints"]] == ["one", "two"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(bench: Bench, body: bytes) -> None:
    """Before anything else."""
    headers = {"Origin": bench.url, "Content-Type": "application/json"}
    assert (
        failed(bench.page.post("/api/validate", content=body, headers=headers), 400)[
            "code"
        ]
        == "invalid_input"
    )


@pytest.mark.parametrize(
    ("method", "path", "document", "pointer"),
    [
        ("POST", "/api/validate", {}, "/flow"),
        ("POST", "/api/runs", {"flow": []}, "/flow"),
        ("POST", "/api/runs", {"flow": {}, "inputs": 1}, "/inputs"),
        ("POST", "/api/runs", {"flow": {}, "only": 1}, "/only"),
        ("POST", "/api/runs", {"flow": {}, "from": 1}, "/from"),
        ("POST", "/api/runs", {"flow": {}, "outputs": 1}, "/outputs"),
        ("POST", "/api/runs", {"flow": {}, "outputs": "run_1"}, "/outputs"),
        ("POST", "/api/runs", {"flow": {}, "flow_id": "../x"}, "/flow_id"),
        ("POST", "/api/runs", {"flow": {}, "name": 1}, "/name"),
        ("PUT", "/api/flow?name=a", {"flow": 1}, "/flow"),
        ("PATCH", "/api/flow?name=a", {}, "/name"),
        ("POST", "/api/connections", {"fields": {}}, "/connector"),
        ("POST", "/api/connections", {"connector": "toy"}, "/fields"),
        (
            "POST",
            "/api/connections",
            {"connector": "toy", "fields": {"token": 1}},
            "/fields/token",
        ),
        (
            "POST",
            "/api/connections",
            {"connector": "toy", "fields": {"a/b~c": 1}},
            "/fields/a~1b~0c",
        ),
        (
            "POST",
            "/api/connections/test",
            {"connector": "toy", "connection": 1},
            "/connection",
        ),
        (
            "PATCH",
            "/api/connections?name=Mine",
            {"connection_name": 1},
            "/connection_name",
        ),
    ],
)
def test_a_part_that_is_missing_or_of_the_wrong_type_is_pointed_at(
    bench: Bench, method: str, path: str, document: Any, pointer: str
) -> None:
    """Its value is not repeated."""
    assert pointers(failed(bench.call(method, path, document), 400)) == [pointer]


def test_options_are_searched_page_by_page(bench: Bench) -> None:
    """With every part of the question."""
    first = bench.get("/api/options/toy/tones?limit=1")
    assert len(first["options"]) == 1
    second = bench.get(
        f"/api/options/toy/tones?limit=1&cursor={first['next_cursor']}&connection=&search="
    )
    assert second["options"] != first["options"]
    found = first["options"][0]["value"]
    assert [
        one["value"]
        for one in bench.get(f"/api/options/toy/tones?search={found}")["options"]
    ] == [found]
    assert failed(bench.call("GET", "/api/options/toy/none"), 404)
    assert failed(bench.call("GET", "/api/options/toy/tones?connection=Gone"), 404)
    assert pointers(
        failed(bench.call("GET", "/api/options/toy/tones?limit=many"), 400)
    ) == ["/limit"]


def test_a_connection_is_made_tested_changed_and_removed(bench: Bench) -> None:
    """Its name may hold anything."""
    made = bench.post("/api/connections", {"connector": "toy", "fields": CONNECTION})
    assert made["status"]["outcome"] == "ok"
    assert made["connection"]["connection_name"] == "Mine"
    assert bench.get("/api/connections")["connections"] == [made["connection"]]
    status = bench.post(
        "/api/connections/test", {"connector": "toy", "connection": "Mine"}
    )["status"]
    assert status["outcome"] == "ok"
    assert (
        bench.post("/api/connections/test", {"connector": "toy", "connection": None})[
            "status"
        ]["outcome"]
        == "ok"
    )
    new = {"connection_name": "a/b ?", "fields": {"token": "another"}}
    changed = bench.call("PATCH", "/api/connections?name=Mine", new).json()[
        "connection"
    ]
    assert changed["connection_name"] == "a/b ?"
    assert changed["fingerprint"] != made["connection"]["fingerprint"]
    rekeyed = bench.call(
        "PATCH", "/api/connections?name=a%2Fb%20%3F", {"fields": {"token": TOKEN}}
    ).json()["connection"]
    assert rekeyed["fingerprint"] == made["connection"]["fingerprint"]
    bad = {"connector": "toy", "fields": {"token": "bad"}, "test": True}
    answer = bench.call("PATCH", "/api/connections?name=a%2Fb%20%3F", bad).json()
    assert answer["connection"] is None
    assert answer["status"]["outcome"] == "invalid_credentials"
    assert bench.get("/api/connections")["connections"] == [rekeyed]
    good = {**bad, "fields": {"token": TOKEN}}
    answer = bench.call("PATCH", "/api/connections?name=a%2Fb%20%3F", good).json()
    assert answer["connection"]["fingerprint"] == rekeyed["fingerprint"]
    assert failed(bench.call("PATCH", "/api/connections?name=a%2Fb%20%3F", {}), 400)
    answer = bench.call("DELETE", "/api/connections?name=a%2Fb%20%3F")
    assert (answer.status_code, answer.content) == (204, b"")
    assert failed(bench.call("DELETE", "/api/connections?name=Mine"), 404)
    assert bench.get("/api/connections") == {"connections": []}


def test_a_connection_that_is_no_good_is_kept_only_without_a_test(bench: Bench) -> None:
    """What the test found is told."""
    bad = {"connector": "toy", "fields": CONNECTION | {"token": "bad-one"}}
    answer = bench.post("/api/connections", bad)
    assert answer["connection"] is None
    assert answer["status"]["outcome"] == "invalid_credentials"
    assert bench.get("/api/connections") == {"connections": []}
    kept = bench.post("/api/connections", bad | {"test": False})
    assert kept["status"] is None
    assert kept["connection"]["connection_name"] == "Mine"
    assert pointers(
        failed(bench.call("POST", "/api/connections", bad | {"test": False}), 400)
    ) == ["/connection_name"]
    incomplete = {
        "connector": "toy",
        "fields": {"connection_name": "Other"},
        "test": False,
    }
    error = failed(bench.call("POST", "/api/connections", incomplete), 400)
    assert (error["code"], pointers(error)) == ("invalid_credentials", ["/token"])


def test_a_key_goes_in_and_never_comes_out(serve: Serve) -> None:
    """Over every endpoint, good and bad, a run that fails with it in its hands included."""
    sentinel = "sentinel-9d1f"

    async def leak(input: JsonObject, ctx: ActionContext) -> ActionResult:
        del input
        raise ValueError(str(ctx.connection), sentinel)

    bench = serve(ToyPlugin(greet=leak))
    fields = {"connection_name": "Mine", "token": sentinel}
    connected = {"connector": "toy", "connection": "Mine"}
    document = flow(step("one", name="A") | {"connection": "Mine"})
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/api/connections", {"connector": "toy", "fields": fields}),
        ("POST", "/api/connections", {"connector": "toy", "fields": fields}),
        ("POST", "/api/connections", {"connector": sentinel, "fields": [sentinel]}),
        (
            "POST",
            "/api/connections",
            {"connector": "toy", "fields": fields | {"connection_name": sentinel}},
        ),
        (
            "POST",
            "/api/connections",
            {"connector": "toy", "fields": fields | {"x": sentinel}, "test": False},
        ),
        ("POST", "/api/connections/test", connected),
        ("POST", "/api/connections/test", connected | {"connection": sentinel}),
        ("GET", "/api/connections", None),
        ("GET", "/api/catalogue", None),
        ("GET", "/api/actions/toy/greet", None),
        ("GET", "/api/options/toy/tones?connection=Mine", None),
        ("POST", "/api/validate", {"flow": document}),
        ("POST", "/api/runs", {"flow": document}),
        (
            "POST",
            "/api/runs",
            {"flow": flow(step("one", name="A") | {"connection": sentinel})},
        ),
        ("PATCH", "/api/connections?name=Mine", {"fields": {"token": f"{sentinel}2"}}),
        ("PATCH", "/api/connections?name=Mine", {"connection_name": f"{sentinel}2"}),
        (
            "PATCH",
            "/api/connections?name=Mine",
            {"fields": {"connection_name": sentinel}},
        ),
        ("PATCH", f"/api/connections?name={sentinel}", {"fields": {"token": sentinel}}),
        ("DELETE", f"/api/connections?name={sentinel}", None),
        ("DELETE", "/api/connections?name=Mine", None),
    ]
    answers = [bench.call(method, path, document) for method, path, document in calls]
    assert {answer.status_code for answer in answers} == {200, 204, 400, 404}
    for answer in answers:
        assert sentinel not in answer.text + str(answer.headers)


def test_a_run_is_a_line_for_each_item(bench: Bench) -> None:
    """Those of the host."""
    with streamed(bench, GREET_THEN_COUNT) as answer:
        assert (
            answer.headers["content-type"].partition(";")[0] == "application/x-ndjson"
        )
        items = [json.loads(line) for line in answer.iter_lines()]
    assert [item["type"] for item in items if item["type"] != "text.delta"] == [
        "step.started",
        "step.finished",
        "step.started",
        "step.finished",
        "flow.finished",
    ]
    assert items[-2]["envelope"]["output"] == {"letters": 13}


def test_items_arrive_while_the_run_goes_on(serve: Serve) -> None:
    """The first ones are read before the handler may go on."""
    handler = Paused()
    bench = serve(ToyPlugin(greet=handler))
    with streamed(bench, flow(step("one", name="Ada"))) as answer:
        lines = answer.iter_lines()
        assert [json.loads(next(lines))["type"] for _ in range(2)] == [
            "step.started",
            "text.delta",
        ]
        handler.go_on()
        assert [json.loads(line).get("text") for line in lines] == ["b", None, None]


def test_a_client_that_leaves_does_not_stop_the_run(serve: Serve) -> None:
    """Another one gets all of its items from the first, and the next step begins."""
    handler = Paused()
    bench = serve(ToyPlugin(greet=handler))
    flow_id = f"flow_{'a' * 32}"
    body = {"flow": ONE, "flow_id": flow_id}
    headers = {"Origin": bench.url}
    with bench.page.stream("POST", "/api/runs", json=body, headers=headers) as answer:
        lines = answer.iter_lines()
        first = [next(lines), next(lines)]
    handler.go_on()
    (running,) = bench.get("/api/flow-runs")["running"]
    assert (running["flow_id"], running["ended_at"]) == (flow_id, None)
    assert failed(bench.call("POST", "/api/runs", body), 409)
    with bench.page.stream("GET", f"/api/flow-runs/{flow_id}/items") as answer:
        items = [*answer.iter_lines()]
    assert items[:2] == first
    assert json.loads(items[-1]) == {"type": "flow.finished", "status": "succeeded"}
    assert [json.loads(line).get("text") for line in items].count("b") == 2
    assert not handler.stopped.is_set()
    assert bench.get("/api/flow-runs") == {"running": []}
    assert failed(bench.call("GET", f"/api/flow-runs/{flow_id}/items"), 404)


def test_a_run_is_cancelled_by_its_id_and_the_stream_ends_properly(
    serve: Serve,
) -> None:
    """A run that is not there cannot be."""
    handler = Paused()
    bench = serve(ToyPlugin(greet=handler))
    with streamed(bench, ONE) as answer:
        lines = answer.iter_lines()
        run_id = json.loads(next(lines))["run_id"]
        next(lines)
        assert bench.post(f"/api/runs/{run_id}/cancel", {}) == {"cancelled": True}
        finished, last = map(json.loads, lines)
    assert finished["envelope"]["error"]["code"] == "cancelled"
    assert last == {"type": "flow.finished", "status": "cancelled"}
    assert handler.stopped.is_set()
    answer = bench.page.post(
        f"/api/runs/{run_id}/cancel", headers={"Origin": bench.url}
    )
    assert answer.json() == {"cancelled": False}


def test_a_server_that_ends_stops_the_runs_and_ends_their_streams(serve: Serve) -> None:
    """With the lines that belong there."""
    handler = Paused()
    bench = serve(ToyPlugin(greet=handler))
    with streamed(bench, ONE) as answer:
        lines = answer.iter_lines()
        next(lines)
        next(lines)
        bench.server.should_exit = True
        assert [json.loads(line)["type"] for line in lines] == [
            "step.finished",
            "flow.finished",
        ]
    assert handler.stopped.is_set()


def test_a_flow_that_is_wrong_is_refused_before_it_begins(bench: Bench) -> None:
    """The fields point into the flow."""
    error = failed(bench.call("POST", "/api/runs", {"flow": flow(step("one"))}), 400)
    assert (error["code"], pointers(error)) == (
        "invalid_input",
        ["/steps/0/input/name"],
    )


def test_an_empty_flow_ends_at_once(bench: Bench) -> None:
    """In one line."""
    with streamed(bench, flow()) as answer:
        assert [json.loads(line) for line in answer.iter_lines()] == [
            {"type": "flow.finished", "status": "succeeded"}
        ]


def test_what_breaks_unexpectedly_is_an_error_without_words(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the exception holds; also when the stream has begun, which then ends short."""

    def break_down() -> None:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(bench.host, "actions", break_down)
    answer = bench.call("GET", "/api/catalogue")
    assert failed(answer, 500)["code"] == "internal"
    assert TOKEN not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"

    async def break_off(flow: Any, **options: Any) -> Any:
        del flow, options
        yield {"type": "step.started", "run_id": "run_1"}
        break_down()

    monkeypatch.setattr(bench.host, "stream_flow", break_off)
    with pytest.raises(httpx.RemoteProtocolError), streamed(bench, ONE) as answer:
        answer.read()
    assert caplog.text.count("RuntimeError") == 2
    assert TOKEN not in caplog.text
