"""The code blocks of the README, for tests and `.ci/run`: `python tests/readme_blocks.py MARK` prints one."""

import re
import sys
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parent.parent / "README.md"
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```",
    re.DOTALL,
)


class Block(NamedTuple):
    """One block: its language, its code, and the mark in the comment before it."""

    mark: str
    language: str
    code: str


def blocks() -> list[Block]:
    """All blocks of the README, in order; the first is marked `first`."""
    text = README.read_text(encoding="utf-8")
    found = [
        Block(match["mark"] or "", match["language"], match["code"])
        for match in _BLOCK.finditer(text)
    ]
    return [found[0]._replace(mark="first"), *found[1:]]


if __name__ == "__main__":
    sys.stdout.write(
        next(block.code for block in blocks() if block.mark == sys.argv[1])
    )
