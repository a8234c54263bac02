"""All checks, a line each: `checks.py ROWS FOLDER POSTGRES [NAME…]`. POSTGRES is the folder of its socket.

Names choose parts: of the first stage by the names of their functions, `sqlite` and `pictures`.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import rules
from kills import KILLS, kill_worker
from pictures import take_pictures
from scene import scene

RULES = (
    rules.refuse_bad_input,
    rules.answer_with_artifacts,
    rules.cancel,
    rules.pause_at_the_budget,
)


def main(rows: int, folder: Path, socket: str, wanted: list[str]) -> None:
    """Run the checks on PostgreSQL, and one of them on SQLite."""
    began = time.monotonic()

    def check(name: str, part: Callable[[], str]) -> None:
        if wanted and not any(word in name for word in wanted):
            return
        seconds = time.monotonic()
        result = part()
        print(f"{name}: {result} ({time.monotonic() - seconds:.0f} s)", flush=True)

    urls = {
        "ledger": f"postgresql+psycopg://postgres@/ledger?host={socket}",
        "server": f"postgresql+asyncpg://postgres@/prefect?host={socket}",
    }
    with scene(folder / "postgres", rows, **urls) as on_postgres:
        print(f"the server is set up ({time.monotonic() - began:.0f} s)", flush=True)
        pass
        with rules.foreign_lost(on_postgres) as lost:
            lost_at = time.monotonic()
            for part in (*RULES, *KILLS):
                check(part.__name__, lambda part=part: part(on_postgres))
            time.sleep(max(0.0, rules.LOST_S + lost_at - time.monotonic()))
            check("leave_foreign", lambda: rules.leave_foreign(on_postgres, lost[0]))
        check("pictures", lambda: take_pictures(on_postgres))
        texts = (
            *_files(folder / "postgres"),
            *_tables("ledger", socket),
            *_tables("prefect", socket),
        )
        check("hide_the_key", lambda: rules.hide_the_key(on_postgres, iter(texts)))
    check("sqlite", lambda: _on_sqlite(folder / "sqlite", rows))


def _on_sqlite(folder: Path, rows: int) -> str:
    with scene(folder, rows) as on_sqlite:
        result = kill_worker(on_sqlite)
        hidden = rules.hide_the_key(on_sqlite, _files(folder))
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
