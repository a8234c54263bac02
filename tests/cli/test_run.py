import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode, FieldError, Hint
from tests.cli.conftest import Command
from tests.cli.fakes import DESCRIPTION, FakeHost, envelope, failed, finished

ANSWER = {"content": "Far away [1].", "citations": ["https://moon.example"]}
DELTAS = [
    {"type": "text.delta", "text": "Far ", "seq": 1},
    {"type": "text.delta", "text": "away [1].", "seq": 2},
]


def interrupt() -> None:
    """What Ctrl-C does."""
    signal.raise_signal(signal.SIGINT)


def test_fields_a_document_and_an_example_build_the_input_in_that_order(
    command: Command, host: FakeHost
) -> None:
    """Each lies on top of the one before."""
    outcome = command(
        "run", "look", "query=c", "--example", "--input", '{"query": "b", "size": "xl"}'
    )
    assert outcome.code == 0
    assert host.input == {"query": "c", "size": "xl"}
    command("run", "look", "--example")
    assert host.input == {"query": "moon"}


def test_a_document_comes_from_a_file_or_from_stdin(
    command: Command, host: FakeHost, tmp_path: Path
) -> None:
    """As UTF-8, with or without the mark that Windows puts before it."""
    file = tmp_path / "input.json"
    file.write_text('{"query": "é"}', encoding="utf-8-sig")
    command("run", "look", "--input", f"@{file}")
    assert host.input == {"query": "é"}
    command("run", "look", "--input", "-", stdin='{"query": "ü"}'.encode())
    assert host.input == {"query": "ü"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "no.such"),
        ("run", "look", "query"),
        ("run", "look", "--input", "{"),
        ("run", "look", "--input", "[]"),
        ("run", "look", "--input", "@no-such-file"),
        ("run", "look", "--input", "file.json"),
        ("run", "look", "--input", "@a\0b"),
        ("run", "look", "--input", "-"),
        ("describe", "no.such"),
    ],
)
@pytest.mark.parametrize("json_flag", [(), ("--json",)])
def test_a_mistake_in_the_command_line_ends_with_two_and_a_line(
    command: Command,
    host: FakeHost,
    arguments: tuple[str, ...],
    json_flag: tuple[str, ...],
) -> None:
    """Nothing is run, and stdout stays empty."""
    outcome = command(*arguments, *json_flag, stdin=b"\xff")
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") in (1, 2)
    assert host.runs == []


def test_a_file_without_its_mark_is_answered_with_the_mark(
    command: Command, host: FakeHost
) -> None:
    """The name is not repeated: it may be a key."""
    outcome = command("run", "look", "--input", "pplx-0123.json")
    assert (outcome.code, host.runs) == (2, [])
    assert "@" in outcome.err
    assert "pplx-0123" not in outcome.err


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(
    command: Command, host: FakeHost, timeout: str
) -> None:
    """Usage, exit code 2."""
    assert command("run", "look", "--timeout", timeout).code == 2
    assert host.runs == []


def test_an_example_is_refused_where_there_is_none(
    command: Command, host: FakeHost
) -> None:
    """An empty input would only look like the user's mistake."""
    host.description = DESCRIPTION | {"examples": []}
    assert command("run", "look", "--example").code == 2


def test_the_timeout_reaches_the_host(command: Command, host: FakeHost) -> None:
    """In seconds; left out, the manifest's counts. No connection is named, so the host takes the environment's."""
    command("run", "look", "--timeout", "2.5")
    assert (host.runs[-1][2]["connection"], host.runs[-1][2]["timeout"]) == (None, 2.5)
    command("run", "look")
    assert host.runs[-1][2]["timeout"] is None
    assert host.closed == 2


def test_an_answer_is_shown_with_sources_and_totals(
    command: Command, host: FakeHost
) -> None:
    """On stdout; nobody listens, since nothing would be shown."""
    host.script = [envelope(output=ANSWER, usage={"total_tokens": 5})]
    outcome = command("run", "look", "query=a")
    assert outcome.code == 0
    assert (
        outcome.out == "Far away [1].\n\n[1] https://moon.example\n\n5 tokens, 1.2 s\n"
    )
    assert outcome.err == ""
    assert host.runs[-1][0] == "run"


@pytest.mark.parametrize(
    "arguments", [("--stream",), ("stream=true",), ("--input", '{"stream": true}')]
)
def test_a_streamed_answer_is_written_as_it_comes(
    command: Command,
    host: FakeHost,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    """The flag asks for it, or the input; sources and totals follow at the end."""
    seen: list[str] = []
    host.script = [
        DELTAS[0],
        lambda: seen.append(capsys.readouterr().out),
        DELTAS[1],
        envelope(output=ANSWER),
    ]
    outcome = command("run", "look", *arguments)
    assert seen == ["Far "]
    assert outcome.out == "away [1].\n\n[1] https://moon.example\n\n1.2 s\n"


def test_json_is_one_document(command: Command, host: FakeHost) -> None:
    """The envelope and nothing else, readable; `stream` in the input changes nothing."""
    host.script = [*DELTAS, envelope(output={"content": "é"})]
    outcome = command("run", "look", "stream=true", "--json")
    assert json.loads(outcome.out) == host.script[-1]
    assert "é" in outcome.out
    assert outcome.out.startswith('{\n  "')


def test_streamed_json_is_one_event_per_line_with_the_envelope_last(
    command: Command, host: FakeHost, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line is there as soon as its event is."""
    seen: list[str] = []
    last = envelope(output=ANSWER)
    host.script = [
        DELTAS[0],
        lambda: seen.append(capsys.readouterr().out),
        DELTAS[1],
        last,
    ]
    outcome = command("run", "look", "--stream", "--json")
    assert [
        json.loads(line) for line in "".join([*seen, outcome.out]).splitlines()
    ] == [*DELTAS, finished(last)]
    assert seen[0].count("\n") == 1


def test_a_host_that_cannot_run_is_told_like_a_failed_run(
    command: Command, host: FakeHost
) -> None:
    """With its exit code, and no traceback."""
    field = FieldError(
        pointer="/settings/base_url", code="format", message="Must be https."
    )
    host.description = ConnectorError(ErrorCode.INVALID_INPUT, "No.", fields=[field])
    outcome = command("run", "look")
    assert outcome.code == 2
    assert "/settings/base_url" in outcome.err


def test_warnings_stand_on_stderr(command: Command, host: FakeHost) -> None:
    """The result stays clean, and the exit code says success."""
    host.script = [
        envelope(warnings=[{"code": "gap", "message": "A source is missing."}])
    ]
    outcome = command("run", "look")
    assert outcome.code == 0
    assert "gap" in outcome.err
    assert "gap" not in outcome.out


@pytest.mark.parametrize(
    "flags", [(), ("--stream",), ("--json",), ("--stream", "--json")]
)
def test_a_failed_run_is_told_on_stderr_with_its_exit_code(
    command: Command, host: FakeHost, flags: tuple[str, ...]
) -> None:
    """With or without JSON, which is the envelope all the same."""
    end = failed("rate_limited")
    host.script = [end]
    outcome = command("run", "look", *flags)
    assert outcome.code == 4
    assert "rate_limited" in outcome.err
    assert outcome.err.count("\n") == 1
    if "--json" in flags:
        shown = finished(end) if "--stream" in flags else end
        assert json.loads(outcome.out) == shown
    else:
        assert outcome.out == ""


def test_what_was_received_before_a_failure_is_shown(
    command: Command, host: FakeHost
) -> None:
    """On stdout, after a note; it has been paid for."""
    host.script = [failed("upstream_failed", partial={"content": "Far"})]
    outcome = command("run", "look")
    assert outcome.code == 5
    assert outcome.out == "Far\n"
    assert outcome.err.count("\n") == 2


@pytest.mark.parametrize(
    ("partial", "shown"),
    [
        ({"content": "Far away"}, "Far away\n"),
        ({"content": ""}, "Far \n"),
        (None, "Far \n"),
    ],
)
def test_what_was_streamed_before_a_failure_stays(
    command: Command, host: FakeHost, partial: object, shown: str
) -> None:
    """It is not shown twice, and its line is ended."""
    host.script = [DELTAS[0], failed("unavailable", partial=partial)]
    outcome = command("run", "look", "--stream")
    assert outcome.code == 4
    assert outcome.out == shown
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("flags", [("--stream",), ("--stream", "--json")])
def test_ctrl_c_ends_a_run_cleanly(
    command: Command, host: FakeHost, flags: tuple[str, ...]
) -> None:
    """The host is closed, what was streamed stays, the envelope is in the last of the lines, and two lines say so."""
    host.script = [DELTAS[0], interrupt, DELTAS[1], envelope()]
    outcome = command("run", "look", *flags)
    assert outcome.code == 130
    assert outcome.out.startswith("Far \n" if flags == ("--stream",) else '{"type"')
    assert outcome.out.count("\n") == len(flags)
    assert outcome.err.count("\n") == 2
    assert host.closed == 1


def test_a_run_that_the_host_cancelled_counts_as_interrupted(
    command: Command, host: FakeHost
) -> None:
    """A host may put the cancellation into its envelope."""
    host.script = [failed("cancelled") | {"status": "cancelled"}]
    assert command("run", "look").code == 130


@pytest.fixture
def broken_pipes() -> list[io.TextIOWrapper]:
    """Two streams that nobody reads any more, for stdout and stderr."""
    streams = []
    for _ in range(2):
        reader, writer = os.pipe()
        os.close(reader)
        streams.append(os.fdopen(writer, "w", encoding="utf-8"))
    return streams


def test_a_reader_that_leaves_ends_a_stream_quietly(
    command: Command,
    host: FakeHost,
    broken_pipes: list[io.TextIOWrapper],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`| head` has what it wanted: no traceback, nothing is left to be flushed."""
    monkeypatch.setattr(sys, "stdout", broken_pipes[0])
    monkeypatch.setattr(sys, "stderr", broken_pipes[1])
    host.script = [*DELTAS, envelope(output=ANSWER)]
    assert command("run", "look", "--stream").code == 0
    for stream in broken_pipes:
        stream.close()
    assert host.closed == 1


def test_a_failure_is_told_even_when_the_reader_of_the_result_has_left(
    command: Command,
    host: FakeHost,
    broken_pipes: list[io.TextIOWrapper],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The exit code stays the run's own."""
    monkeypatch.setattr(sys, "stdout", broken_pipes[0])
    host.script = [failed("not_found")]
    outcome = command("run", "look", "--json")
    assert outcome.code == 5
    assert "not_found" in outcome.err
    for stream in broken_pipes:
        stream.close()


def test_a_result_that_cannot_be_written_is_told_in_a_line(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is no bug of ours: no traceback, exit 1; a run without a checkpoint must be repeated."""
    full = Path("/dev/full").open("w", encoding="utf-8", buffering=1)  # noqa: SIM115 - closed below
    monkeypatch.setattr(sys, "stdout", full)
    host.script = [envelope(output=ANSWER)]
    outcome = command("run", "look")
    full.close()
    assert outcome.code == 1
    assert outcome.err.count("\n") == 2


@pytest.mark.parametrize("flags", [(), ("--json",), ("--stream",)])
def test_a_hint_is_a_line_before_the_run(
    command: Command, host: FakeHost, flags: tuple[str, ...]
) -> None:
    """On stderr, with its field. The run goes on, and stdout is as without it."""
    plain = command("run", "look", "query=moon", *flags)
    host.advice = [Hint(pointer="/size", message="Choose a\nsize.")]
    outcome = command("run", "look", "query=moon", *flags)
    (line,) = outcome.err.splitlines()
    assert "/size: Choose a size." in line
    assert (outcome.code, len(host.runs)) == (0, 2)
    assert outcome.out == plain.out


def test_a_connector_that_cannot_be_used_is_named_once(
    command: Command, host: FakeHost
) -> None:
    """By the run, not by its hints."""
    host.advice = ConnectorError(ErrorCode.INTERNAL, "It cannot be loaded.")
    host.script = [failed("internal")]
    outcome = command("run", "look", "query=moon")
    assert outcome.err.count("error") == 1
    assert len(host.runs) == 1
