"""Changes that are made for every row: compiled once for each database.

SQLAlchemy prepares each execution, which takes longer than the change itself on SQLite. A SELECT is
executed as usual: SQLAlchemy keeps its knowledge of the columns only then.
"""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy import Connection, CursorResult, Dialect, Executable

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.elements import ClauseElement

_Values: TypeAlias = Mapping[str, object]
_Arguments: TypeAlias = Callable[[_Values], Any]


class Prepared:
    """A change with named parameters, which are texts, numbers and booleans.

    * `_statement`, `_columns`: the statement; the columns of an INSERT.
    * `_compiled`: by database, its SQL and how its arguments are made.
    """

    def __init__(self, statement: Executable, columns: Collection[str] = ()) -> None:
        """Prepare a statement; for an INSERT, of these columns."""
        self._statement = cast("ClauseElement", statement)
        self._columns = columns
        self._compiled: dict[str, tuple[str, _Arguments]] = {}

    def __call__(self, connection: Connection, values: _Values) -> CursorResult[Any]:
        """Execute the statement."""
        known = self._compiled.get(connection.dialect.name)
        sql, arguments = known or self._compile(connection.dialect)
        return connection.exec_driver_sql(sql, arguments(values))

    def _compile(self, dialect: Dialect) -> tuple[str, _Arguments]:
        columns = list(self._columns) or None
        compiled = cast(
            "SQLCompiler",
            self._statement.compile(dialect=dialect, column_keys=columns),
        )
        made = (compiled.string, _arguments(compiled))
        self._compiled[dialect.name] = made
        return made


def _arguments(compiled: "SQLCompiler") -> _Arguments:
    """Return how arguments are made of values, and of the statement's own constants."""
    constants = compiled.params
    if (names := compiled.positiontup) is None:
        return lambda values: {**constants, **values}
    return lambda values: tuple(
        [values[name] if name in values else constants[name] for name in names]
    )
