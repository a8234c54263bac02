"""`run-flow`: inputs, a part of a flow with kept outputs, and a flow that was cut short."""

import functools
import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode, FieldError
from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.workbench import saved_flows
from tests.cli.conftest import Command, Outcome
from tests.cli.fakes import envelope, failed
from tests.cli.flow_host import (
    FlowHost,
    ended,
    flow_ended,
    flow_started,
    started,
    used_flow_host,
)
from tests.cli.flow_ledger import FLOW, FLOW_ID, STEP
from tests.cli.ledger import FakeLedger

Document = dict[str, Any]
OTHER_ID = f"flow_{'2' * 32}"


def step(id: str, connector: str = "toy") -> Document:
    """A saved step."""
    return {"id": id, "connector": connector, "action": "look", "input": {}}


SCHEMA = {
    "type": "object",
    "properties": {
        "company": {"type": "string"},
        "years": {"type": "array", "items": {"type": "integer"}},
        "deep": {"type": "boolean"},
    },
}
BRIEFING: Document = {
    "flow_version": 2,
    "inputs": SCHEMA,
    "steps": [step("search"), step("ask"), step("sum")],
}


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FlowHost:
    """A host that plays a flow of one step."""
    return used_flow_host(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A saved flow."""
    file = tmp_path / "briefing.json"
    file.write_text(json.dumps(BRIEFING), encoding="utf-8")
    return file


def asked(host: FlowHost, name: str) -> Any:
    """What the host got for an option."""
    return host.given[name]


# Inputs


def test_inputs_are_read_by_the_schema_of_the_flow(
    command: Command, host: FlowHost, file: Path
) -> None:
    """As the fields of `run`: text, JSON, dots, and always JSON after `:=`."""
    values = ("company=ACME", "years.0=2024", "deep=true", "more:=[1]")
    assert command("run-flow", str(file), *values).code == 0
    assert asked(host, "inputs") == {
        "company": "ACME",
        "years": [2024],
        "deep": True,
        "more": [1],
    }
    assert command("run-flow", str(file)).code == 0
    assert "inputs" not in host.given


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("value", ["company", "years=[", "deep.x=1"])
def test_an_input_that_cannot_be_read_is_named_by_its_place(
    command: Command, file: Path, value: str
) -> None:
    """The value is not repeated: it may be a key."""
    outcome = command("run-flow", str(file), "deep=true", value)
    assert outcome.code == 2
    assert "2" in outcome.err
    assert value not in outcome.err


# A flow of the workbench


def test_a_flow_that_the_workbench_has_saved_is_run_by_its_name(
    command: Command,
    host: FlowHost,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With or without the extension; its runs are those of its file."""
    monkeypatch.setenv("AUTOMATION_HOST_FLOWS", str(tmp_path))
    monkeypatch.chdir("/")
    for name in ("briefing", "briefing.json"):
        assert command("run-flow", name).code == 0
        assert asked(host, "source") == str(file)


@pytest.mark.usefixtures("host")
def test_a_name_of_no_flow_is_refused_with_the_nearest_one(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is not looked up."""
    monkeypatch.setenv("AUTOMATION_HOST_FLOWS", str(file.parent))
    outcome = command("run-flow", "briefin")
    assert outcome.code == 2
    assert "briefing" in outcome.err
    assert command("run-flow", "./briefing").code == 2


@pytest.mark.usefixtures("host")
def test_without_a_home_folder_no_flow_is_saved(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is unknown then."""

    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.setattr(saved_flows, "flows_folder", no_home)
    assert command("run-flow", "briefing").code == 2


# A part


@pytest.mark.parametrize(
    ("flags", "name"), [(("--only", "ask"), "only"), (("--from", "ask"), "from_step")]
)
def test_a_part_uses_the_outputs_of_the_last_run_of_the_file(
    command: Command,
    host: FlowHost,
    ledger: FakeLedger,
    file: Path,
    flags: tuple[str, ...],
    name: str,
) -> None:
    """By its real path, however it is typed; the whole flow is not checked first."""
    ledger.known_flows = [replace(FLOW, source=str(file), status="succeeded")]
    host.validate_flow = pytest.fail
    typed = file.parent / "." / ".." / file.parent.name / file.name
    for more in ((), ("--with", "last")):
        outcome = command("run-flow", str(typed), *flags, *more)
        assert outcome.code == 0
        assert asked(host, name) == "ask"
        assert asked(host, "outputs") == FLOW_ID
        assert asked(host, "source") == str(file)
        assert "0.25 USD" in outcome.err


def test_the_price_of_a_part_of_version_1_is_shown(
    command: Command, host: FlowHost, ledger: FakeLedger
) -> None:
    """A whole flow of version 1 shows none, as before."""
    document = json.dumps(BRIEFING | {"flow_version": 1}).encode()
    ledger.known_flows = [FLOW]
    assert "USD" not in command("run-flow", "-", stdin=document).err
    command("run-flow", "-", "--only", "ask", "--with", FLOW_ID, stdin=document)
    assert [call[0] for call in host.calls] == ["stream", "price", "stream"]


def test_only_hints_of_the_steps_that_run_are_shown(
    command: Command, host: FlowHost, file: Path
) -> None:
    """And only their connectors need a sandbox."""
    host.hinted = ["search", "ask", "sum"]
    document = BRIEFING | {
        "steps": [step("search", "other"), step("ask"), step("sum")],
    }
    file.write_text(json.dumps(document), encoding="utf-8")
    for flags, count in (("--only", 1), ("--from", 2)):
        outcome = command("run-flow", str(file), flags, "ask", "--sandbox")
        assert outcome.code == 0
        assert outcome.err.count("hint") == count
    # An unknown step is the host's to refuse.
    assert command("run-flow", str(file), "--from", "none").err.count("hint") == 0


@pytest.mark.parametrize(
    "document",
    [
        {"search": {"results": []}},
        {
            "flow_version": 2,
            "steps": [
                {"id": "search", "envelope": envelope(output={"results": []})},
                {"id": "ask", "envelope": failed("timeout")},
            ],
        },
    ],
)
def test_outputs_can_come_from_a_file(
    command: Command, host: FlowHost, file: Path, tmp_path: Path, document: Document
) -> None:
    """Of `run-flow --json`, or outputs by step; a step that failed has none."""
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(document), encoding="utf-8")
    words = ("run-flow", str(file), "--only", "ask", "--with")
    assert command(*words, str(kept)).code == 0
    assert asked(host, "outputs") == {"search": {"results": []}}
    assert command(*words, str(tmp_path / "none.json")).code == 2
    kept.write_text("[]", encoding="utf-8")
    assert command(*words, str(kept)).code == 2


def test_outputs_can_come_from_a_run_of_the_ledger(
    command: Command, host: FlowHost, ledger: FakeLedger, file: Path
) -> None:
    """An unknown one is refused; outputs of a sandbox are named as such, but not in a sandbox."""
    ledger.known_flows = [replace(FLOW, is_sandbox=True)]
    words = ("run-flow", str(file), "--only", "ask", "--with")
    outcome = command(*words, FLOW_ID)
    assert asked(host, "outputs") == FLOW_ID
    assert outcome.err.count("warning") == 1
    assert "warning" not in command(*words, FLOW_ID, "--sandbox").err
    assert command(*words, OTHER_ID).code == 2


def test_a_last_run_whose_content_is_erased_keeps_no_part_from_running(
    command: Command, host: FlowHost, ledger: FakeLedger, file: Path
) -> None:
    """A first step needs no output. If the run is asked for, the host says what is wrong with it."""
    erased = replace(FLOW, document=None, inputs=None, content_erased=True)
    ledger.known_flows = [replace(erased, source=str(file))]
    words = ("run-flow", str(file), "--only", "search")
    assert command(*words).code == 0
    assert asked(host, "outputs") is None
    command(*words, "--with", "last")
    assert asked(host, "outputs") == FLOW_ID


def test_without_a_last_run_only_a_needed_output_is_missed(
    command: Command, host: FlowHost, ledger: FakeLedger, file: Path
) -> None:
    """The error says how to get one; a ledger that cannot be read has none."""
    words = ("run-flow", str(file), "--only", "ask")
    assert command(*words).code == 0
    assert asked(host, "outputs") is None
    assert command(*words, "--with", "last").code == 2
    assert command("run-flow", "-", "--only", "ask", "--with", "last").code == 2
    ledger.problem = LedgerError("It is damaged.")
    assert command(*words).code == 0
    ledger.problem = None
    error = FieldError(pointer="/steps/1/input/x", code="no_output", message="Gone.")
    host.refusal = ConnectorError(ErrorCode.INVALID_INPUT, "No.", fields=[error])
    outcome = command(*words)
    assert outcome.code == 2
    assert "--with" in outcome.err


def test_a_part_takes_the_inputs_of_the_run_whose_outputs_it_uses(
    command: Command, host: FlowHost, ledger: FakeLedger, file: Path
) -> None:
    """That is said. One input that is given replaces them all."""
    ledger.known_flows = [replace(FLOW, source=str(file), status="succeeded")]
    words = ("run-flow", str(file), "--only", "ask")
    assert FLOW_ID in command(*words).err
    assert asked(host, "inputs") == {"company": "ACME"}
    assert FLOW_ID not in command(*words, "deep=true").err
    assert asked(host, "inputs") == {"deep": True}


@pytest.mark.parametrize("flags", [(), ("--json",), ("--json", "--stream")])
def test_a_refusal_of_the_host_names_step_and_field(
    command: Command, host: FlowHost, file: Path, flags: tuple[str, ...]
) -> None:
    """An error in the inputs, or one of the flow itself, has its pointer alone."""
    pointers = ("/steps/1/input/x", "/steps/1", "/company", "/steps/7/id")
    host.refusal = ConnectorError(
        ErrorCode.INVALID_INPUT,
        "The flow is not valid.",
        fields=[
            FieldError(pointer=one, code="type", message="No.") for one in pointers
        ],
    )
    outcome = command("run-flow", str(file), "--from", "ask", *flags)
    assert outcome.code == 2
    assert [line.split(":")[0] for line in outcome.err.splitlines()[-4:]] == [
        "step ask, /x",
        "step ask",
        "/company",
        "/steps/7/id",
    ]
    if flags:
        errors = json.loads(outcome.out)["errors"]
        assert [error["step"] for error in errors] == ["ask", "ask", None, None]


def test_another_refusal_of_the_host_is_a_line(
    command: Command, host: FlowHost, file: Path
) -> None:
    """With its own exit code."""
    host.refusal = ConnectorError(ErrorCode.UNAVAILABLE, "Busy.")
    assert command("run-flow", str(file)).code == 4


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("FILE", "--only", "a", "--from", "a"),
        ("FILE", "--with", "last"),
        ("FILE", "--retry", "unsure"),
        ("FILE", "--resume", "last"),
        ("--resume", FLOW_ID, "--only", "a"),
        ("--resume", FLOW_ID, "--with", "last"),
        ("--resume", FLOW_ID, "--retry", "failed"),
        ("--resume", OTHER_ID),
        ("--resume", FLOW_ID, "--sandbox"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    command: Command, ledger: FakeLedger, file: Path, flags: tuple[str, ...]
) -> None:
    """Before anything is sent."""
    ledger.known_flows = [FLOW]
    words = (str(file) if flag == "FILE" else flag for flag in flags)
    outcome = command("run-flow", *words)
    assert (outcome.code, outcome.out) == (2, "")


# Going on


@pytest.mark.parametrize("name", [FLOW_ID, "last"])
@pytest.mark.parametrize("words", [("run-flow", "--resume"), ("runs", "resume")])
def test_a_flow_that_was_cut_short_goes_on(
    command: Command,
    host: FlowHost,
    ledger: FakeLedger,
    words: tuple[str, ...],
    name: str,
) -> None:
    """Without its file; nothing but its id is asked for."""
    ledger.known_flows = [replace(FLOW, flow_id=OTHER_ID, status="succeeded"), FLOW]
    assert command(*words, name).code == 0
    assert host.calls[0][:2] == ("resume", FLOW_ID)
    assert host.given["retry"] is None


def test_an_unsure_step_is_paid_again_only_on_request(
    command: Command, host: FlowHost, ledger: FakeLedger
) -> None:
    """Like an unsure row of a table."""
    ledger.known_flows = [FLOW]
    command("run-flow", "--resume", FLOW_ID, "--retry", "unsure")
    assert host.given["retry"] == "unsure"


def test_without_an_unfinished_flow_last_is_the_newest(
    command: Command, host: FlowHost, ledger: FakeLedger
) -> None:
    """One that failed can go on; without any, there is nothing to do."""
    assert command("run-flow", "--resume", "last").code == 2
    ledger.known_flows = [replace(FLOW, status="failed")]
    assert command("run-flow", "--resume", "last").code == 0
    assert host.calls[0][1] == FLOW_ID


@pytest.mark.parametrize(
    "parts",
    [{"status": "succeeded"}, {"document": None}, {"is_sandbox": True}, {"row_id": 7}],
)
def test_a_flow_that_cannot_go_on_is_refused(
    command: Command, host: FlowHost, ledger: FakeLedger, parts: Document
) -> None:
    """It has succeeded, its content is erased, its sandbox is gone, or it goes on with its table."""
    ledger.known_flows = [replace(FLOW, **parts)]
    assert command("run-flow", "--resume", FLOW_ID).code == 2
    assert host.calls == []


def test_a_flow_of_a_sandbox_goes_on_in_a_new_one(
    command: Command, host: FlowHost, ledger: FakeLedger
) -> None:
    """Its finished steps are kept, so nothing of the old one is needed."""
    ledger.known_flows = [replace(FLOW, is_sandbox=True)]
    assert command("run-flow", "--resume", FLOW_ID, "--sandbox").code == 0
    assert host.options[-1]["sandbox"] is True


def test_the_newest_unfinished_entry_goes_on(
    command: Command, host: FlowHost, ledger: FakeLedger
) -> None:
    """A run of the flow is part of it; another run that is newer counts by itself."""
    ledger.known_flows = [FLOW]
    ledger.keep("run_1", created_at=FLOW.created_at - 1)
    assert command("runs", "resume", "last").code == 0
    ledger.keep("run_1", created_at=FLOW.created_at + 1, flow_id=FLOW_ID)
    assert command("runs", "resume", "last").code == 0
    assert [call[1] for call in host.calls] == [FLOW_ID, FLOW_ID]
    ledger.keep("run_2", created_at=FLOW.created_at + 2)
    command("runs", "resume", "last")
    ledger.known_flows = [replace(FLOW, status="succeeded")]
    ledger.keep("run_3", created_at=FLOW.created_at + 3, flow_id=FLOW_ID)
    command("runs", "resume", "last")
    assert len(host.calls) == 2
    assert [run[2]["run_id"] for run in host.runs] == ["run_2", "run_3"]


def test_run_resume_says_how_to_go_on_with_a_flow(
    command: Command, ledger: FakeLedger
) -> None:
    """It takes runs alone."""
    ledger.known_flows = [FLOW]
    outcome = command("run", "--resume", FLOW_ID)
    assert outcome.code == 2
    assert "run-flow --resume" in outcome.err


# The words about it


def resumable(outcome: Outcome) -> bool:
    """Whether the flow is named with the command that goes on with it."""
    return f"run-flow --resume {FLOW_ID}" in outcome.err


@pytest.fixture
def own_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flows of the commands have the id of the ledger's flow."""
    place = "perplexity_connector.cli.flow_running.new_flow_id"
    monkeypatch.setattr(place, lambda: FLOW_ID)


@pytest.mark.usefixtures("own_id")
def test_a_flow_that_did_not_succeed_can_go_on(
    command: Command, host: FlowHost, ledger: FakeLedger, file: Path
) -> None:
    """If the ledger has it with its content; on a sandbox, with one."""
    end = [flow_started(), started("ask"), ended("ask", failed("timeout"))]
    host.items = [*end, flow_ended("failed")]
    words = ("run-flow", str(file))
    assert not resumable(command(*words))
    ledger.known_flows = [replace(FLOW, status="failed")]
    assert resumable(command(*words))
    ledger.known_flows = [replace(FLOW, status="failed", is_sandbox=True)]
    assert f"{FLOW_ID} --sandbox" in command(*words).err
    unsure = (replace(STEP, run_state="unsure"),)
    ledger.known_flows = [replace(FLOW, status="failed", steps=unsure)]
    assert "--retry unsure" in command(*words).err
    ledger.known_flows = [replace(FLOW, status="failed", document=None)]
    assert not resumable(command(*words))
    ledger.problem = LedgerError("It is damaged.")
    assert not resumable(command(*words))


@pytest.mark.usefixtures("own_id")
def test_a_stopped_flow_can_go_on(
    command: Command, host: FlowHost, ledger: FakeLedger, file: Path
) -> None:
    """The host is asked to stop it by its id."""
    ledger.known_flows = [FLOW]
    stop = functools.partial(signal.raise_signal, signal.SIGTERM)
    host.items = [flow_started(), stop, started("ask")]
    outcome = command("run-flow", str(file))
    assert outcome.code == 143
    assert resumable(outcome)
    assert FLOW_ID in host.cancelled


@pytest.mark.usefixtures("host")
def test_after_a_crash_the_next_run_names_the_old_one(
    command: Command, ledger: FakeLedger, file: Path
) -> None:
    """One that has ended, or that a process works on, is not named."""
    for parts, count in (
        ({}, True),
        ({"is_running": True}, False),
        ({"status": "failed"}, False),
    ):
        ledger.known_flows = [replace(FLOW, source=str(file), **parts)]
        assert resumable(command("run-flow", str(file))) is count
