"""All checks, a line each: `checks.py ROWS FOLDER POSTGRES [NAME…]`. POSTGRES is the folder of its socket.

Names choose parts: of the first stage by the names of their functions, `sqlite` and `pictures`.
"""

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import rules
from kills import KILLS, kill_worker
from pictures import take_pictures
from scene import Scene, scene

RULES = (
    rules.refuse_bad_input,
    rules.answer_with_artifacts,
    rules.cancel,
    rules.pause_at_the_budget,
)


class Checks:
    """The checks that are wanted; without a name, all of them. `failed` has the names of those that do not hold."""

    def __init__(self, wanted: list[str]) -> None:
        """Take parts of names."""
        self._wanted = wanted
        self.failed: list[str] = []

    def wants(self, name: str) -> bool:
        """Return whether a check is wanted."""
        return not self._wanted or any(word in name for word in self._wanted)

    def check(self, name: str, part: Callable[[], str]) -> None:
        """Run a check that is wanted, and print its result. The others run also if it fails."""
        if not self.wants(name):
            return
        began = time.monotonic()
        try:
            result = part()
        except Exception:  # noqa: BLE001 - any error is a check that does not hold
            self.failed.append(name)
            result = f"FAILED\n{traceback.format_exc()}"
        print(f"{name}: {result} ({time.monotonic() - began:.0f} s)", flush=True)


def main(rows: int, folder: Path, socket: str, wanted: list[str]) -> None:
    """Run the checks on PostgreSQL, and one of them on SQLite."""
    checks = Checks(wanted)
    urls = {
        "ledger": f"postgresql+psycopg://postgres@/ledger?host={socket}",
        "server": f"postgresql+asyncpg://postgres@/prefect?host={socket}",
    }
    with scene(folder / "postgres", rows, **urls) as on_postgres:
        _on_postgres(checks, on_postgres)
        texts = [
            *_files(folder / "postgres"),
            *_tables("ledger", socket),
            *_tables("prefect", socket),
        ]
        checks.check("hide_the_key", lambda: rules.hide_the_key(on_postgres, texts))
    checks.check("sqlite", lambda: _on_sqlite(folder / "sqlite", rows))
    assert not checks.failed, checks.failed


def _on_postgres(checks: Checks, scene: Scene) -> None:
    # To repeat it is safe.
    scene.stage.run("perplexity-connector", "prefect", "setup")
    foreign = rules.lose_foreign(scene) if checks.wants("leave_foreign") else ""
    lost = time.monotonic()
    for part in (*RULES, *KILLS):
        checks.check(part.__name__, lambda part=part: part(scene))
    if foreign:
        time.sleep(max(0.0, rules.LOST_S + lost - time.monotonic()))
    checks.check("leave_foreign", lambda: rules.leave_foreign(scene, foreign))
    checks.check("pictures", lambda: take_pictures(scene))


def _on_sqlite(folder: Path, rows: int) -> str:
    with scene(folder, rows) as on_sqlite:
        result = kill_worker(on_sqlite)
        hidden = rules.hide_the_key(on_sqlite, list(_files(folder)))
    return f"{result}; the key is {hidden}"


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in folder.rglob("*"):
        if file.is_file():
            yield str(file), file.read_bytes()


def _tables(database: str, socket: str) -> Iterator[tuple[str, bytes]]:
    """Every row of every table, as text."""
    with psycopg.connect(host=socket, user="postgres", dbname=database) as connection:
        listed = connection.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
        )
        for (table,) in listed.fetchall():
            rows = connection.execute(f"SELECT t::text FROM {table} t")  # noqa: S608 - quoted
            yield f"{database}.{table}", "\n".join(text for (text,) in rows).encode()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
