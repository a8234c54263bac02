"""What the tests of the Langflow extension share: a sandbox on loopback, and a Langflow that speaks to it."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from perplexity_connector.sandbox import Sandbox

_START_S = 240


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that writes its answers slowly enough to be watched."""
    with Sandbox(delta_seconds=0.15) as running:
        yield running


@pytest.fixture(scope="session")
def langflow(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a Langflow with a home and a database of its own."""
    home = tmp_path_factory.mktemp("langflow")
    environ = dict(os.environ) | {
        "HOME": str(home),
        "LANGFLOW_CONFIG_DIR": str(home),
        "LANGFLOW_DATABASE_URL": f"sqlite:///{home}/langflow.db",
        "LANGFLOW_AUTO_LOGIN": "true",
        "DO_NOT_TRACK": "true",
        "PERPLEXITY_BASE_URL": sandbox.url,
    }
    port = os.environ.get("LANGFLOW_TEST_PORT", "7862")
    program = str(Path(sys.executable).with_name("langflow"))
    command = [
        program,
        "run",
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--no-open-browser",
    ]
    address = f"http://127.0.0.1:{port}"
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(command, env=environ, stdout=log, stderr=log) as process,
    ):
        try:
            deadline = time.monotonic() + _START_S
            while not _answers(f"{address}/health"):
                assert process.poll() is None, "Langflow has ended"
                assert time.monotonic() < deadline, "Langflow is not up in time"
                time.sleep(0.5)
            yield address
        finally:
            process.terminate()
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
            return True
    except OSError:
        return False
