"""Statements that are executed for every row: compiled once for each database.

SQLAlchemy prepares each execution, which takes longer than the statement itself on SQLite: there, the
driver executes it.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy import Connection, CursorResult, Dialect, Executable
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.elements import ClauseElement

_Values: TypeAlias = Mapping[str, object]
_Executed: TypeAlias = CursorResult[Any] | sqlite3.Cursor

_SQLITE: Dialect = sqlite.dialect(paramstyle="named")


class Prepared:
    """A statement with named parameters, which are texts, numbers and booleans.

    * `_statement`, `_columns`: the statement; the columns of an INSERT.
    * `_compiled`: by database, its SQL and its constants.
    * `_names`: of the columns of its result; empty before the first one.
    """

    def __init__(self, statement: Executable, columns: Collection[str] = ()) -> None:
        """Prepare a statement; for an INSERT, of these columns."""
        self._statement = cast("ClauseElement", statement)
        self._columns = columns
        self._compiled: dict[str, tuple[str, _Values]] = {}
        self._names: Sequence[str] = ()

    def change(self, connection: Connection, values: _Values) -> int:
        """Execute a change. Return how many rows it has changed."""
        return int(self._execute(connection, values).rowcount)

    def change_all(self, connection: Connection, values: Sequence[_Values]) -> None:
        """Execute a change once for each of these values."""
        driver = connection.connection.dbapi_connection
        sql, constants = self._sql(connection.dialect)
        given = [{**constants, **one} for one in values]
        if isinstance(driver, sqlite3.Connection):
            driver.executemany(sql, given)
        else:
            connection.exec_driver_sql(sql, given)

    def read(self, connection: Connection, values: _Values) -> list[dict[str, Any]]:
        """Return the rows of a SELECT. A boolean of SQLite is a number."""
        found = self._execute(connection, values)
        if isinstance(found, CursorResult):
            return [dict(row) for row in found.mappings()]
        if not self._names:
            self._names = [column[0] for column in found.description]
        return [dict(zip(self._names, row, strict=True)) for row in found]

    def _execute(self, connection: Connection, values: _Values) -> _Executed:
        sql, constants = self._sql(connection.dialect)
        given = {**constants, **values} if constants else values
        driver = connection.connection.dbapi_connection
        if isinstance(driver, sqlite3.Connection):
            return driver.execute(sql, given)
        return connection.exec_driver_sql(sql, given)

    def _sql(self, dialect: Dialect) -> tuple[str, _Values]:
        """Return the statement and its constants."""
        return self._compiled.get(dialect.name) or self._compile(dialect)

    def _compile(self, dialect: Dialect) -> tuple[str, _Values]:
        # SQLite's driver binds values by name as fast as by position.
        target = _SQLITE if dialect.name == _SQLITE.name else dialect
        columns = list(self._columns) or None
        compiled = cast(
            "SQLCompiler",
            self._statement.compile(dialect=target, column_keys=columns),
        )
        params = compiled.params
        constants = {
            name: params[name]
            for bound, name in compiled.bind_names.items()
            if not bound.required
        }
        made = (compiled.string, constants)
        self._compiled[dialect.name] = made
        return made
