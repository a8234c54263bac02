import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import pytest

from perplexity_connector.__main__ import main
from perplexity_connector.cli import hosts
from perplexity_connector.host import HostOptions
from tests.cli.fakes import FakeHost
from tests.cli.ledger import FakeLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


class _Terminal(io.TextIOWrapper):
    """A stdin that somebody sits at."""

    def isatty(self) -> bool:
        """Somebody does."""
        return True


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs `perplexity-connector` in this process."""

    def run(*arguments: str, stdin: bytes = b"", terminal: bool = False) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["perplexity-connector", *arguments])
        monkeypatch.setattr(
            sys,
            "stdin",
            (_Terminal if terminal else io.TextIOWrapper)(io.BytesIO(stdin)),
        )
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(code=end.value.code, out=out, err=err)

    return run


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A toy host in the place of the real one; a test may give it another script."""
    fake = FakeHost()

    def make(options: HostOptions) -> FakeHost:
        fake.options.append(options)
        fake.ledger = cast("FakeLedger", options.get("ledger"))
        return fake

    monkeypatch.setattr(hosts, "make_host", make)
    return fake


@pytest.fixture(autouse=True)
def ledger(monkeypatch: pytest.MonkeyPatch) -> FakeLedger:
    """A ledger in memory in the place of the user's."""
    fake = FakeLedger()
    monkeypatch.setattr(hosts, "make_ledger", lambda: fake)
    return fake
