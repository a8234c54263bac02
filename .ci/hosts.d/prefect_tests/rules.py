"""Bad input, cancelling, the budget, the flow of another project, and where the key is."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scene import RECOVERED_S, SENTINEL, Scene, accept

from benchmarks.prefect_stage import until

if TYPE_CHECKING:
    from benchmarks.prefect_job import Job

HERE = Path(__file__).parent
# Its price has a bound before it is sent.
PRICED = {
    "messages.0.role": "user",
    "messages.0.content": "{word}",
    "model": "openai/gpt-6-luna",
    "search": "never",
    "max_tokens": "16",
}
SLOW = {
    "messages.0.role": "user",
    "messages.0.content": "{word} sandbox:slow",
    "model": "low",
}
QUESTION = [{"role": "user", "content": "How far away is the Moon?"}]
GOOD = {
    "create_chat_completion": {"messages": QUESTION, "model": "low"},
    "execute_search": {"query": "moon"},
    "run_table": {"job": "any"},
}
BAD = [
    ("create_chat_completion", {"messages": []}),
    ("create_chat_completion", {"temperature": "warm"}),
    ("create_chat_completion", {"search": "perhaps"}),
    ("create_chat_completion", {"unknown": 1}),
    ("execute_search", {"max_results": 0}),
    ("execute_search", {"query": None}),
    ("run_table", {"job": None}),
    ("run_table", {"at_once": "many"}),
]
LIVE_S = 60
# Longer than a heartbeat may be missed.
LOST_S = 150


def refuse_bad_input(scene: Scene) -> str:
    """The server refuses bad input, and no run exists then."""
    before = len(scene.stage.runs())
    for action, more in BAD:
        status, answer = _create_run(scene, action, GOOD[action] | more)
        assert status == 409, (action, more, status, answer)
    assert len(scene.stage.runs()) == before
    return f"{len(BAD)} bad inputs refused with 409, and no run exists"


def answer_with_artifacts(scene: Scene) -> str:
    """A run of each action ends with its artifact."""
    kinds = {"create_chat_completion": "markdown", "execute_search": "table"}
    with scene.workers("actions-1"):
        for action, kind in kinds.items():
            run = _started(scene, action, GOOD[action])
            state = until(lambda run=run: _end_of(scene, run), RECOVERED_S, action)
            assert state["type"] == "COMPLETED", state
            artifacts = _artifacts_of(scene, run)
            assert kind in {one["type"] for one in artifacts}, artifacts
    return "a chat has a markdown artifact, and a search a table"


def cancel(scene: Scene) -> str:
    """Cancelling a flow run reaches the provider: of one chat, and of a table."""
    state = scene.sandbox._state  # noqa: SLF001 - slower than the others
    state.delta_seconds = 0.5
    try:
        with scene.workers("cancelled-1"):
            chat = GOOD["create_chat_completion"] | {
                "messages": [{"role": "user", "content": "cancelled sandbox:slow"}]
            }
            _cancel_amid(scene, _started(scene, "create_chat_completion", chat), 1)
            job = scene.job("cancelled", rows=4, template=SLOW)
            follower = job.start(chunks=1)
            run = until(
                lambda: scene.stage.runs_of(job.name), LIVE_S, "its run exists"
            )[0]
            _cancel_amid(scene, run["id"], 4)
            job.ended(follower)
    finally:
        state.delta_seconds = 0.01
    return "1 chat and 4 rows of a table were cancelled at the provider"


def _cancel_amid(scene: Scene, run: str, count: int) -> None:
    """Cancel a run when so many chats are under way, and count those that the provider stopped."""
    sandbox, stage = scene.sandbox, scene.stage
    billed, stopped = sandbox.billed_runs, _cancels(scene)
    wish = "chats are under way"
    until(lambda: sandbox.billed_runs == billed + count, RECOVERED_S, wish)
    status, answer = stage.ask(
        f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}}
    )
    assert status in {200, 201}, answer
    state = until(lambda: _end_of(scene, run), LIVE_S, "it is cancelled")
    assert state["type"] == "CANCELLED", state
    assert _cancels(scene) == stopped + count, (_cancels(scene), stopped, count)


def pause_at_the_budget(scene: Scene) -> str:
    """A ceiling at half the price stops both workers below it; a raised one goes on."""
    job = scene.job("budget", template=PRICED)
    with scene.workers("budget-1", "budget-2"):
        ceiling = _price_of_a_row(scene) * len(job.words) / 2
        code = job.ended(job.start("--budget", f"{ceiling:.9f}"))
        paused = job.items()[-1]
        assert (code, paused["reason"]) == (3, "budget"), (code, paused)
        assert 0 < paused["cost"] <= ceiling
        assert paused["rows"]["planned"], paused
        first = {run["id"] for run in scene.stage.runs_of(job.name)}
        names = [run["state"]["name"] for run in scene.stage.runs_of(job.name)]
        assert names == ["paused: budget"] * 2, names
        assert job.ended(job.start("--budget", "1")) == 0
    names = [
        run["state"]["name"]
        for run in scene.stage.runs_of(job.name)
        if run["id"] in first
    ]
    assert names == ["paused: budget"] * 2, names
    return (
        f"stopped at {paused['cost']:.5f} of {ceiling:.5f} USD, both runs are "
        f"'paused: budget'; then {accept(job, at_most_unsure=0)}"
    )


def _price_of_a_row(scene: Scene) -> float:
    job: Job = scene.job("price", rows=20, template=PRICED)
    assert job.ended(job.start(chunks=1)) == 0
    return float(job.items()[-1]["cost"]) / 20


def lose_foreign(scene: Scene) -> str:
    """Kill the worker of a flow run of another project, and start another one. Return the run."""
    stage = scene.stage
    more = {"PYTHONPATH": str(HERE), "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    stage.run("prefect", "work-pool", "create", "theirs", "--type", "process")
    stage.run("python", str(HERE / "foreign_flow.py"), more=more)
    worker = stage.start_worker("theirs-1", "theirs", **more)
    run = _started(scene, "foreign", {}, "theirs")
    until(lambda: _has_heartbeat(scene, run), RECOVERED_S, "it has a heartbeat")
    worker.kill()
    stage.start_worker("theirs-2", "theirs", **more)
    return run


def leave_foreign(scene: Scene, run: str) -> str:
    """A run of another project with a lost heartbeat stays as it is."""
    states = scene.stage.states_of(run)
    assert states[-1] == "Running", states
    assert states.count("Running") == 1, states
    return f"it is still as its worker left it: {', '.join(states)}"


def _has_heartbeat(scene: Scene, run: str) -> bool:
    _, found = scene.stage.ask(
        "/events/filter",
        {
            "filter": {
                "event": {"name": ["prefect.flow-run.heartbeat"]},
                "resource": {"id": [f"prefect.flow-run.{run}"]},
            }
        },
    )
    return bool(found["events"])


def _create_run(
    scene: Scene, action: str, parameters: dict[str, Any], name: str = "perplexity"
) -> tuple[int, Any]:
    deployment = scene.stage.deployment(f"{action}/{name}")
    given = {"connection": "limited"} | parameters if name == "perplexity" else {}
    return scene.stage.ask(
        f"/deployments/{deployment}/create_flow_run",
        {"parameters": given, "state": {"type": "SCHEDULED"}},
    )


def _started(
    scene: Scene, action: str, parameters: dict[str, Any], name: str = "perplexity"
) -> str:
    status, answer = _create_run(scene, action, parameters, name)
    assert status == 201, answer
    return str(answer["id"])


def _end_of(scene: Scene, run: str) -> Any:
    _, found = scene.stage.ask(f"/flow_runs/{run}")
    ended = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    return found["state"] if found["state"]["type"] in ended else None


def _artifacts_of(scene: Scene, run: str) -> list[Any]:
    wanted = {"artifacts": {"flow_run_id": {"any_": [run]}}}
    return list(scene.stage.ask("/artifacts/filter", wanted)[1])


def _cancels(scene: Scene) -> int:
    return sum(one.path.endswith("/cancel") for one in scene.sandbox.requests)


def hide_the_key(scene: Scene, texts: list[tuple[str, bytes]]) -> str:
    """The key is in no file, no database row and no answer of the API in clear."""
    for path, wanted in (
        ("/flow_runs/filter", {}),
        ("/artifacts/filter", {}),
        ("/logs/filter", {}),
        ("/block_documents/filter", {"include_secrets": False}),
    ):
        _, found = scene.stage.ask(path, wanted)
        assert found, path
        assert SENTINEL not in json.dumps(found), path
    for name, text in texts:
        assert SENTINEL.encode() not in text, name
    return f"not in {len(texts)} files and tables, and not in runs, artifacts, logs and blocks of the API"
