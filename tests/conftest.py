"""Shared by every test: how hard hypothesis tries, a Ctrl-C that works, a state folder; and which tests are slow."""

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import stamina.instrumentation
from hypothesis import is_hypothesis_test, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from perplexity_connector.contract import repeating
from perplexity_connector.perplexity.actions import searcher

settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True)
# Many of these tests take longer than the time limit of pyproject.toml: add `--timeout 0`.
settings.register_profile("nightly", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

TESTS = Path(__file__).parent
FAULTS = "tests/faults/"
# The files that take longest, which begin first: else one process works on the last of them alone.
FIRST = (
    "faults/",
    "workbench/page/",
    "adapters/mcp/test_processes.py",
    "host/ledger/test_schedules.py",
    "host/validation/test_two_libraries.py",
    "end_to_end/",
    "host/tables/",
    "perplexity/actions/test_cases_over_sockets.py",
    "perplexity/forms/",
    "test_readme.py",
    "benchmarks/",
)
# Where tests start processes or a browser: about 4 % of the cases, and most of the time.
SLOW = (
    "adapters/mcp/test_http.py",
    "adapters/mcp/test_processes.py",
    "benchmarks/",
    "end_to_end/",
    "host/tables/test_crashes.py",
    "test_readme.py",
    "workbench/page/",
)

# The lines of these are reached by other tests too. To trace them makes them two to three times slower.
UNTRACED = (
    "adapters/mcp/test_processes.py",
    "end_to_end/",
    "faults/test_matrix.py",
    "faults/test_redaction.py",
    "perplexity/actions/test_cases_over_sockets.py",
    "test_readme.py",
    "workbench/page/",
)

# All that the tests ask over HTTP is on this machine, so that no proxy of the developer's has a part in it.
for _name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    for _variable in (_name, _name.lower()):
        os.environ.pop(_variable, None)

# A shell that runs the tests in the background has them, and all they start, ignore Ctrl-C; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests, and let the files that take longest begin first."""
    for place in (*SLOW, *FIRST, *UNTRACED):
        if not (TESTS / place).exists():
            message = f"{place} has moved: change it in {__file__}"
            raise pytest.UsageError(message)
    for item in items:
        if _place_of(item).startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if _is_untraced(item):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=_turn_of)


def _place_of(item: pytest.Item) -> str:
    return str(item.path).removeprefix(f"{TESTS}{os.sep}")


def _is_untraced(item: pytest.Item) -> bool:
    """Return whether coverage leaves a test out.

    Hypothesis itself is most of the work of a property, and examples reach the lines. Some of flows and
    tables do not, though; and the sandbox of its own tests runs in a thread, which would not be traced
    any more after one of them.
    """
    place = _place_of(item)
    is_property = is_hypothesis_test(getattr(item, "obj", None))
    is_traced = place.startswith(("host/flows/", "host/tables/", "sandbox/"))
    if item.get_closest_marker("traced"):
        return False
    return place.startswith(UNTRACED) or (is_property and not is_traced)


def _turn_of(item: pytest.Item) -> int:
    place = _place_of(item)
    turns = (turn for turn, first in enumerate(FIRST) if place.startswith(first))
    return next(turns, len(FIRST))


class _ByFile(LoadScopeScheduling):
    """Gives each process whole files of tests, since those of one file share costly fixtures.

    The fault matrix keeps the outcome of each row for all tests of its folder.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return FAULTS if file.startswith(FAULTS) else file


def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer
) -> LoadScopeScheduling:
    """Decide which process runs a test. The marks for groups have no effect since pytest 9.2."""
    return _ByFile(config, log)


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
def short_waits() -> Iterator[pytest.MonkeyPatch]:
    """No test waits for long between attempts, nor before a refused query is sent again."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SHORTEST_S", "FIRST_BACK_OFF_S"):
            patch.setattr(repeating, name, 0.001)
        for name in ("SHORTEST_WAIT_S", "USUAL_WAIT_S"):
            patch.setattr(searcher, name, 0.001)
        yield patch


@pytest.fixture
def real_waits(short_waits: pytest.MonkeyPatch) -> None:
    """Wait as long as a user's host does; for tests on a clock of their own."""
    short_waits.undo()


@pytest.fixture
def forbidden_addresses(tmp_path: Path) -> Iterator[Sequence[str]]:
    """The addresses of a schema, on the web and of a file, that no test may fetch: it forbids everything."""
    file = tmp_path / "schema.json"
    file.write_text("false", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/schema", file.as_uri()
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.fixture(autouse=True)
def _own_retry_hooks() -> Iterator[None]:
    """A command line or a load run that silences stamina in this process does so for its own test only."""
    yield
    stamina.instrumentation.set_on_retry_hooks(None)
