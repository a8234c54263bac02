"""The commands of connectors, which their manifests describe."""

import copy
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.catalogue import manifests
from tests.cli.conftest import Command
from tests.cli.fakes import DESCRIPTION, ENTRY, FakeHost, envelope
from tests.cli.ledger import FakeLedger

LOOK: dict[str, Any] = {
    "name": "peek",
    "words": "/query",
    "examples": ["moon -z xl"],
    "values": {"messages": [{}, {"role": "user"}], "options": {}, "stream": False},
    "options": [
        {"name": "size", "short": "z", "field": "/size", "setting": "default_size"},
        {"name": "rules", "field": "/messages/0/content", "without": "/messages/0"},
        {"name": "depth", "field": "/options/depth", "without": "/options"},
        {"name": "plan", "field": "/options", "file": True, "without": "/options"},
        {"name": "also", "field": "/query", "help": "More of them."},
    ],
    "continues": {"field": "/previous", "output": "/id"},
}
SETTING = {
    "name": "default_size",
    "title": "Size",
    "description": "",
    "env": "TOY_SIZE",
    "default": "small",
}
PEEK = {"command": {"name": "peek", "summary": "Peek."}}
ONE = {"messages": [{"role": "user"}], "stream": False, "size": "small"}


@pytest.fixture(autouse=True)
def peek(host: FakeHost) -> dict[str, Any]:
    """The command of the toy's action, which a test may change."""
    description: Any = copy.deepcopy(DESCRIPTION)
    description["action"]["command"] = copy.deepcopy(LOOK)
    description["connector"]["settings"] = [SETTING]
    host.description = description
    host.entries = [ENTRY | PEEK]
    command: dict[str, Any] = description["action"]["command"]
    return command


@pytest.mark.parametrize(
    ("arguments", "stdin", "wanted"),
    [
        (["moon"], "", {"query": "moon"}),
        (["[1]"], "", {"query": "[1]"}),
        (["moon", "sun"], "", {"query": ["moon", "sun"]}),
        (["-"], "moon\n\nsun\n", {"query": ["moon", "sun"]}),
        (["-"], "moon\n", {"query": "moon"}),
        (["moon", "-z", "xl"], "", {"query": "moon", "size": "xl"}),
        (
            ["moon", "--rules", "Be brief."],
            "",
            {
                "query": "moon",
                "messages": [{"content": "Be brief."}, {"role": "user"}],
            },
        ),
        (["moon", "--depth", "3"], "", {"query": "moon", "options": {"depth": 3}}),
        (
            ["moon", "--plan", "-"],
            '{"depth": 4}',
            {"query": "moon", "options": {"depth": 4}},
        ),
        (
            ["moon", "--also", "sun", "--also", '["mars", "io"]'],
            "",
            {"query": ["sun", "mars", "io"]},
        ),
        (
            ["moon", "-f", "size=xl", "--field", "options.depth=2"],
            "",
            {"query": "moon", "size": "xl", "options": {"depth": 2}},
        ),
    ],
)
def test_words_and_options_fill_the_input(
    command: Command,
    host: FakeHost,
    arguments: list[str],
    stdin: str,
    wanted: dict[str, Any],
) -> None:
    """Above the fixed values; a part whose option is not given is left out."""
    assert command("peek", *arguments, stdin=stdin.encode()).code == 0
    assert host.input == ONE | wanted
    assert host.runs[-1][1][:2] == ("toy", "look")


def test_missing_words_with_a_pipe_name_the_word_for_stdin(command: Command) -> None:
    """On a terminal, nothing waits there."""
    piped, typed = command("peek"), command("peek", terminal=True)
    assert (piped.code, typed.code) == (2, 2)
    assert " -." in piped.err
    assert " -." not in typed.err


def test_words_of_a_text_are_joined_and_stdin_is_one_of_them(
    command: Command, host: FakeHost, peek: dict[str, Any]
) -> None:
    """With all its lines but the end of the last."""
    peek["words"] = "/messages/1/content"
    assert command("peek", "Sum", "up:", "-", stdin=b"One.\nTwo.\n").code == 0
    assert host.input["messages"] == [{"role": "user", "content": "Sum up: One.\nTwo."}]


def test_words_are_read_by_a_schema_that_takes_no_text(
    command: Command, host: FakeHost, peek: dict[str, Any]
) -> None:
    """A number, or a list of numbers."""
    host.description["schemas"]["input"] = {
        "properties": {
            "one": {"type": "integer"},
            "some": {"type": "array", "items": {"type": "integer"}},
        }
    }
    peek["options"] = []
    for name, words, value in (("one", ["3"], 3), ("some", ["3", "4"], [3, 4])):
        peek["words"] = f"/{name}"
        assert command("peek", *words).code == 0
        assert host.input[name] == value
    peek["words"] = "/some"
    command("peek", "3")
    assert host.input["some"] == [3]


def test_a_setting_is_the_value_of_an_option_that_is_not_given(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its variable, else its default; help shows it."""
    monkeypatch.setenv("TOY_SIZE", "xl")
    assert command("peek", "moon").code == 0
    assert host.input["size"] == "xl"
    assert "xl" in command("peek", "--help").out
    monkeypatch.setenv("TOY_SIZE", "")
    del host.description["connector"]["settings"][0]["default"]
    command("peek", "moon")
    assert "size" not in host.input


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("",),
        ("moon", "-z", "small", "-z", "xl"),
        ("moon", "--depth"),
        ("moon", "--plan", "missing.json"),
        ("moon", "--plan", "broken.json"),
        ("moon", "--plan", "large.json"),
        ("moon", "--nonsense"),
        ("moon", "-f", "nonsense"),
        ("moon", "--timeout", "0"),
        ("moon", "--sandbox", "--connection", "Mine"),
        ("moon", "--sandbox", "-c"),
        ("moon", "-c"),
    ],
)
def test_a_mistake_in_a_command_ends_with_two_and_runs_nothing(
    command: Command,
    host: FakeHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    """In words on stderr."""
    monkeypatch.chdir(tmp_path)
    Path("broken.json").write_text('{"depth": ', encoding="utf-8")
    Path("large.json").write_text('{"depth": 1e999}', encoding="utf-8")
    outcome = command("peek", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err
    assert host.runs == []


def test_a_command_does_with_its_result_as_run_does(
    command: Command, host: FakeHost
) -> None:
    """The same output, and the options of the run."""
    host.script = [envelope(output={"content": "Far."})]
    assert command("peek", "moon").out.splitlines()[0] == "Far."
    assert json.loads(command("peek", "moon", "--json").out) == host.script[0]
    assert command("peek", "moon", "--sandbox", "--timeout", "5").code == 0
    assert host.runs[-1][2]["timeout"] == 5
    assert host.options[-1]["sandbox"]


def test_a_command_goes_on_from_the_last_run(
    command: Command, host: FakeHost, ledger: FakeLedger
) -> None:
    """The newest that succeeded over the environment's connection, outside the sandbox."""
    first, other = (
        envelope(output={"id": name, "content": "Far."}) for name in ("a", "b")
    )
    ledger.keep("run_1", state="done", output=first)
    ledger.keep("run_2", state="failed", output=None)
    ledger.keep("run_3", state="done", output=other, is_sandbox=True)
    ledger.keep("run_4", state="done", output=other, connection="Mine")
    ledger.keep("run_5", state="done", output=other, flow_id="flow_1")
    ledger.keep("run_6", state="done", output=other, action="hear")
    assert command("peek", "-c", "more").code == 0
    assert host.input["previous"] == "a"


@pytest.mark.parametrize("output", [{}, {"id": ""}, {"id": None}])
def test_a_last_run_without_an_id_cannot_be_continued(
    command: Command, host: FakeHost, ledger: FakeLedger, output: dict[str, Any]
) -> None:
    """Nor can one whose content is erased."""
    ledger.keep("run_1", state="done", output=envelope(output=output))
    assert command("peek", "-c", "more").code == 2
    ledger.keep("run_2", state="done", output=None)
    assert command("peek", "-c", "more").code == 2
    assert host.runs == []


def test_an_action_without_a_last_run_to_use_has_no_option_for_it(
    command: Command, peek: dict[str, Any]
) -> None:
    """Its command does not know --continue."""
    del peek["continues"]
    assert command("peek", "-c", "more").code == 2
    assert "--continue" not in command("peek", "--help").out


def pairs(shown: str) -> set[str]:
    """Each two words of a text that follow each other."""
    words = shown.split()
    return set(map(" ".join, pairwise(words)))


def test_help_has_the_commands_of_connectors(command: Command) -> None:
    """Each with its words and options, from the manifest or the schema."""
    assert "peek " in command("--help").out
    for flag in ("-h", "--help"):
        shown = command("peek", flag).out
        texts = ("What to look for.", "More of them.", "peek moon -z xl")
        assert all(text in shown for text in texts)
        assert {"--depth N", "--plan FILE", "--also VALUE"} <= pairs(shown)


def test_a_manifest_is_refused_the_options_that_every_command_has(
    command: Command, peek: dict[str, Any]
) -> None:
    """Discovery knows them by a list, since it does not import the command line."""
    peek["options"] = []
    _, _, shown = command("peek", "-h").out.partition("Options:")
    names = re.findall(r"^  -(?:([a-z]), -)?-([a-z]+)", shown, re.MULTILINE)
    assert {name for pair in names for name in pair if name} == manifests._OWN_OPTIONS


def test_the_help_of_a_command_has_its_own_summary(command: Command) -> None:
    """In place of the action's, as in the list of commands."""
    shown = command("peek", "-h").out
    assert PEEK["command"]["summary"] in shown
    assert ENTRY["summary"] not in shown


def test_a_command_may_have_no_examples(command: Command, peek: dict[str, Any]) -> None:
    """Its help has no heading for them."""
    assert "Examples:" in command("peek", "--help").out
    del peek["examples"]
    assert "Examples:" not in command("peek", "--help").out


def test_names_of_this_program_win_and_two_claims_get_their_connectors_name(
    command: Command, host: FakeHost
) -> None:
    """Neither of the two has the short one."""
    other = ENTRY | {"connector": "other"}
    host.entries = [
        ENTRY | PEEK,
        other | PEEK,
        other | {"action": "go", "command": {"name": "run", "summary": "Go."}},
    ]
    assert command("peek", "moon").code == 2
    host.entries = [
        *host.entries[:2],
        other | {"action": "go", "command": {"name": "usage", "summary": "Go."}},
    ]
    shown = command("--help").out
    assert all(name in shown for name in ("toy:peek ", "other:peek ", "other:usage "))
    assert command("toy:peek", "moon").code == 0
    assert command("usage").code == 0
    assert len(host.runs) == 1


def test_no_manifest_is_read_for_a_command_of_this_program(
    command: Command, host: FakeHost
) -> None:
    """Only for another word, which is an error if no connector has it."""
    assert command("usage").code == 0
    assert host.options == []
    unknown = command("peak")
    assert unknown.code == 2
    assert "peek?" in unknown.err
    assert "peak" not in unknown.err


def test_an_action_that_cannot_be_described_is_named(
    command: Command, host: FakeHost
) -> None:
    """The list of commands is still shown."""
    host.description = ConnectorError(ErrorCode.INTERNAL, "No schema.")
    assert command("peek", "moon").code == 1
    assert command("--help").code == 0


@pytest.mark.parametrize("words", ["/messages/5/content", "/stream/on"])
def test_a_command_whose_words_have_no_place_is_a_fault_of_its_connector(
    command: Command, host: FakeHost, peek: dict[str, Any], words: str
) -> None:
    """Nothing is sent."""
    peek["words"] = words
    assert command("peek", "moon").code == 1
    assert host.runs == []
