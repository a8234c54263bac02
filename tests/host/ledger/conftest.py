import pytest

from perplexity_connector.host.ledger.writing import writer


@pytest.fixture
def quiet_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writing thread do only what it is given."""
    monkeypatch.setattr(writer, "_LOOK_S", 3600)


@pytest.fixture
def watchful_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writing thread look for cancelled runs at every chance."""
    monkeypatch.setattr(writer, "_LOOK_S", 0.01)
