"""Statements that are executed for every row: compiled once for each database.

SQLAlchemy prepares each execution, which takes longer than the statement itself on SQLite: there, the
driver executes it.
"""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy import Connection, CursorResult, Dialect, Executable

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.elements import ClauseElement

_Values: TypeAlias = Mapping[str, object]
_Arguments: TypeAlias = Callable[[_Values], Any]
_Executed: TypeAlias = CursorResult[Any] | sqlite3.Cursor


class Prepared:
    """A statement with named parameters, which are texts, numbers and booleans.

    * `_statement`, `_columns`: the statement; the columns of an INSERT.
    * `_compiled`: by database, its SQL and how its arguments are made.
    """

    def __init__(self, statement: Executable, columns: Collection[str] = ()) -> None:
        """Prepare a statement; for an INSERT, of these columns."""
        self._statement = cast("ClauseElement", statement)
        self._columns = columns
        self._compiled: dict[str, tuple[str, _Arguments]] = {}

    def change(self, connection: Connection, values: _Values) -> int:
        """Execute a change. Return how many rows it has changed."""
        return int(self._execute(connection, values).rowcount)

    def read(self, connection: Connection, values: _Values) -> list[dict[str, Any]]:
        """Return the rows of a SELECT. A boolean of SQLite is a number."""
        found = self._execute(connection, values)
        if isinstance(found, CursorResult):
            return [dict(row) for row in found.mappings()]
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def _execute(self, connection: Connection, values: _Values) -> _Executed:
        dialect = connection.dialect
        sql, arguments = self._compiled.get(dialect.name) or self._compile(dialect)
        given = arguments(values)
        driver = connection.connection.dbapi_connection
        if isinstance(driver, sqlite3.Connection):
            return driver.execute(sql, given)
        return connection.exec_driver_sql(sql, given)

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
