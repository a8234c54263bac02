"""What every test shares: how hard hypothesis tries, a Ctrl-C that works, a state folder of its own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina.instrumentation
from hypothesis import settings

settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True)
settings.register_profile("nightly", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A shell that runs the tests in the background has them, and all they start, ignore Ctrl-C; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def state_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """No test, and no process that it starts, keeps anything in the user's own folders."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _own_retry_hooks() -> Iterator[None]:
    """A command line or a load run that silences stamina in this process does so for its own test only."""
    yield
    stamina.instrumentation.set_on_retry_hooks(None)
