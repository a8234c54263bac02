from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.flows.stage import Theatre


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[Theatre]:
    """A toy with a ledger."""
    theatre = Theatre(tmp_path)
    yield theatre
    theatre.ledger.close()
