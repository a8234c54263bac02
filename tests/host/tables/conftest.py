from pathlib import Path

import pytest

from tests.host.tables.stage import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty desk."""
    return Desk(tmp_path)
