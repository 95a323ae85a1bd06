"""Forgetting one person reads what is theirs, not everybody's."""

from __future__ import annotations

from sqlalchemy import create_engine, event

from digest.delivery.forgetting import forget
from digest.insights.statistics import deliveries_of
from digest.store.tables import metadata


def test_of_a_million_deliveries_only_one_persons_are_read() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    said: list[tuple[str, tuple[object, ...]]] = []
    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *about: said.append((about[2], about[3])))
        deliveries_of(connection, 5)
        forget(connection, 5)
        statements = list(said)
        plans = [
            str(row[3])
            for statement, values in statements
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert len(statements) == 7
    scans = tuple(f"SCAN {table}" for table in ("delivery", "event", "history", "report"))
    whole = [plan for plan in plans if plan.startswith(scans) and "delivery_open" not in plan]
    assert whole == []
