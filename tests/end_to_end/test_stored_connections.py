"""Many processes on one store, one killed in the middle of a write, and a key that is nowhere to be seen."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perplexity_connector.host import ConnectionStore
from tests.host.credentials.test_store import entry

KEY = "pplx-sentinel-Zx81Qq77-Kj3mW9-never-shown"
COMMAND = [sys.executable, "-m", "perplexity_connector"]

# One interpreter that has imported everything becomes a process for each name. Each adds a connection and reads all of
# them, as `connect` and `connections` do. They begin together, when the pipe that all of them read ends.
CONNECT = """
import os, sys
from pathlib import Path
from perplexity_connector.host import ConnectionStore, Host
def connect(name, folder):
    host = Host(store=ConnectionStore(Path(folder), {}), environ={})
    os.read(start, 1)
    host.connections.add("perplexity", {"connection_name": name, "api_key": "key-of-" + name})
    for _ in range(5):
        names = [one["connection_name"] for one in host.connections.list()]
        assert name in names, names
        assert all(host.connections.fields(name, "perplexity")["api_key"] == "key-of-" + name for name in names)
folder, elsewhere, *names = sys.argv[1:]
start = os.open(os.devnull, os.O_RDONLY)
connect("first", elsewhere)
start, gate = os.pipe()
children = []
for name in names:
    child = os.fork()
    if not child:
        os.close(gate)
        try:
            connect(name, folder)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    children.append(child)
os.close(gate)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""

# Writes until it is killed, telling the number of each write that is done.
WRITE = """
import dataclasses, itertools, sys
from pathlib import Path
from perplexity_connector.host import ConnectionStore
store = ConnectionStore(Path(sys.argv[1]), {})
for number in itertools.count(1):
    store.change(lambda there: [dataclasses.replace(one, updated_at=str(number)) for one in there])
    print(number, flush=True)
"""


def test_fifty_processes_connecting_and_reading_at_once_lose_nothing(
    tmp_path: Path,
) -> None:
    """Every connection is there in the end, each with its own key, and no read was torn."""
    names = [f"c{number}" for number in range(50)]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            CONNECT,
            str(tmp_path),
            str(tmp_path / "elsewhere"),
            *names,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stored = {
        one.name: one.fields["api_key"] for one in ConnectionStore(tmp_path, {}).read()
    }
    assert stored == {name: f"key-of-{name}" for name in names}


@pytest.mark.parametrize("writes", [1, 2, 3, 5, 8, 13])
def test_a_process_killed_while_it_writes_leaves_the_old_or_the_new_file(
    tmp_path: Path, writes: int
) -> None:
    """Never neither; and the lock is free for the next one."""
    store = ConnectionStore(tmp_path, {})
    big = [entry(f"c{number}") for number in range(200)]
    store.change(lambda _: big)
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        done = [int(process.stdout.readline()) for _ in range(writes)]
        process.send_signal(signal.SIGKILL)
        done += map(int, process.stdout.read().split())
    ages = {one.updated_at for one in store.read()}
    assert ages in ({str(done[-1])}, {str(done[-1] + 1)})
    store.change(lambda there: there[:1])
    assert len(store.read()) == 1


def test_the_key_is_in_no_file_no_argument_no_output_and_no_log(
    state_folder: Path,
) -> None:
    """Connecting, listing, testing against a closed port, failing, disconnecting: with everything logged at DEBUG."""
    environ = {**os.environ, "PERPLEXITY_BASE_URL": "http://127.0.0.1:9"}
    log = state_folder / "log"
    debug = (
        "import logging, sys; logging.basicConfig(level=logging.DEBUG, filename=sys.argv.pop(1));"
        "from pathlib import Path; arguments = Path('/proc/self/cmdline').read_bytes();"
        "from perplexity_connector.__main__ import main; logging.info('%r', arguments); main()"
    )
    seen = ""
    for arguments, stdin in (
        (["connect", "Mine"], KEY),
        (["connect", "Mine", "--no-test"], KEY),
        (["connect", KEY, "--no-test"], KEY),
        (["connections", "--json"], ""),
        (["test", "Mine"], ""),
        (["test", "--json"], ""),
        (["models", "--connection", "Mine"], ""),
        (
            [
                "run",
                "execute_search",
                "query=x",
                "--connection",
                "Mine",
                "--timeout",
                "1",
                "--json",
            ],
            "",
        ),
        (["--help"], ""),
        (["connect", "--help"], ""),
        (["disconnect", "Mine"], ""),
    ):
        command = [sys.executable, "-c", debug, str(log), *arguments]
        done = subprocess.run(
            command,
            input=stdin,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        # What a user types as an argument is in the arguments; that run shows that it goes nowhere else.
        seen += done.stdout + done.stderr
        for path in (
            path for path in state_folder.rglob("*") if path.is_file() and path != log
        ):
            assert _parts(KEY, path.read_bytes().decode("latin-1")) == [], path
    assert _parts(KEY, seen) == []
    typed = [
        line
        for line in log.read_text(encoding="utf-8").splitlines()
        if _parts(KEY, line)
    ]
    assert len(typed) == 1
    assert typed[0].startswith("INFO:root:b")


def _parts(key: str, text: str) -> list[str]:
    """The pieces of a key, six characters each and without its public prefix, that stand in a text."""
    secret = key.removeprefix("pplx-")
    pieces = {secret[start : start + 6] for start in range(len(secret) - 5)}
    return sorted(piece for piece in pieces if re.search(re.escape(piece), text))


def test_a_stored_connection_can_be_listed_as_json(state_folder: Path) -> None:
    """By a real command, in a store that another process filled."""
    ConnectionStore(state_folder / "automation-host", {}).change(lambda _: [entry()])
    done = subprocess.run(
        [*COMMAND, "connections", "--json"], capture_output=True, text=True, check=True
    )
    assert [one["connection_name"] for one in json.loads(done.stdout)] == ["Mine"]
