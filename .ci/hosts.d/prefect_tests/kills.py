"""What is killed or stopped while two workers run a table."""

import signal
from collections.abc import Callable
from pathlib import Path

from scene import RECOVERED_S, Scene, accept

from benchmarks.prefect_job import Job
from benchmarks.prefect_stage import Program, until

DYING = Path(__file__).with_name("dying")
AT_ONCE = 16
STEPS = ("claim_row", "sent", "checkpoint", "end_run")


def kill_worker(scene: Scene) -> str:
    """SIGKILL to one worker and its children; another one takes its place."""
    job = scene.job("killed")
    with scene.workers("killed-1", "killed-2") as (first, _second):
        follower = job.start()
        _until_amid(job, follower)
        run = _run_of(scene, first)
        first.kill()
        with scene.workers("killed-3"):
            code = job.ended(follower)
    assert code == (6 if job.unsure() else 0), code
    states = scene.stage.states_of(run)
    assert states.count("Running") == 2, states
    return f"{accept(job, at_most_unsure=AT_ONCE)}; its run was {', '.join(states)}"


def kill_at_points(scene: Scene) -> str:
    """Every start dies at two steps of the ledger, and the last one does not."""
    points = scene.stage.folder / "points"
    points.mkdir()
    for step in STEPS:
        for moment in ("before", "after"):
            (points / f"{step}.{moment}.3").touch()
    job = scene.job("points")
    more = {"PYTHONPATH": str(DYING), "DYING_POINTS": str(points)}
    starts = 0
    with scene.workers("points-1", "points-2", **more):
        while any(points.iterdir()):
            job.ended(job.start())
            starts += 1
        job.ended(job.start())
    crashed = [
        run["state"]["name"]
        for run in scene.stage.runs_of(job.name)
        if run["state"]["type"] == "CRASHED"
    ]
    assert len(crashed) == 2 * len(STEPS), crashed
    figures = accept(job, at_most_unsure=len(crashed) * AT_ONCE)
    return f"{figures}; {len(crashed)} deaths, {starts + 1} starts"


def stop_past_the_lease(scene: Scene) -> str:
    """A worker sleeps until its rows and its run are others'; then it wakes."""
    job = scene.job("asleep")
    with scene.workers("asleep-1", "asleep-2") as (first, _second):
        follower = job.start()
        _until_amid(job, follower)
        run = _run_of(scene, first)
        asleep = first.children()
        first.send(signal.SIGSTOP)
        until(lambda: _times_running(scene, run) == 2, RECOVERED_S, "its run goes on")
        first.send(signal.SIGCONT)
        until(lambda: not _any_alive(asleep), RECOVERED_S, "the sleeper has ended")
        job.ended(follower)
    return accept(job, at_most_unsure=AT_ONCE)


def kill_server(scene: Scene) -> str:
    """The rows go on without the server, and their runs end once it is back."""
    job = scene.job("serverless")
    with scene.workers("serverless-1", "serverless-2"):
        follower = job.start()
        _until_amid(job, follower)
        before = len(job.billed())
        scene.stage.kill_server()
        wish = "rows go on without the server"
        until(lambda: len(job.billed()) > before + AT_ONCE, 60, wish)
        scene.stage.start_server()
        assert job.ended(follower) == 0
    ends = [run["state"]["name"] for run in scene.stage.runs_of(job.name)]
    assert set(ends) == {"Completed"}, ends
    return accept(job, at_most_unsure=0)


def _until_amid(job: Job, follower: Program) -> None:
    """Return when a third of the rows is billed."""

    def is_amid() -> bool:
        assert follower.process.poll() is None, follower.log.read_text()[-2000:]
        return len(job.billed()) >= len(job.words) // 3

    until(is_amid, RECOVERED_S, "the job is under way")


def _run_of(scene: Scene, worker: Program) -> str:
    """Return the flow run that a worker runs, which its log names."""
    runs = [
        run["id"] for run in scene.stage.runs() if run["id"] in worker.log.read_text()
    ]
    assert len(runs) == 1, runs
    return str(runs[0])


def _times_running(scene: Scene, run: str) -> int:
    return scene.stage.states_of(run).count("Running")


def _any_alive(pids: list[int]) -> bool:
    return any(Path(f"/proc/{pid}").exists() for pid in pids)


KILLS: tuple[Callable[[Scene], str], ...] = (
    kill_worker,
    kill_at_points,
    stop_past_the_lease,
    kill_server,
)
