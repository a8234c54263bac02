"""Print figures as tables: each client beside the floor and the official SDK, and each target with its result."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

# By case, then client (or program), then part: `cpu` and `wall` in seconds, `memory`, `held` and `peak` in KiB.
Figures: TypeAlias = Mapping[str, Mapping[str, Mapping[str, float]]]

_FLOOR, _SDK, _OURS = "aiohttp", "perplexityai", "ours"
# Our own figures of another checkout.
BEFORE = "before"
_TITLES = {
    "chat": "Chat not listened to, whole (peers: one JSON document; ours: its stream in one piece)",
    "unheard": "Chat, live, 200 deltas, not listened to (peers listen: they have nothing else)",
    "heard": "Chat, live, 200 deltas, listened to",
    "search": "Search, ten results",
    "searches": "100 queries in one step (peers: 100 calls at once)",
}
_PROGRAMS = {
    "import": "Import, in a new process",
    "cold command": "Cold start of the command line",
    "first search": "Import and first search, in a new process",
}


class Target(NamedTuple):
    """An upper limit for a ratio, and the function that computes the ratio of a client."""

    case: str
    most: float
    ratio: Callable[[Figures, str], float]


def _cpu(figures: Figures, case: str, client: str) -> float:
    return figures[case][client]["cpu"]


def _over(case: str, peer: str) -> Callable[[Figures, str], float]:
    return lambda figures, client: (
        _cpu(figures, case, client) / _cpu(figures, case, peer)
    )


def _imports(figures: Figures, client: str) -> float:
    bare = _cpu(figures, "import", "bare Python")
    return (_cpu(figures, "import", client) - bare) / (
        _cpu(figures, "import", "httpx") - bare
    )


def _held(figures: Figures, client: str) -> float:
    return figures["held"][client]["held"] / figures["held"][_FLOOR]["held"]


TARGETS = (
    Target("chat in one piece: of the SDK", 0.8, _over("chat", _SDK)),
    Target("live, listened to: of raw aiohttp", 1.0, _over("heard", _FLOOR)),
    Target("live, listened to: of the SDK", 0.45, _over("heard", _SDK)),
    Target("live, not listened to: of raw aiohttp", 1.0, _over("unheard", _FLOOR)),
    Target("live, not listened to: of the SDK", 0.45, _over("unheard", _SDK)),
    Target("search: of raw aiohttp", 2.5, _over("search", _FLOOR)),
    Target("search: of the SDK", 0.4, _over("search", _SDK)),
    Target("100 queries: of raw aiohttp", 2.0, _over("searches", _FLOOR)),
    Target("100 queries: of 100 SDK calls", 0.25, _over("searches", _SDK)),
    Target("import, over bare Python: of httpx", 0.25, _imports),
    Target(
        "discovery of 200: of libyaml alone", 1.5, _over("discovery", "libyaml alone")
    ),
    Target(
        "`actions`, cold: of an empty typer program",
        1.3,
        _over("cold command", "empty typer program"),
    ),
    Target("import and first search: of the SDK", 0.5, _over("first search", _SDK)),
    Target("memory of a stream, 1,000 held: of raw aiohttp", 1.0, _held),
)


def table_lines(figures: Figures) -> Iterator[str]:
    """Return all tables, line by line."""
    for case, title in _TITLES.items():
        yield from _call_table(title, figures[case])
    for case, title in _PROGRAMS.items():
        yield from _table(title, ("CPU ms", "peak MiB"), figures[case], _program_cells)
    yield from _table(
        "Catalogue of 200 generated connectors",
        ("CPU ms",),
        figures["discovery"],
        _cpu_cell,
    )
    yield from _table(
        "1,000 streams at once, over idle",
        ("held KiB", "peak KiB"),
        figures["held"],
        _held_cells,
    )
    yield from _target_lines(figures)


def _target_lines(figures: Figures) -> Iterator[str]:
    clients = [name for name in (BEFORE, _OURS) if name in figures["chat"]]
    headings = {_OURS: "found", BEFORE: BEFORE}
    yield f"{'Targets':50}{'most':>8}" + "".join(
        f"{headings[name]:>8}" for name in clients
    )
    for target in TARGETS:
        ratios = [target.ratio(figures, name) for name in clients]
        found = "".join(f"{ratio:>8.2f}" for ratio in ratios)
        result = "met" if ratios[-1] <= target.most else "MISSED"
        yield f"  {target.case:48}{target.most:>8}{found}  {result}"


def _call_table(title: str, rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    floor, sdk = rows[_FLOOR]["cpu"], rows[_SDK]["cpu"]

    def cells(row: Mapping[str, float]) -> Sequence[str]:
        cpu = row["cpu"]
        wall, memory = 1000 * row["wall"], row["memory"]
        return (
            f"{1000 * cpu:.2f}",
            f"{wall:.1f}",
            f"{memory:.0f}",
            f"{cpu / floor:.2f}",
            f"{cpu / sdk:.2f}",
        )

    yield from _table(
        title, ("CPU ms", "wall ms", "grew KiB", "of floor", "of SDK"), rows, cells
    )


def _program_cells(row: Mapping[str, float]) -> Sequence[str]:
    return f"{1000 * row['cpu']:.0f}", f"{row['memory'] / 1024:.0f}"


def _cpu_cell(row: Mapping[str, float]) -> Sequence[str]:
    return (f"{1000 * row['cpu']:.0f}",)


def _held_cells(row: Mapping[str, float]) -> Sequence[str]:
    return f"{row['held']:.1f}", f"{row['peak']:.1f}"


def _table(
    title: str,
    columns: Sequence[str],
    rows: Mapping[str, Mapping[str, float]],
    cells: Callable[[Mapping[str, float]], Sequence[str]],
) -> Iterator[str]:
    yield title
    yield f"  {'':28}" + "".join(f"{column:>10}" for column in columns)
    for name, row in rows.items():
        yield f"  {name:28}" + "".join(f"{cell:>10}" for cell in cells(row))
    yield ""
