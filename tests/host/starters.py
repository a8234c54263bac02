"""A process that makes one start after another, each in a child that may die."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from tests.paths import ROOT

Starter: TypeAlias = Callable[..., int]


@contextmanager
def starting(program: Path) -> Iterator[Starter]:
    """A function that gives the program one document, and returns the exit code of its child."""
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def start(**document: Any) -> int:
            print(json.dumps(document), file=stdin, flush=True)
            return int(stdout.readline())

        yield start
        stdin.close()
