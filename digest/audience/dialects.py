"""Statements for some thousand rows at once, where SQLite and PostgreSQL differ or a row costs too much."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Boolean, ColumnElement, Connection, Integer, LargeBinary, Table, Text, column, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

_AS_THEY_ARE: tuple[type[Integer] | type[Boolean] | type[LargeBinary], ...] = (Integer, Boolean, LargeBinary)
"""Kinds of columns that are handed over as what they are; every other one is text to the store."""


def insert_missing(connection: Connection, table: Table) -> Insert:
    """An INSERT that leaves a row alone which any unique key says is there already."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def insert_all(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows of one shape. Values go to the driver as they are: an instant must be the store's text already.

    SQLAlchemy prepares each row on its own, which takes longer than SQLite takes to insert it; this compiles once. PostgreSQL is
    given one array for each column, instead of a message for each row.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_from_arrays(statement, rows))
        return
    compiled = statement.inline().compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names: Sequence[str] | None = getattr(compiled, "positiontup", None)
    parameters: Any = list(rows) if names is None else list(map(itemgetter(*names), rows))
    connection.exec_driver_sql(str(compiled), parameters)


def _from_arrays(statement: Insert, rows: Sequence[Mapping[str, Any]]) -> Insert:
    names = list(rows[0])
    columns: Any = statement.table.c
    arrays = []
    for name in names:
        kind = next((plain() for plain in _AS_THEY_ARE if isinstance(columns[name].type, plain)), Text())
        arrays.append(literal([row[name] for row in rows], postgresql.ARRAY(kind)))
    given = func.unnest(*arrays).table_valued(*names).render_derived("given")
    return statement.from_select(names, select(*(given.c[name] for name in names)))


def among(connection: Connection, value: ColumnElement[Any], values: Collection[str] | Collection[int]) -> ColumnElement[bool]:
    """Whether a column's value is one of some thousand; on SQLite as one bound text, several times faster than one each."""
    if connection.dialect.name != "sqlite":
        return value.in_(values)
    listed = func.json_each(orjson.dumps(list(values)).decode()).table_valued(column("value"))
    return value.in_(select(listed.c.value))


def holds(connection: Connection, value: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Whether a text has another one somewhere in it, letter for letter; faster than LIKE, which SQLite tries in either case."""
    if connection.dialect.name == "sqlite":
        return func.instr(value, part) > 0
    return func.strpos(value, part) > 0
