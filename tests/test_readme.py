"""The README is true: every block of it runs, but the two commands that `.ci/run` itself runs."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.readme_blocks import Block, blocks

BLOCKS = [block for block in blocks() if block.mark not in {"first", "tests"}]
SCRIPTS = [block for block in BLOCKS if block.language == "python"]
COMMANDS = [
    block for block in BLOCKS if block.language == "sh" and block.mark != "server"
]
SERVERS = [block for block in BLOCKS if block.mark == "server"]


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    """A sandbox that stands in for the real service."""
    with Sandbox() as sandbox:
        yield sandbox.url


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The blocks are those of one reader, who stores connections in one place."""
    return tmp_path_factory.mktemp("home")


def environment(base_url: str, home: Path) -> dict[str, str]:
    """This environment's commands on the path, the sandbox as the service, a reader's folder, and no key."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PERPLEXITY_")
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return inherited | {
        "PATH": path,
        "PERPLEXITY_BASE_URL": base_url,
        "XDG_DATA_HOME": str(home),
    }


def test_the_readme_has_blocks_of_every_kind() -> None:
    """An empty list would make the tests below say nothing."""
    assert len(SCRIPTS) == 2
    assert len(COMMANDS) >= 6
    assert len(SERVERS) == 2


@pytest.mark.parametrize("block", SCRIPTS, ids=range(len(SCRIPTS)))
def test_a_script_of_the_readme_runs(
    block: Block, sandbox_url: str, home: Path, tmp_path: Path
) -> None:
    """It ends well and says something."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.code],
        cwd=tmp_path,
        env=environment(sandbox_url, home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("block", COMMANDS, ids=range(len(COMMANDS)))
def test_a_command_of_the_readme_does_what_it_says(
    block: Block, sandbox_url: str, home: Path, tmp_path: Path
) -> None:
    """It ends with the exit code that its mark names, 0 without one; a key that it asks for comes from stdin."""
    wanted = int(block.mark.removeprefix("exits ")) if block.mark else 0
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        cwd=tmp_path,
        env=environment(sandbox_url, home),
        input=f"{GOOD_KEY}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == wanted, done.stderr
    assert "Traceback" not in done.stderr
    assert GOOD_KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("block", SERVERS, ids=range(len(SERVERS)))
def test_a_server_of_the_readme_says_where_it_is_and_stops_on_an_interrupt(
    block: Block, tmp_path: Path
) -> None:
    """It serves until Ctrl-C."""
    command = ["bash", "-c", f"exec {block.code.strip()} --port 0"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment("", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        guard = threading.Timer(30, server.kill)
        guard.start()
        assert server.stdout is not None
        said = next(line for line in server.stdout if "http://127.0.0.1:" in line)
        server.send_signal(signal.SIGINT)
        server.communicate()
        guard.cancel()
    assert said
    assert server.returncode == 0
