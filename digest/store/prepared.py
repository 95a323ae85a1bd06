"""Prepared statements: compiled once for each dialect and handed to the driver as text.

SQLAlchemy takes some 150 µs to execute a statement that SQLite answers in ten. The few statements that run for every
message are spared that; everything else goes through SQLAlchemy as usual. Inside its transaction, on its connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import BindParameter, Boolean, ColumnElement, Connection, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import NullType

from digest.store.tables import instant_text


class Prepared:
    """A statement whose parameters are named `bindparam`s, or an INSERT of `columns`, which then name them.

    Values are plain, times and lists of whole numbers among them.
    """

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._statement, self._columns = statement, columns
        self._compiled: dict[str, tuple[str, dict[str, Any], tuple[str, ...] | None]] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Execute it inside the connection's transaction; returns the driver's cursor. Raises what SQLAlchemy would."""
        text, constants, order = self._for(connection)
        given = {**constants, **values}
        if order is None:
            parameters: Any = {key: _plain(value, connection.dialect.name) for key, value in given.items()}
        else:  # what is named for another dialect alone stays as it is
            parameters = [_plain(given[key], connection.dialect.name) for key in order]
        return execute(connection, text, parameters)

    def text(self, connection: Connection) -> str:
        """What the driver is given."""
        return self._for(connection)[0]

    def _for(self, connection: Connection) -> tuple[str, dict[str, Any], tuple[str, ...] | None]:
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = self._compile(connection)
        return self._compiled[name]

    def _compile(self, connection: Connection) -> tuple[str, dict[str, Any], tuple[str, ...] | None]:
        compiled: Any = self._statement.compile(dialect=connection.dialect, column_keys=self._columns)
        order = tuple(compiled.positiontup) if compiled.positional else None
        return str(compiled), dict(compiled.params), order


def execute(connection: Connection, text: str, parameters: Any = ()) -> Any:
    """Hand a statement to the driver as it is; returns the driver's cursor. Raises what SQLAlchemy would."""
    driver: Any = connection.connection.driver_connection
    try:
        return driver.execute(text, parameters)
    except connection.dialect.loaded_dbapi.Error as error:
        dialect: Any = connection.dialect
        lost = dialect.is_disconnect(error, driver, None)
        raised = dialect.loaded_dbapi.Error
        raise DBAPIError.instance(text, None, error, raised, connection_invalidated=lost, dialect=dialect) from error


class OneOf(ColumnElement[bool]):
    """A column is one of the numbers that a parameter lists: one text, however many there are."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[int], name: str) -> None:
        self.column = column
        self.listed: BindParameter[Any] = bindparam(name, type_=NullType())

    def self_group(self, against: Any = None) -> OneOf:
        """As it is: SQLAlchemy would compare a truth with 1, and then SQLite looks at every row instead of into its index."""
        return self


class Span(OneOf):
    """A column is one of the numbers that a parameter lists, where the other conditions leave nobody else between two of them.

    SQLite, on which nobody else writes meanwhile, goes from the `first` to the `last`; PostgreSQL goes by the list.
    """

    inherit_cache = False

    def __init__(self, column: ColumnElement[int], name: str, first: str, last: str) -> None:
        super().__init__(column, name)
        self.first: BindParameter[Any] = bindparam(first, type_=NullType())
        self.last: BindParameter[Any] = bindparam(last, type_=NullType())


@compiles(Span, "sqlite")
def _between(element: Span, compiler: Any, **rest: Any) -> str:
    column, first, last = (compiler.process(part, **rest) for part in (element.column, element.first, element.last))
    return f"{column} BETWEEN {first} AND {last}"


@compiles(OneOf, "sqlite")
def _in_json(element: OneOf, compiler: Any, **rest: Any) -> str:
    return " ".join(
        [
            compiler.process(element.column, **rest),
            "IN (SELECT value FROM json_each(",
            compiler.process(element.listed, **rest),
            "))",
        ]
    )


@compiles(Span, "postgresql")
@compiles(OneOf, "postgresql")
def _any_of(element: OneOf, compiler: Any, **rest: Any) -> str:
    return f"{compiler.process(element.column, **rest)} = ANY({compiler.process(element.listed, **rest)})"


def _plain(value: Any, dialect: str) -> Any:
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, (list, tuple)):
        return orjson.dumps(value).decode() if dialect == "sqlite" else list(value)
    return value


# One transaction's time stands in a dozen statements.
_instant = lru_cache(maxsize=16)(instant_text)
