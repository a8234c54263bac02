"""Recovery at the command line: whatever refuses a run in between, it is resumed to its whole answer, and paid once."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from perplexity_connector.cli import hosts
from perplexity_connector.contract import repeating
from perplexity_connector.host import Ledger
from perplexity_connector.perplexity.actions import provider_run
from perplexity_connector.sandbox import GOOD_KEY
from tests.cli.conftest import Command, command
from tests.faults.faults import HTML, Cut, answer, broken, cut
from tests.faults.proxy import Fault, Rule
from tests.faults.row import CHAT, SOME_TEXT, post
from tests.faults.stage import SENTINEL, Stage

__all__ = ["command"]

_NOW = {"retry-after": "0"}
_PAGE = b"<html><form>Sign in</form></html>"
# What the provider, or something before it, answers to a look at the run; and the exit code.
REFUSALS: Mapping[str, tuple[Fault, int]] = {
    "401": (answer(401), 3),
    "402": (answer(402), 3),
    "403": (answer(403), 3),
    "404": (answer(404), 5),
    "400": (answer(400), 5),
    "410": (answer(410), 5),
    "429": (answer(429, b"", _NOW), 4),
    "500": (answer(500, b"", _NOW), 4),
    "502 with a page": (answer(502, _PAGE, {**HTML, **_NOW}), 4),
    "503": (answer(503, b"", _NOW), 4),
    "504": (answer(504, b"", _NOW), 4),
    "a sign-in page with 200": (answer(200, _PAGE, HTML), 5),
    "a sign-in page with 403": (answer(403, _PAGE, HTML), 3),
    "a redirect to a sign-in page": (answer(302, b"", {"location": "/login"}), 5),
    "a body that is not JSON": (answer(200, b'{"id":'), 5),
    "a reset connection": (broken(Cut.RESET), 4),
}


@pytest.fixture(autouse=True)
def ledger(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """The command line goes to the proxy, without waits, and all its commands share a ledger of the test's."""
    ledger = Ledger()
    monkeypatch.setattr(hosts, "make_ledger", Ledger)
    monkeypatch.setenv("PERPLEXITY_API_KEY", SENTINEL)
    monkeypatch.setenv("PERPLEXITY_BASE_URL", stage.proxy.url)
    with (
        patch.object(repeating, "SHORTEST_S", 0.001),
        patch.object(repeating, "FIRST_BACK_OFF_S", 0.001),
        patch.object(provider_run, "_LONGEST_WAIT", 0.002),
    ):
        yield ledger
    ledger.close()


def _unfinished(ledger: Ledger) -> list[str]:
    return [run.run_id for run in ledger.runs(status="begun").result(30)]


def _look(fault: Fault) -> Rule:
    return Rule("GET /v1/agent/", fault)


def _interrupted(stage: Stage, command: Command) -> None:
    """Begin a chat whose stream breaks while nobody can look at the run."""
    breaking = post(cut(Cut.CLOSE, events=SOME_TEXT))
    stage.proxy.play(breaking, _look(broken(Cut.RESET)))
    assert command("run", CHAT, "--example", "--json").code == 4


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refused_recovery_forgets_nothing(
    stage: Stage, command: Command, ledger: Ledger, refusal: str
) -> None:
    """The run stays, stderr says how to go on, and the next try has the whole answer and forgets it."""
    billed = stage.sandbox.billed_runs
    _interrupted(stage, command)
    (run_id,) = _unfinished(ledger)
    fault, code = REFUSALS[refusal]
    stage.proxy.play(_look(fault))
    refused = command("run", "--resume", run_id, "--json")
    assert refused.code == code
    assert _unfinished(ledger) == [run_id]
    assert f"--resume {run_id}" in refused.err
    stage.proxy.play()
    resumed = command("run", "--resume", run_id, "--json")
    assert resumed.code == 0
    assert "384,400 km" in json.loads(resumed.out)["output"]["content"]
    assert _unfinished(ledger) == []
    assert stage.sandbox.billed_runs == billed + 1


def test_no_key_is_in_the_ledger(
    stage: Stage, command: Command, ledger: Ledger, state_folder: Path
) -> None:
    """Neither in an unfinished run, nor in one that ended: the question and the answer are."""
    _interrupted(stage, command)
    stage.proxy.play()
    assert command("run", "--resume", "last").code == 0
    ledger.close()
    files = [file for file in state_folder.rglob("*") if file.is_file()]
    recorded = b"".join(file.read_bytes() for file in files)
    assert b"384,400 km" in recorded
    assert SENTINEL.encode() not in recorded


def _no_key(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.delenv("PERPLEXITY_API_KEY")
    return []


def _no_such_connection(_: pytest.MonkeyPatch) -> list[str]:
    return ["--connection", "none"]


def _bad_setting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PERPLEXITY_BASE_URL", "http://perplexity.example")
    return []


def _unusable_key(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PERPLEXITY_API_KEY", f"{GOOD_KEY} é")
    return []


def _wrong_base_url(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PERPLEXITY_BASE_URL", "http://127.0.0.1:9/elsewhere")
    return []


@pytest.mark.parametrize(
    "mistake",
    [_no_key, _no_such_connection, _bad_setting, _unusable_key, _wrong_base_url],
)
def test_a_mistake_in_a_recovery_forgets_nothing(
    command: Command,
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mistake: Callable[[pytest.MonkeyPatch], list[str]],
) -> None:
    """Nothing was asked at all. The run is from a file of an earlier release."""
    question: Any = {"model": "sonar", "messages": [{"role": "user", "content": "Hi"}]}
    run = {"connector": "perplexity", "action": CHAT, "version": 1, "input": question}
    folder = tmp_path / "runs"
    folder.mkdir()
    text = json.dumps({**run, "state": {"response_id": "resp_1"}})
    (folder / "run_1.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(hosts, "make_ledger", lambda: Ledger(journal=folder))
    assert command("run", "--resume", "run_1", *mistake(monkeypatch)).code != 0
    known = ledger.run("run_1").result(30)
    assert known is not None
    assert known.state == "begun"
    assert (known.checkpoint or {})["response_id"] == "resp_1"
