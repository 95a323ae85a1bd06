"""The ledger on PostgreSQL: the same steps, and two processes at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from digest.delivery import reports
from digest.delivery.providers.answer import Outcome
from digest.delivery.refusals import LeaseLost, Stale
from digest.delivery.reports import NewReport
from digest.delivery.upkeep import cancel
from digest.delivery.withdrawal import withdraw
from digest.errors import Busy, Unreachable, UsageError
from digest.issues.lifecycle import IssueState
from digest.store import tables
from digest.store.database import Store
from tests.databases import Databases, Server
from tests.issues.newsroom import DAILY, LEASE, MONDAY, Newsroom, a_newsroom
from tests.marking import mark_batch


@pytest.fixture
def newsroom(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        yield made


def test_an_issue_goes_its_whole_way_and_overlapping_ones_repeat_and_lose_nothing(newsroom: Newsroom) -> None:
    for name in ("ann", "bob", "held", "leaves"):
        newsroom.join(name)
    newsroom.suppress("held")
    newsroom.arrive("a", "b")
    one = newsroom.planned()
    newsroom.join("bob", None, DAILY)
    newsroom.leave("leaves")
    newsroom.arrive("c")
    other = newsroom.planned(DAILY)
    assert newsroom.has(other, "bob") == ["c"]
    newsroom.deliver(other, {"bob": Outcome.REJECTED})
    one = newsroom.deliver(one, {"bob": Outcome.REJECTED})
    assert newsroom.states(one) == {"ann": "accepted", "bob": "rejected", "held": "suppressed", "leaves": "cancelled"}
    assert (one.state, newsroom.owed("bob")) == (IssueState.SENT, {"a": 1, "b": 1, "c": 1})
    assert newsroom.has(newsroom.issue(DAILY), "bob") == ["a", "b", "c"]


def test_two_processes_at_once_claim_each_their_own(newsroom: Newsroom) -> None:
    for number in range(6):
        newsroom.join(f"u{number}")
    newsroom.arrive("a")
    issue = newsroom.planned()
    one, two = newsroom.ledger(issue, "one"), newsroom.ledger(issue, "two")
    second = Store(newsroom.store.url.render_as_string(hide_password=False))
    with newsroom.store.writing(together=True) as mine, second.writing(together=True) as theirs:
        first = one.claim(mine, 4, now=MONDAY, lease=LEASE)
        other = two.claim(theirs, 4, now=MONDAY, lease=LEASE)
        assert first is not None
        assert other is not None
    assert (len(first[0].recipients), len(other[0].recipients)) == (4, 2)
    assert not set(first[0].recipients) & set(other[0].recipients)
    with newsroom.store.writing() as connection:
        assert mark_batch(two, connection, other[0].batch, other[0].recipients, now=MONDAY) == list(other[0].recipients)
        with pytest.raises(LeaseLost):
            mark_batch(one, connection, first[0].batch, first[0].recipients, now=MONDAY + LEASE)
    with newsroom.store.run_lock(), pytest.raises(Busy), second.run_lock():
        pass
    second.close()


def test_a_run_right_after_another_is_not_taken_for_a_second_one(newsroom: Newsroom) -> None:
    for _ in range(300):  # the server notices the end of a session a moment after its client
        with newsroom.store.run_lock():
            pass


def test_a_withdrawn_article_is_left_out_by_the_mark_and_owed_to_nobody(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a", "b")
    issue = newsroom.planned()
    ledger = newsroom.ledger(issue)
    with newsroom.store.writing() as connection:
        found = ledger.claim(connection, 4, now=MONDAY, lease=LEASE)
        (touched,) = withdraw(connection, "b", actor="editor", now=MONDAY).touched
        assert (touched.issue.sub_revision, touched.too_late) == (1, 0)
        assert found is not None
        with pytest.raises(Stale):
            mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY)
        cancel(connection, ledger, now=MONDAY, reason="enough")
    newsroom.conclude(issue)
    assert newsroom.owed("ann") == {"a": 1}


def test_a_scratch_copy_holds_every_row_and_leaves_the_original_alone(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a")
    newsroom.planned()
    with newsroom.store.scratch() as copy, copy.writing() as there, newsroom.store.reading() as here:
        for table in tables.metadata.sorted_tables:
            assert sorted(map(repr, there.execute(select(table)))) == sorted(map(repr, here.execute(select(table)))), table.name
        there.execute(tables.delivery.delete())
        assert len(here.execute(select(tables.delivery)).all()) == 1


def test_a_scratch_copy_knows_of_reports_and_does_not_hold_them(newsroom: Newsroom) -> None:
    row = tables.report.c
    with newsroom.store.writing() as connection:
        reports.keep(connection, [NewReport("sendgrid", MONDAY, b"one", b"[]")])
    with newsroom.store.scratch() as copy, copy.reading() as there, newsroom.store.reading() as here:
        assert there.execute(select(row.provider, row.state, row.body)).all() == [("sendgrid", "waiting", None)]
        assert here.execute(select(row.body)).scalars().all() == [b"[]"]


@pytest.mark.parametrize(
    ("user", "name", "said"),
    [
        ("poor", "{}", "permission denied for schema public: the user may not do that; make it the owner of the database"),
        ("postgres", "missing", 'database "missing" does not exist; check database.url'),
        ("nobody", "{}", 'role "nobody" does not exist; check database.url'),
        ("postgres", "{}?bogus=1", 'invalid connection option "bogus"; check database.url'),
    ],
)
def test_a_server_that_refuses_is_one_line_that_says_what_to_do(
    postgresql: Server, database: Databases, tmp_path: Path, user: str, name: str, said: str
) -> None:
    database.url(tmp_path, prepared=False)
    postgresql.sql("CREATE ROLE poor LOGIN")
    place, _, rest = name.format(database.made[0]).partition("?")
    store = Store(f"postgresql+psycopg://{user}@/{place}?host={postgresql.folder}&{rest}")
    try:
        with pytest.raises(Unreachable) as refused:
            store.prepare()
    finally:
        store.close()
        postgresql.sql("DROP ROLE poor")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_server_that_takes_no_writes_is_one_line(newsroom: Newsroom) -> None:
    def write() -> None:
        with newsroom.store.writing() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            connection.execute(tables.issue.delete())

    with pytest.raises(Unreachable, match="takes no writes, as a standby does; name the primary"):
        write()


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(UsageError, match=r"needs the module pg8000, which is not installed: write postgresql\+psycopg://"):
        Store("postgresql+pg8000://digest@localhost/digest")
