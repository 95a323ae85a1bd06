"""How the stores search for what the ledger's statements change: never in a whole audience, nor in a whole issue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from digest.audience.suppression import suppress
from digest.delivery import statements as hot
from digest.delivery.account import account
from digest.delivery.providers.answer import Outcome
from digest.delivery.settling import conclude
from digest.issues.issue import find_issue
from digest.store import tables
from digest.store.planner import inform_planner
from tests.databases import Server
from tests.delivery.planned import LEASE, NOW, Planned, a_planned_issue
from tests.journeys.project import MONDAY, WEEK, a_project, article
from tests.marking import mark_batch

pytestmark = pytest.mark.usefixtures("database")

MANY = 3_000
LOOKED_AT = """
SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
WHERE relname IN ('subscriber', 'subscription', 'delivery', 'suppression', 'batch')
"""

KNOWN = "SELECT relname, reltuples FROM pg_class WHERE relname IN ('subscriber', 'subscription', 'delivery')"


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Planned]:
    with a_planned_issue(tmp_path) as made:
        yield made


@pytest.mark.sqlite  # how SQLite reads its statements
def test_the_hot_statements_search_in_an_index_and_look_at_no_whole_issue(planned: Planned) -> None:
    driver: Any = planned.connection.connection.driver_connection
    for statement in (hot.CLAIM_AND_MARK, hot.MARK, hot.ACCEPT, hot.HOLD, *hot.LEAVE.values()):
        words = statement.text(planned.connection)
        steps = driver.execute(f"EXPLAIN QUERY PLAN {words}", [None] * words.count("?")).fetchall()
        searched = [step[3] for step in steps if " delivery" in step[3]]
        assert searched
        assert all("subscriber_id=?" in step for step in searched), searched


@pytest.mark.sqlite  # how SQLite reads its statements
def test_a_request_is_marked_and_accepted_in_one_span_of_the_open_ones(planned: Planned) -> None:
    driver: Any = planned.connection.connection.driver_connection
    for statement in (hot.STROKE, hot.ACCEPT_WHOLE):
        words = statement.text(planned.connection)
        first, *_ = driver.execute(f"EXPLAIN QUERY PLAN {words}", [None] * words.count("?")).fetchall()
        assert "delivery_open (issue_id=? AND state=? AND rendition=? AND subscriber_id>? AND subscriber_id<?)" in first[3]


@pytest.mark.sqlite  # how SQLite reads its statements
def test_a_claim_reads_of_one_rendition_alone_and_sorts_nobody(planned: Planned) -> None:
    driver: Any = planned.connection.connection.driver_connection
    for statement, by in (
        (hot.FIRST, "(issue_id=? AND state=?)"),
        *((one, "rendition>? AND rendition<?") for one in (hot.WAITING, hot.WAITING_AND_MAY)),
    ):
        words = statement.text(planned.connection)
        first, *others = driver.execute(f"EXPLAIN QUERY PLAN {words}", [None] * words.count("?")).fetchall()
        assert "USING INDEX delivery_open" in first[3]
        assert by in first[3]
        assert not [step[3] for step in others if "TEMP B-TREE" in step[3] or "SCAN" in step[3]]


def test_on_postgresql_nobody_is_looked_at_but_those_asked_for_though_it_knows_nothing_of_the_tables(
    planned: Planned, postgresql: Server
) -> None:
    crowd(planned.connection)
    ledger, connection = planned.ledger(), planned.connection
    suppress(connection, "m7@x.example", scope="*", reason="manual", source="test", now=NOW)
    before = looked_at(connection)
    batch, whose = planned.claim(size=5)
    assert len(mark_batch(ledger, connection, batch, whose, now=NOW)) == 5
    planned.settle(batch, whose, *[Outcome.ACCEPTED] * 4, Outcome.UNKNOWN)
    found = ledger.claim_and_mark(connection, 5, now=NOW, lease=LEASE)
    assert found is not None
    claimed, _, marked = found
    planned.settle(claimed.batch, list(marked), *[Outcome.ACCEPTED] * len(marked))
    looked = {table: count - before[table] for table, count in looked_at(connection).items()}
    assert max(looked.values()) < 100, looked


def test_with_a_plan_postgresql_knows_how_large_the_tables_are(planned: Planned, postgresql: Server) -> None:
    sizes = {row[0]: row[1] for row in planned.connection.execute(text(KNOWN))}
    assert sizes == {"subscriber": 6, "subscription": 6, "delivery": 6}


def test_a_table_whose_size_alone_is_known_is_looked_at_too(planned: Planned, postgresql: Server) -> None:
    """As after `pg_restore`, and after a plan that was taken back."""
    connection = planned.connection
    connection.execute(text("DELETE FROM pg_statistic"))
    inform_planner(connection)
    known = set(connection.execute(text("SELECT tablename FROM pg_stats WHERE schemaname = 'public'")).scalars())
    assert known >= {"subscriber", "subscription", "delivery", "audience_group"}


def test_whoever_holds_a_table_is_not_waited_for(tmp_path: Path, postgresql: Server) -> None:
    with a_project(tmp_path) as project:
        project.join("ann@x.example")
        with project.app() as app, app.store.apart() as other:
            other.execute(text("BEGIN"))
            other.execute(text("LOCK TABLE subscriber IN SHARE UPDATE EXCLUSIVE MODE"))  # as a vacuum does
            with app.store.writing() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '1s'"))
                inform_planner(connection, (tables.subscriber,))


def test_on_postgresql_an_issue_is_settled_by_looking_at_each_delivery_and_not_for_each_group(
    tmp_path: Path, postgresql: Server
) -> None:
    topics = ("databases", "messaging", "reliability", "python", "devops", "security")
    pairs = [f"{one} {other}" for one in topics for other in topics if one < other]
    rows = [f"u{number}@x.example,{pairs[number % len(pairs)]},yes" for number in range(1200)]
    with a_project(tmp_path) as project:
        (tmp_path / "people.csv").write_text("\n".join(["email,topics,confirmed", *rows]), encoding="utf-8")
        project.environment["DIGEST_DELIVERY__AUDIENCE_FACTOR"] = "0"
        project.join("ann@x.example")
        project.offer(article("first"))
        assert project.code() == 0
        with project.app() as app, app.store.writing() as connection:
            connection.execute(text("ANALYZE"))  # now it knows one issue, and thinks that there is no other
        assert project.command("subscribers", "import", "people.csv").returncode == 0
        project.offer(*(article(topic, tags=(topic,), at=MONDAY) for topic in topics))
        project.plan(MONDAY + WEEK)
        with project.app() as app, app.store.writing() as connection:
            issue = find_issue(connection, "weekly/2")
            assert issue.audience == len(rows) + 1
            connection.execute(text("UPDATE delivery SET state = 'accepted'"))
            before = looked_at(connection)["delivery"]
            assert conclude(connection, issue, now=NOW, counted=account(connection, issue)).settled_at == NOW
            assert looked_at(connection)["delivery"] - before < 6 * len(rows)


def crowd(connection: Connection) -> None:
    """So many more like the first reader, of whom the store has no statistics: as after an import, or in a copy."""
    for table, others in (
        ("subscriber", {"id": "1000 + n", "address": "'m' || n || '@x.example'", "email": "'m' || n || '@x.example'"}),
        ("subscription", {"id": "1000 + n", "subscriber_id": "1000 + n"}),
        ("delivery", {"subscriber_id": "1000 + n"}),
    ):
        names = connection.execute(text(f"SELECT * FROM {table} LIMIT 0")).keys()
        values = ", ".join(others.get(name, name) for name in names)
        first = f"SELECT * FROM {table} ORDER BY {next(iter(others))} LIMIT 1"
        connection.execute(
            text(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM ({first}) AS one, generate_series(1, {MANY}) AS n"
            )
        )
    connection.execute(text("DELETE FROM pg_statistic"))
    connection.execute(text("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relnamespace = 'public'::regnamespace"))
    connection.execute(text("ANALYZE delivery"))  # what is written to all the time is soon known


def looked_at(connection: Connection) -> dict[str, int]:
    """How many rows of each table this transaction has read so far."""
    return {row[0]: row[1] for row in connection.execute(text(LOOKED_AT))}
