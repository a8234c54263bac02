"""A signal at the command line, for each answer to the request to stop: the words are true, and nothing is lost."""

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from perplexity_connector.cli import hosts
from perplexity_connector.cli.progress import ConsoleRenderer
from perplexity_connector.host import Ledger
from perplexity_connector.perplexity.actions import cancelling
from tests.cli.conftest import Command, command
from tests.faults.faults import HTML, Cut, answer, broken, cut
from tests.faults.proxy import Fault, Rule
from tests.faults.row import CHAT, SOME_TEXT, post
from tests.faults.stage import SENTINEL, Stage

__all__ = ["command"]

_PAGE = b"<html><form>Sign in</form></html>"
_ERROR = b'{"error": {"type": "invalid_request", "message": "no"}}'
_ENDLESS = b"HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n{"
# The answer to the request to stop, and whether it says that the run ends.
STOPS: Mapping[str, tuple[Fault, bool]] = {
    "accepted": (answer(200, b'{"status": "cancelling"}'), True),
    "400": (answer(400), False),
    "401": (answer(401), False),
    "404": (answer(404), False),
    "429": (answer(429), False),
    "500": (answer(500), False),
    "502 with a page": (answer(502, _PAGE, HTML), False),
    "a sign-in page with 200": (answer(200, _PAGE, HTML), False),
    "an error with 200": (answer(200, _ERROR), False),
    "a body that is not JSON": (answer(200, b'{"status":'), False),
    "a redirect": (answer(302, b"", {"location": "/login"}), False),
    "a reset connection": (broken(Cut.RESET), False),
    "silence": (broken(Cut.STALL), False),
    "a body without an end": (broken(Cut.STALL, _ENDLESS), False),
}
# The answer to the request to stop, the signal and the command; returns the envelope and the words.
Stopped = Callable[..., tuple[Any, str]]
EXITS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
FLOW = {
    "flow_version": 1,
    "steps": [
        {
            "id": name,
            "connector": "perplexity",
            "action": action,
            "version": 1,
            "input": given,
        }
        for name, action, given in (
            ("search", "execute_search", {"query": "moon"}),
            (
                "ask",
                CHAT,
                {"model": "sonar", "messages": [{"role": "user", "content": "Moon?"}]},
            ),
        )
    ],
}
COMMANDS: Mapping[str, tuple[list[str], bytes]] = {
    "run": (["run", CHAT, "--example"], b""),
    "run-flow": (["run-flow", "-"], json.dumps(FLOW).encode()),
}


@pytest.fixture(autouse=True)
def _terminal(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command line goes to the proxy."""
    monkeypatch.setattr(hosts, "make_ledger", Ledger)
    monkeypatch.setenv("PERPLEXITY_API_KEY", SENTINEL)
    monkeypatch.setenv("PERPLEXITY_BASE_URL", stage.proxy.url)
    yield
    stage.proxy.play()


@pytest.fixture
def stopped(
    stage: Stage, command: Command, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stopped]:
    """Runs a command whose chat gets a signal at the first piece of its answer."""
    chosen: list[str] = []
    show = ConsoleRenderer.show_event

    def show_event(self: ConsoleRenderer, event: Any) -> None:
        show(self, event)
        if event["type"] == "text.delta" and chosen:
            signal.raise_signal(signal.Signals[chosen.pop()])

    def run(stop: Fault, name: str = "SIGTERM", line: str = "run") -> tuple[Any, str]:
        chosen.append(name)
        never_ends = post(cut(Cut.STALL, events=SOME_TEXT))
        stage.proxy.play(Rule("POST /v1/agent/", stop), never_ends)
        arguments, stdin = COMMANDS[line]
        outcome = command(*arguments, "--stream", "--json", stdin=stdin)
        assert outcome.code == EXITS[name]
        items = [json.loads(text) for text in outcome.out.splitlines()]
        return [item["envelope"] for item in items if "envelope" in item][
            -1
        ], outcome.err

    monkeypatch.setattr(ConsoleRenderer, "show_event", show_event)
    yield run
    assert chosen == []


@pytest.mark.parametrize(
    ("line", "stop"),
    [*(("run", stop) for stop in STOPS), ("run-flow", "accepted"), ("run-flow", "500")],
)
def test_a_stop_ends_in_words_that_are_true(
    stopped: Stopped, monkeypatch: pytest.MonkeyPatch, line: str, stop: str
) -> None:
    """The received part is printed. If the provider did not accept, stderr says how to get the answer."""
    fault, is_accepted = STOPS[stop]
    if stop in {"silence", "a body without an end"}:
        monkeypatch.setattr(cancelling, "_CANCEL_SECONDS", 0.1)
    envelope, said = stopped(fault, line=line)
    assert envelope["status"] == "cancelled"
    assert envelope["partial"]["content"]
    warnings = [warning["code"] for warning in envelope["warnings"]]
    assert warnings == ([] if is_accepted else ["stop_unconfirmed"])
    assert (f"--resume {envelope['run_id']}" in said) is not is_accepted


def test_a_run_that_did_not_stop_is_fetched_and_paid_for_once(
    stage: Stage, command: Command, stopped: Stopped
) -> None:
    """The words after the signal lead to its whole answer."""
    billed = stage.sandbox.billed_runs
    fault, _ = STOPS["a sign-in page with 200"]
    envelope, _ = stopped(fault)
    stage.proxy.play()
    resumed = command("run", "--resume", envelope["run_id"], "--json")
    assert resumed.code == 0
    assert "384,400 km" in json.loads(resumed.out)["output"]["content"]
    assert stage.sandbox.billed_runs == billed + 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_a_terminal_stops_a_run_as_a_service_manager_does(
    stopped: Stopped, name: str
) -> None:
    """Each signal has its exit code."""
    fault, _ = STOPS["accepted"]
    envelope, _ = stopped(fault, name)
    assert envelope["status"] == "cancelled"
