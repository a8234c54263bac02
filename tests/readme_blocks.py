"""The code blocks of a page, for tests and `.ci/run`: `python tests/readme_blocks.py MARK` prints one."""

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
    found = blocks_of(README)
    return [found[0]._replace(mark="first"), *found[1:]]


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(match["mark"] or "", match["language"], match["code"])
        for match in _BLOCK.finditer(text)
    ]


if __name__ == "__main__":
    sys.stdout.write(
        next(block.code for block in blocks() if block.mark == sys.argv[1])
    )
