"""Prefect on this machine: a server on loopback, process workers, and what a check asks of them.

It speaks to Prefect through its commands and its API, since Prefect reads its settings when it is imported.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

POOL = "perplexity"
_UP_S = 180.0
_LOOK_S = 0.05
_API_S = 60.0
# A connection whose key must not be an argument of a process.
_SAVE = (
    "import os; from perplexity_connector.adapters.prefect.blocks import PerplexityCredentials as Block;"
    "Block(api_key=os.environ['KEY']).save(os.environ['NAME'], overwrite=True)"
)


def until(holds: Callable[[], Any], seconds: float, wish: str) -> Any:
    """Return the first true value of a function, looked at again and again."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > deadline:
            message = f"not within {seconds:.0f} s: {wish}"
            raise TimeoutError(message)
        time.sleep(_LOOK_S)
    return found


@dataclass(frozen=True, slots=True)
class Program:
    """A process and all that it starts. `log` has its output."""

    process: subprocess.Popen[bytes]
    log: Path

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, then to its children, which could report its end otherwise."""
        for pid in (self.process.pid, *self.children()):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def children(self) -> list[int]:
        """Return the processes that it has started, and theirs."""
        return list(_descendants(self.process.pid))

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process, and of its children that have ended."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        ticks = map(int, stat.rpartition(")")[2].split()[11:15])
        return sum(ticks) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End the process and its children at once."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End the process in good order, and by force where that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


class Stage:
    """A folder with one Prefect server and its workers.

    * `api`: the address of the server's API.
    * `environment`: that of every process here. Nothing of the caller's is in it but the path of programs.
    * `_server`, `_programs`: what runs.
    """

    def __init__(self, folder: Path, provider: str, **databases: str) -> None:
        """Prepare a stage; `ledger` and `server` are URLs of databases, SQLite by default."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._port = _free_port()
        self.api = f"http://127.0.0.1:{self._port}/api"
        self._programs: list[Program] = []
        self._server: Program | None = None
        programs = Path(sys.executable).parent
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
            "AUTOMATION_HOST_HOME": str(folder / "host"),
            "PERPLEXITY_BASE_URL": provider,
        }
        names = {
            "ledger": "AUTOMATION_HOST_LEDGER",
            "server": "PREFECT_API_DATABASE_CONNECTION_URL",
        }
        self.environment |= {names[name]: url for name, url in databases.items()}

    def start_server(self) -> None:
        """Start the server, on the same port each time, and wait for its answer."""
        port = str(self._port)
        self._server = self.start(
            "server",
            "prefect",
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            port,
        )
        until(self._answers, _UP_S, "Prefect's server is up")

    def kill_server(self) -> None:
        """Kill the server."""
        if self._server:
            self._server.kill()

    def set_up(self, connections: Mapping[str, str]) -> None:
        """Run our setup, and save connections by their names."""
        self.run("perplexity-connector", "prefect", "setup")
        for name, key in connections.items():
            more = {"KEY": key, "NAME": name}
            self.run(sys.executable, "-c", _SAVE, more=more)

    def start_worker(self, name: str, pool: str = POOL, **more: str) -> Program:
        """Start a worker that takes one run at a time, with more variables; wait until it is ready."""
        command = (
            f"prefect worker start --pool {pool} --type process --limit 1 --name {name}"
        )
        worker = self.start(name, *command.split(), more=more)
        until(lambda: b"started!" in worker.log.read_bytes(), _UP_S, f"{name} is up")
        return worker

    def start(
        self, name: str, *command: str, more: Mapping[str, str] | None = None
    ) -> Program:
        """Start a program; its log is added to that of its name."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [self._which(command[0]), *command[1:]],
                env={**self.environment, **(more or {})},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        program = Program(process, log)
        self._programs.append(program)
        return program

    def run(self, *command: str, more: Mapping[str, str] | None = None) -> str:
        """Run a program to its end, and return its output."""
        done = subprocess.run(  # noqa: S603 - our own command
            [self._which(command[0]), *command[1:]],
            env={**self.environment, **(more or {})},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(command[:3], done.returncode, done.stderr[-3000:])
        return done.stdout

    def ask(self, path: str, document: object = None) -> tuple[int, Any]:
        """Ask the server's API; return the status and the answer."""
        body = None if document is None else json.dumps(document).encode()
        headers = {"content-type": "application/json"}
        request = Request(f"{self.api}{path}", body, headers)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=_API_S) as answer:  # noqa: S310 - loopback
                return answer.status, json.loads(answer.read() or b"null")
        except HTTPError as refusal:
            return refusal.code, json.loads(refusal.read() or b"null")

    def runs(self) -> list[Any]:
        """Return all flow runs, the oldest first."""
        _, runs = self.ask("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC"})
        return list(runs)

    def runs_of(self, job: str) -> list[Any]:
        """Return the flow runs of a job."""
        return [run for run in self.runs() if run["parameters"].get("job") == job]

    def states_of(self, run: str) -> list[str]:
        """Return the names of the states that a flow run has had."""
        _, states = self.ask(f"/flow_run_states/?flow_run_id={run}")
        return [
            state["name"] for state in sorted(states, key=lambda one: one["timestamp"])
        ]

    def deployment(self, name: str) -> str:
        """Return the id of a deployment."""
        _, found = self.ask(f"/deployments/name/{name}")
        return str(found["id"])

    def close(self) -> None:
        """End all programs, the server last."""
        for program in reversed(self._programs):
            if program.process.poll() is None:
                program.send(signal.SIGCONT)
                program.stop()

    def _answers(self) -> bool:
        try:
            return self.ask("/health")[0] == 200  # noqa: PLR2004 - OK
        except OSError:
            return False

    def _which(self, program: str) -> str:
        beside = Path(sys.executable).parent / program
        return str(beside) if beside.exists() else program


@contextmanager
def staged(folder: Path, provider: str, **databases: str) -> Iterator[Stage]:
    """Run a server until the block ends."""
    stage = Stage(folder, provider, **databases)
    try:
        stage.start_server()
        yield stage
    finally:
        stage.close()


def _descendants(parent: int) -> Iterator[int]:
    """Yield the processes that a process has started, and theirs."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            # The name in brackets can hold anything.
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            children[int(fields[1])].append(int(stat.parent.name))
    left = children[parent]
    while left:
        yield (pid := left.pop())
        left += children[pid]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
