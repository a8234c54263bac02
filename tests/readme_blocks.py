"""The code blocks of a page, for tests and `.ci/run`: `python tests/readme_blocks.py MARK` prints one.

`python tests/readme_blocks.py programs FOLDER` writes the Python blocks to files.
"""

import re
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parent.parent / "README.md"
EMBEDDING = README.parent / "docs" / "embedding.md"
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


def write_programs(folder: Path) -> None:
    """Write each Python block of README and docs/embedding.md to a file, for the type checkers."""
    folder.mkdir(exist_ok=True)
    for page in (README, EMBEDDING):
        found = [block for block in blocks_of(page) if block.language == "python"]
        for number, block in enumerate(found):
            name = f"{page.stem.lower()}_{number}.py"
            (folder / name).write_text(program_of(block), encoding="utf-8")


def program_of(block: Block) -> str:
    """A block as a module: a notebook awaits outside a function, and a module does not."""
    if block.mark != "notebook":
        return block.code
    return "async def cell() -> None:\n" + textwrap.indent(block.code, "    ")


if __name__ == "__main__":
    if sys.argv[1] == "programs":
        write_programs(Path(sys.argv[2]))
    else:
        sys.stdout.write(
            next(block.code for block in blocks() if block.mark == sys.argv[1])
        )
