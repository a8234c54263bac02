import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from perplexity_connector.host.runs.between_attempts import can_retry

BEGUN, GO_ON = Event(), Event()
HALF = f"""
from {__name__} import BEGUN, GO_ON
BEGUN.set()
GO_ON.wait(10)
def is_active():
    return False
"""


def test_a_retry_library_that_another_thread_is_importing_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two hosts on two threads may need it at the same time."""
    (tmp_path / "stamina.py").write_text(HALF, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "stamina", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with ThreadPoolExecutor() as threads:
        threads.submit(__import__, "stamina")
        assert BEGUN.wait(10)
        answer = threads.submit(can_retry)
        with pytest.raises(TimeoutError):
            answer.result(0.05)
        GO_ON.set()
        assert answer.result(10) is False


def test_a_process_that_never_imported_the_retry_library_can_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It cannot have switched retries off."""
    monkeypatch.delitem(sys.modules, "stamina")
    assert can_retry()
    assert "stamina" not in sys.modules
