"""The command line with the installed connector, against the sandbox over loopback."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.cli.conftest import Command

CHAT = ("run", "create_chat_completion", "--example", "--sandbox")
SEARCH = ("run", "execute_search", "--sandbox")


def ask(words: str) -> tuple[str, ...]:
    """A chat with one message."""
    return (
        "run",
        "create_chat_completion",
        "--sandbox",
        "model=sonar",
        *message(words),
    )


def message(words: str) -> tuple[str, str]:
    """The fields of that message."""
    return ("messages.0.role=user", f"messages.0.content={words}")


@pytest.fixture(autouse=True)
def _no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PERPLEXITY_API_KEY", "PERPLEXITY_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_a_question_is_answered_with_sources_and_cost(
    command: Command, flags: tuple[str, ...]
) -> None:
    """No key, no network: an answer, numbered sources, one line of totals."""
    outcome = command(*CHAT, *flags)
    assert outcome.code == 0
    answer, sources, totals = outcome.out.split("\n\n")
    assert "384,400 km" in answer
    assert sources.startswith("[1] ")
    assert re.fullmatch(r"\d+ tokens \(.+\), \d\.\d+ USD, \d+\.\d s\n", totals)


def test_streamed_events_add_up_to_the_answer(command: Command) -> None:
    """One JSON document per line, rising in `seq`, the envelope last."""
    *events, last = map(
        json.loads, command(*CHAT, "--stream", "--json").out.splitlines()
    )
    assert last["type"] == "run.finished"
    envelope = last["envelope"]
    text = "".join(event.get("text", "") for event in events)
    assert text == envelope["output"]["content"]
    assert [event["seq"] for event in events] == sorted(
        {event["seq"] for event in events}
    )
    assert "seq" not in last
    assert envelope["status"] == "succeeded"


def test_several_queries_are_searched(command: Command) -> None:
    """A list of queries on the command line, grouped in what is shown."""
    outcome = command(
        *SEARCH, 'query=["moon distance", "jupiter moons"]', "max_results=2"
    )
    assert outcome.code == 0
    assert outcome.out.count("Results for ") == 2
    assert outcome.out.count("https://") == 4


def test_a_search_that_partly_failed_is_printed_and_exits_with_six(
    command: Command,
) -> None:
    """With what it cost by the price list, and the query that failed."""
    outcome = command(*SEARCH, 'query=["moon distance", "jupiter sandbox:html"]')
    assert outcome.code == 6
    assert outcome.out.count("Results for ") == 2
    assert "https://" in outcome.out
    assert "about 0.005 USD" in outcome.out
    assert "(query_failed)" in outcome.err


def test_nested_fields_reach_the_action(command: Command) -> None:
    """A wrong one is pointed at by its pointer, with every other wrong field."""
    outcome = command(
        *CHAT,
        "web_search_options.search_context_size=vast",
        "top_k=3",
        "no_such=1",
        "--json",
    )
    assert outcome.code == 2
    error = json.loads(outcome.out)["error"]
    codes = {field["pointer"]: field["code"] for field in error["fields"]}
    assert codes == {
        "/web_search_options/search_context_size": "enum",
        "/top_k": "withdrawn",
        "/no_such": "unknown_field",
    }
    assert all(f"\n{pointer}: " in outcome.err for pointer in codes)


@pytest.mark.parametrize(
    ("key", "code"),
    [("pplx-test-wrong", 3), ("pplx-test-no-credit", 3), ("pplx-test-organisation", 3)],
)
def test_a_refused_key_ends_with_three_and_is_not_repeated(
    command: Command, monkeypatch: pytest.MonkeyPatch, key: str, code: int
) -> None:
    """A test key from the environment chooses the failure; it stands in no output."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", key)
    outcome = command(*SEARCH, "query=moon", "--json")
    assert outcome.code == code
    assert key not in outcome.out + outcome.err


def test_a_real_key_is_never_sent_to_the_sandbox(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox refuses keys it does not know, so this one did not reach it."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-a-real-one")
    assert command(*SEARCH, "query=moon").code == 0


def test_without_a_key_a_run_is_refused(command: Command) -> None:
    """Before anything is sent."""
    assert command("run", "execute_search", "query=moon").code == 3


def test_a_base_url_that_is_not_safe_is_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is not sent in the clear."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-a-real-one")
    monkeypatch.setenv("PERPLEXITY_BASE_URL", "http://perplexity.example")
    assert command("run", "execute_search", "query=moon").code == 2


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_what_a_failed_run_has_written_is_kept(
    command: Command, flags: tuple[str, ...]
) -> None:
    """It has been paid for: shown once, with its sources, and the exit code of the failure."""
    outcome = command(*ask("sandbox:failed moon"), *flags)
    assert outcome.code == 5
    assert outcome.out.count("The Moon is on average") == 1


def test_a_warning_is_told_beside_the_answer(command: Command) -> None:
    """A mark in the answer that no source has."""
    outcome = command(*ask("sandbox:no-source moon"))
    assert outcome.code == 0
    assert outcome.err.count("warning: ") == 1


def process(*arguments: str) -> "subprocess.Popen[str]":
    """The command as a process of its own, its streams piped."""
    return subprocess.Popen(
        [sys.executable, "-m", "perplexity_connector", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_stops_a_process_that_is_answering() -> None:
    """Exit code 130; what was written stays, and no traceback stands on stderr."""
    with process(*ask("sandbox:slow moon"), "--stream") as running:
        assert running.stdout
        assert running.stderr
        first = running.stdout.read(1)
        running.send_signal(signal.SIGINT)
        out, err = running.stdout.read(), running.stderr.read()
    assert running.returncode == 130
    assert first
    assert out.endswith("\n")
    assert err.count("\n") == 3


def test_a_reader_that_leaves_ends_a_process_quietly() -> None:
    """As `| head -1` does."""
    with process(*ask("sandbox:slow moon"), "--stream", "--json") as running:
        assert running.stdout
        assert running.stderr
        assert json.loads(running.stdout.readline())
        running.stdout.close()
        err = running.stderr.read()
    assert running.returncode == 0
    assert err.count("\n") == 1


def test_a_question_is_asked_in_words(command: Command) -> None:
    """With the default model, under rules of its own."""
    asked = command("ask", "How", "far?", "-s", "Be brief.", "--sandbox", "--json")
    assert asked.code == 0
    assert json.loads(asked.out)["output"]["model"] == "sonar-pro"


def test_an_answer_follows_the_schema_of_a_file(
    command: Command, tmp_path: Path
) -> None:
    """And is shown as JSON."""
    file = tmp_path / "schema.json"
    schema = {"type": "object", "properties": {"km": {"type": "integer"}}}
    file.write_text(json.dumps(schema), encoding="utf-8")
    asked = command("ask", "How far?", "--schema", str(file), "--sandbox", "--json")
    assert asked.code == 0
    assert "km" in json.loads(asked.out)["output"]["parsed"]


def test_several_words_are_several_searches(command: Command) -> None:
    """Each with as many results as are wanted."""
    outcome = command("search", "moon distance", "jupiter moons", "-n2", "--sandbox")
    assert outcome.code == 0
    assert outcome.out.count("Results for ") == 2
    assert outcome.out.count("https://") == 4


def test_an_answer_is_continued_over_the_same_address(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the id that the provider gave it."""
    with Sandbox() as sandbox:
        monkeypatch.setenv("PERPLEXITY_BASE_URL", sandbox.url)
        monkeypatch.setenv("PERPLEXITY_API_KEY", GOOD_KEY)
        assert command("ask", "How far away is the Moon?").code == 0
        assert command("ask", "-c", "And the Sun?").code == 0
