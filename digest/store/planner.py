"""What PostgreSQL's planner knows of the tables that grow with the audience. SQLite goes by its indexes alone."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Table, text

from digest.store import tables

_GROWING = (tables.subscriber, tables.subscription, tables.suppression, tables.delivery, tables.audience_group)
# Of what was filled since it was emptied not even the size is known; of what was restored by other programs it may be all there is.
_UNKNOWN = text(
    "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE nspname = current_schema AND relname = ANY(:names) AND pg_relation_size(pg_class.oid) > 0"
    " AND (reltuples < 0 OR NOT EXISTS (SELECT FROM pg_stats WHERE schemaname = nspname AND tablename = relname))"
)


def inform_planner(connection: Connection, changed: Collection[Table] = ()) -> None:
    """Have PostgreSQL gather statistics on what it has none of, and on what has just `changed` by much.

    Until it has some (after an import, say, in a restored database, after an upgrade of the server, or of the rows of a new issue) it takes
    every condition to hold for next to nobody, and may read everybody for each request, or for each group. By itself it gathers them
    within minutes, and in a copied database only once much has changed. A tenth of a second for a table of a million. Whoever holds a table
    for something else, such as a vacuum, is not waited for.
    """
    if connection.dialect.name != "postgresql":
        return
    unknown = connection.execute(_UNKNOWN, {"names": [one.name for one in _GROWING]}).scalars()
    for name in sorted({*unknown, *(one.name for one in changed)}):
        connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {name}")
