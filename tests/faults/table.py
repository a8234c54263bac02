"""The fault matrix as the table that stands in `docs/reliability.md`; run it as a module to print it."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple

from tests.faults.row import CHAT, Row, Want
from tests.faults.rows import SECTIONS

_HEAD = "| What goes wrong | Action | Rows | Ends as | Retryable | Effect | Exit | Attempts | Billed | Besides |"
_RULE = "|---|---|---|---|---|---|---|---|---|---|"
_Key = tuple[str, tuple[object, ...]]


def table() -> str:
    """A table for each section; rows of one cause that end alike share a line."""
    return "\n\n".join(_section(title, rows) for title, rows in SECTIONS.items())


def _section(title: str, rows: Sequence[Row]) -> str:
    found: dict[_Key, list[Row]] = {}
    for row in rows:
        found.setdefault((row.cause, astuple(row.want)), []).append(row)
    return "\n".join(
        [f"### {title}", "", _HEAD, _RULE, *(_line(group) for group in found.values())]
    )


def _line(rows: Sequence[Row]) -> str:
    want = rows[0].want
    cells = [
        rows[0].cause,
        ", ".join(
            dict.fromkeys("chat" if row.action == CHAT else "search" for row in rows)
        ),
        len(rows),
        f"`{want.code}`" if want.code else "success",
        "yes" if want.retryable else "no" if want.code else "",
        want.effect or "",
        want.exit,
        want.attempts,
        want.billed,
        "; ".join(_besides(want)),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _besides(want: Want) -> Iterator[str]:
    if want.warnings:
        yield f"warning {', '.join(f'`{code}`' for code in want.warnings)}"
    if want.partial:
        yield "the received part is kept"
    if want.cancels:
        yield "the provider is asked to stop"


if __name__ == "__main__":
    print(table())  # noqa: T201 - printing is what it is for
