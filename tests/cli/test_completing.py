"""A shell that asks gets the words that may come next; no word is printed for a mistake."""

from types import SimpleNamespace

import pytest

from tests.cli.conftest import Command
from tests.cli.ledger import FakeLedger

COMPLETE = "_PERPLEXITY_CONNECTOR_COMPLETE"
SEARCH = ("run", "execute_search")
CHAT = ("run", "create_chat_completion")


@pytest.fixture(autouse=True)
def _stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one stored connection whose name is a word of each shell."""
    names = ["Mine", "$(touch x)", "M;x", "M\\$(x)", "*", "M x", "M'", "`x`", "M\nx"]
    stored = [{"connection_name": name} for name in names]
    known = SimpleNamespace(list=lambda: stored)
    monkeypatch.setattr(
        "perplexity_connector.host.Host.connections", property(lambda _: known)
    )


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("ru",), {"run", "run-flow", "run-table", "runs"}),
        (("completion", ""), {"bash", "zsh", "fish", "powershell", "pwsh"}),
        (("run", "exec"), {"execute_search"}),
        ((*SEARCH, "max_r"), {"max_results="}),
        ((*SEARCH, "query=moon", "max_r"), {"max_results="}),
        ((*CHAT, "search", "=", "al"), {"always"}),
        ((*CHAT, "stream", "="), {"true", "false"}),
        ((*CHAT, "model", "=", "sonar-d"), {"sonar-deep-research"}),
        (("ask", "moon", "-f", "max_t"), {"max_tokens="}),
        (("ask", "moon", "-f", "stream", "="), {"true", "false"}),
        (("ask", "moon", "-f", "stream", "=", "t"), {"true"}),
        (("ask", "moon", "-m", "sonar-d"), {"sonar-deep-research"}),
        (("ask", "moon", "-s", ""), set[str]()),
        (("ask", "moon", ""), set[str]()),
        (("runs", "--status", "s"), {"sent", "succeeded"}),
        (("usage", "--by", "mo"), {"model"}),
        (("models", "sonar-d"), {"sonar-deep-research"}),
        (("run", "--connection", ""), {"Mine"}),
        (("test", "M"), {"Mine"}),
        (("runs", "show", ""), {"last", "run_1"}),
        (("run", "--timeout", ""), set[str]()),
        (("run", "nonsense", ""), set[str]()),
    ],
    # The order of a set differs between the processes of the tests.
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_bash_gets_the_words_that_may_come_next(
    command: Command,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    wanted: set[str],
) -> None:
    """Bash splits FIELD=VALUE at the sign."""
    ledger.keep("run_1")
    line = " ".join(("perplexity-connector", *words))
    monkeypatch.setenv(COMPLETE, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    outcome = command()
    assert (outcome.code, outcome.err) == (0, "")
    assert set(outcome.out.split()) == wanted


def test_another_shell_gets_whole_words(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FIELD=VALUE is one word there."""
    monkeypatch.setenv(COMPLETE, "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    line = f"perplexity-connector {' '.join(CHAT)} search=al"
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    assert command().out.split() == ["search=always"]


def test_the_script_of_a_shell_is_printed(command: Command) -> None:
    """An unknown shell is a mistake."""
    outcome = command("completion", "bash")
    assert (outcome.code, COMPLETE in outcome.out) == (0, True)
    assert "nospace" in outcome.out
    assert command("completion", "nonsense").code == 2
