from pathlib import Path

import pytest

from tests.host.tables.stage import Desk, FullLedger


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty desk."""
    return Desk(tmp_path)


@pytest.fixture
def full(desk: Desk) -> FullLedger:
    """The desk's ledger, which works until a test says otherwise."""
    ledger = FullLedger(f"sqlite:///{desk.folder}/ledger.sqlite", environ={})
    ledger.fails = {}
    desk.ledger = ledger
    return ledger
