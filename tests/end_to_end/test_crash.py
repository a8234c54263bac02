"""A process that is killed in the middle of an answer, and the next one that goes on with it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from perplexity_connector.sandbox import GOOD_KEY, Sandbox

COMMAND = [sys.executable, "-m", "perplexity_connector", "run"]
QUESTION = [
    "create_chat_completion",
    "model=sonar-pro",
    "messages.0.role=user",
    "messages.0.content=sandbox:slow",
]


def environment(base_url: str) -> dict[str, str]:
    """The sandbox, over the environment."""
    return {
        **os.environ,
        "PERPLEXITY_BASE_URL": base_url,
        "PERPLEXITY_API_KEY": GOOD_KEY,
    }


def begun(base_url: str) -> subprocess.Popen[str]:
    """A streamed run that has shown the beginning of its answer."""
    process = subprocess.Popen(
        [*COMMAND, *QUESTION, "--stream", "--json"],
        env=environment(base_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any('"text.delta"' in line for line in process.stdout)
    return process


def test_a_killed_run_is_resumed_to_its_complete_answer_and_paid_for_once(
    state_folder: Path,
) -> None:
    """SIGKILL in mid-stream; the journal leads back to the same run."""
    with Sandbox(delta_seconds=0.01) as sandbox:
        with begun(sandbox.url) as process:
            process.kill()
            process.communicate()
        (kept,) = state_folder.rglob("run_*.json")
        done = subprocess.run(
            [*COMMAND, "--resume", kept.stem, "--json"],
            env=environment(sandbox.url),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        envelope = json.loads(done.stdout)
        assert envelope["run_id"] == kept.stem
        assert [warning["code"] for warning in envelope["warnings"]] == ["recovered"]
        assert envelope["output"]["choices"][0]["finish_reason"] == "stop"
        assert len(envelope["output"]["content"]) > 500
        assert sandbox.billed_runs == 1
        assert not kept.exists()


def test_ctrl_c_asks_the_provider_to_stop_and_leaves_the_answer_on_the_screen(
    state_folder: Path,
) -> None:
    """Exit 130, no traceback, and the run is cancelled where it costs money. The way back to its text is kept."""
    with Sandbox(delta_seconds=0.01) as sandbox:
        with begun(sandbox.url) as process:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert len(list(state_folder.rglob("run_*.json"))) == 1
        assert "Traceback" not in said
        assert [request.path.endswith("/cancel") for request in sandbox.requests] == [
            False,
            True,
        ]
        assert sandbox.billed_runs == 1
        deadline = time.monotonic() + 10
        while not all(
            run["status"] == "cancelled" for run in state(sandbox.url)["runs"]
        ):
            assert time.monotonic() < deadline


def state(base_url: str) -> dict[str, list[dict[str, str]]]:
    """What the sandbox says of its runs."""
    read = "import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())"
    done = subprocess.run(
        [sys.executable, "-c", read, f"{base_url}/sandbox/state"],
        capture_output=True,
        check=True,
    )
    return dict(json.loads(done.stdout))
