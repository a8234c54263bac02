"""A process that is killed in the middle of an answer, and the next one that goes on with it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import pytest

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import KnownRun
from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.faults.faults import held
from tests.faults.proxy import FaultProxy, Rule, pass_on

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


def recorded() -> Sequence[KnownRun]:
    """The runs in the ledger of the test's folder, into which the processes write."""
    ledger = Ledger()
    runs = ledger.runs().result(30)
    ledger.close()
    return runs


def wait_for_record() -> None:
    """A run does not wait for a slow ledger longer than two seconds, which a busy machine may exceed."""
    deadline = time.monotonic() + 30
    while not recorded():
        assert time.monotonic() < deadline


def begun(base_url: str, *before: str) -> subprocess.Popen[str]:
    """A streamed run that has shown the beginning of its answer."""
    process = subprocess.Popen(
        [*before, *COMMAND, *QUESTION, "--stream", "--json"],
        env=environment(base_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any('"text.delta"' in line for line in process.stdout)
    return process


def test_a_killed_run_is_resumed_to_its_complete_answer_and_paid_for_once() -> None:
    """SIGKILL in mid-stream; the ledger leads back to the same run."""
    with Sandbox(delta_seconds=0.01) as sandbox:
        with begun(sandbox.url) as process:
            process.kill()
            process.communicate()
        (kept,) = recorded()
        assert kept.state == "begun"
        done = subprocess.run(
            [*COMMAND, "--resume", kept.run_id, "--json"],
            env=environment(sandbox.url),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        envelope = json.loads(done.stdout)
        assert envelope["run_id"] == kept.run_id
        assert [warning["code"] for warning in envelope["warnings"]] == ["recovered"]
        assert envelope["output"]["choices"][0]["finish_reason"] == "stop"
        assert len(envelope["output"]["content"]) > 500
        assert sandbox.billed_runs == 1
        assert [run.state for run in recorded()] == ["done"]


SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_asks_the_provider_to_stop_and_prints_what_was_received(
    name: str,
) -> None:
    """The signal's exit code, no traceback, the envelope in the last line; the run is cancelled where it costs money.

    Nothing is lost: the cancelled run can be looked at again, once.
    """
    with Sandbox(delta_seconds=0.01) as sandbox:
        with begun(sandbox.url) as process:
            process.send_signal(signal.Signals[name])
            shown, said = process.communicate(timeout=30)
        assert process.returncode == SIGNALS[name]
        assert "Traceback" not in said
        last = json.loads(shown.splitlines()[-1])["envelope"]
        assert (last["status"], last["output"]) == ("cancelled", None)
        assert last["partial"]["content"]
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
        (kept,) = recorded()
        assert last["run_id"] == kept.run_id


def test_a_second_signal_ends_at_once_and_keeps_the_run() -> None:
    """While the provider does not answer the request to stop."""
    asked, release = threading.Event(), threading.Event()
    with Sandbox(delta_seconds=0.01) as sandbox, FaultProxy(sandbox.port) as proxy:
        proxy.play(Rule("POST /v1/agent/", held(asked, release, pass_on)))
        with begun(proxy.url) as process:
            process.send_signal(signal.SIGTERM)
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        release.set()
        assert process.returncode == 130
        assert "Traceback" not in said
        assert [run.state for run in recorded()] == ["begun"]


def test_nohup_keeps_a_run_alive() -> None:
    """A signal that was ignored at the start stays ignored, and the answer arrives."""
    with Sandbox(delta_seconds=0.01) as sandbox:
        with begun(sandbox.url, "nohup") as process:
            process.send_signal(signal.SIGHUP)
            shown, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        last = json.loads(shown.splitlines()[-1])
        assert last["envelope"]["status"] == "succeeded"
        assert [run.state for run in recorded()] == ["done"]


def state(base_url: str) -> dict[str, list[dict[str, str]]]:
    """What the sandbox says of its runs."""
    read = "import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())"
    done = subprocess.run(
        [sys.executable, "-c", read, f"{base_url}/sandbox/state"],
        capture_output=True,
        check=True,
    )
    return dict(json.loads(done.stdout))
