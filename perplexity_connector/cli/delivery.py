"""Writes results on stdout, and remembers whether that worked."""

import os
import sys
from collections.abc import Callable
from typing import ParamSpec

from perplexity_connector.cli.exits import ExitCode
from perplexity_connector.cli.output import discard, say

_Shown = ParamSpec("_Shown")


class Delivery:
    """The results of one command on their way to stdout.

    * `reader_left`: whether the reader left while something was written, as `| head` does.
    * `is_complete`: whether all that was to be written is written.
    * `_problem`: the error of the first write that failed, apart from a reader that left.
    """

    def __init__(self) -> None:
        """Begin. A process can be started with a closed stdout; `main` has replaced it."""
        self.reader_left = False
        self.is_complete = str(getattr(sys.stdout, "name", "")) != os.devnull
        self._problem: OSError | None = None

    def write(
        self,
        show: Callable[_Shown, None],
        *args: _Shown.args,
        **kwargs: _Shown.kwargs,
    ) -> bool:
        """Call `show`, which prints, unless an earlier write failed. Return whether all is well."""
        if self.has_failed:
            return False
        try:
            show(*args, **kwargs)
        except BrokenPipeError:
            self.reader_left = True
        except OSError as problem:
            self._problem = problem
            say(f"error: The result cannot be written: {problem.strerror}.")
        else:
            return True
        self.is_complete = False
        discard(sys.stdout)
        return False

    @property
    def has_failed(self) -> bool:
        """Whether a write has failed, so that no further one is tried."""
        return self.reader_left or self._problem is not None

    def code(self, of_run: int) -> int:
        """Return the exit code of the command, from that of its run."""
        has_result = of_run in {ExitCode.SUCCEEDED, ExitCode.PARTLY}
        is_lost = has_result and self._problem is not None
        return ExitCode.INTERNAL if is_lost else of_run
