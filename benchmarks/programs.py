"""Measure the cost of starting whole programs, as child processes one after the other."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_COMMAND = str(Path(sys.executable).parent / "perplexity-connector")
_TYPER = "import typer; app = typer.Typer(); app.command()(lambda: None); app()"
_CONNECTORS = 200
_DISCOVERY = """
import sys, time
from pathlib import Path
import yaml
from importlib.metadata import entry_points
from perplexity_connector.host import Host

files = sorted(Path(sys.argv[1]).glob("*/connector.yaml"))
def parsed():
    for file in files:
        yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
def catalogue():
    host = Host(environ={})
    assert len(host.actions()) >= 2 * len(files), host.problems()
def cpu(work):
    before = time.process_time()
    work()
    return time.process_time() - before
parsed(), catalogue()
rounds = sorted((cpu(catalogue) , cpu(parsed)) for _ in range(3))
print(*rounds[1], int(any(name.startswith("installed_") for name in sys.modules)))
"""


def programs(url: str) -> Mapping[str, Sequence[str]]:
    """Return the programs to start, by their name in the table."""
    python = [sys.executable, "-c"]
    imports = {
        "httpx": "httpx",
        "ours": "perplexity_connector",
        "perplexityai": "perplexity",
        "openai": "openai",
        "langchain-perplexity": "langchain_perplexity",
    }
    searches = [sys.executable, "-m", "benchmarks.subject"]
    return {
        "import: bare Python": [*python, "pass"],
        **{
            f"import: {name}": [*python, f"import {module}"]
            for name, module in imports.items()
        },
        "cold command: empty typer program": [*python, _TYPER],
        "cold command: ours": [_COMMAND, "actions"],
        "first search: perplexityai": [*searches, "perplexityai", url, "once"],
        "first search: ours": [*searches, "ours", url, "once"],
    }


@contextmanager
def running(
    *arguments: str, checkout: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run one of our modules as a process, until its standard input ends; that of another checkout if given."""
    command = [sys.executable, "-m", *arguments]
    # Most peers would take a proxy of the environment, even to this machine.
    environment = os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with subprocess.Popen(  # noqa: S603 - our own module
        command,
        cwd=checkout,
        env=environment | path_of(checkout),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        yield process


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """Run one of our servers, which prints its port first. Yield its URL."""
    with running(*arguments) as process:
        if process.stdout is None:
            raise RuntimeError
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()


def path_of(checkout: Path | None) -> dict[str, str]:
    """Return the environment in which Python imports this package from a checkout; None is the installed one."""
    return {} if checkout is None else {"PYTHONPATH": str(checkout.resolve())}


def started(
    command: Sequence[str], checkout: Path | None = None
) -> tuple[float, float]:
    """Run a program, of another checkout if given.

    Return its CPU seconds, and its highest resident memory in KiB.
    """
    with subprocess.Popen(  # noqa: S603 - our own commands
        command,
        cwd=checkout,
        env=os.environ | path_of(checkout),
        stdout=subprocess.DEVNULL,
    ) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        message = f"{command} ended with {child.returncode}"
        raise RuntimeError(message)
    return used.ru_utime + used.ru_stime, used.ru_maxrss


def discovery(
    connectors: int = _CONNECTORS, folder: Path | None = None
) -> tuple[float, float, bool]:
    """Return CPU seconds for the catalogue of generated connectors, for libyaml alone, and whether one was imported.

    `folder` is another checkout of this package.
    """
    checkout = folder or Path(__file__).parents[1]
    with TemporaryDirectory() as site:
        for number in range(connectors):
            _install(Path(site), f"installed_{number:03}")
        paths = os.pathsep.join(
            [site, str(checkout.resolve()), sysconfig.get_path("purelib")]
        )
        command = [sys.executable, "-c", _DISCOVERY, site]
        printed = subprocess.run(  # noqa: S603 - our own program
            command,
            cwd=site,
            env=os.environ | {"PYTHONPATH": paths},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
    return float(printed[0]), float(printed[1]), printed[2] == "1"


def _install(site: Path, name: str) -> None:
    """Install a distribution with our own manifest under another id; its plugin fails if it is imported."""
    manifest = (Path(__file__).parents[1] / "connector.yaml").read_text(
        encoding="utf-8"
    )
    package, info = site / name, site / f"{name}-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text("raise ImportError\n", encoding="utf-8")
    own = manifest.replace("\nid: perplexity\n", f"\nid: {name}\n", 1)
    (package / "connector.yaml").write_text(own, encoding="utf-8")
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
    )
    points = f"[automation_host.manifests]\n{name} = {name}:connector.yaml\n"
    points += f"[automation_host.plugins]\n{name} = {name}.plugin\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
