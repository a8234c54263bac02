from collections.abc import Iterator

import pytest

from tests.faults.stage import Stage


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """Where every row is run, each once."""
    with Stage() as stage:
        yield stage
