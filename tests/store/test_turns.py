"""PostgreSQL, several processes at once: each writer has its turn, so whatever they do is as if done one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from digest.catalogue.article import Entry
from digest.catalogue.sources.port import Reading
from digest.catalogue.storing import store_reading
from digest.delivery import plan as planning
from digest.delivery.sending import Sender, Sent
from digest.errors import Unreachable
from digest.issues import freezing
from digest.issues.lifecycle import IssueState
from digest.issues.rendered import Rendered, render
from digest.settings import Delivery
from digest.store import tables
from digest.testing.fake_provider import FakeProvider
from tests.databases import Databases, Server
from tests.issues.newsroom import MONDAY, Newsroom, a_newsroom, newsletter
from tests.store.others import Others


@pytest.fixture
def newsroom(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path, newsletter(), newsletter("other")) as made:
        yield made


@pytest.fixture
def others(newsroom: Newsroom) -> Iterator[Others]:
    made = Others(newsroom)
    yield made
    made.close()


def windows(newsroom: Newsroom) -> dict[str, int]:
    """In how many issues' windows each article stands, as a candidate; what came after the last cutoff is in none yet."""
    keys = {number: key for key, number in newsroom.articles().items()}
    with newsroom.store.reading() as connection:
        query = select(tables.issue.c.id, tables.issue.c.cutoff).order_by(tables.issue.c.number)
        issues = [(frozen_of_id(newsroom, one.id), one.cutoff) for one in connection.execute(query)]
        arrivals = {one.id: one.arrival for one in connection.execute(select(tables.article.c.id, tables.article.c.arrival))}
    counted = dict.fromkeys(keys.values(), 0)
    point = 0
    for candidates, cutoff in issues:
        for one, arrival in arrivals.items():
            counted[keys[one]] += point < (arrival or 0) <= cutoff and candidates.get(one) == arrival
        point = cutoff
    return {key: count for key, count in counted.items() if (arrivals[newsroom.articles()[key]] or 0) <= point}


def frozen_of_id(newsroom: Newsroom, issue_id: int) -> dict[int, int | None]:
    with newsroom.store.reading() as connection:
        kept = tables.issue_content.c
        data = connection.execute(select(kept.content).where(kept.issue_id == issue_id)).scalar_one()
    return {one["id"]: one["arrival"] for one in data["candidates"]}


def test_numbers_come_in_the_order_of_commits_and_a_freeze_waits_for_who_is_storing(newsroom: Newsroom, others: Others) -> None:
    newsroom.join("ann")
    newsroom.arrive("first")
    storing = threading.Event()

    def store_slowly(room: Newsroom) -> None:
        with room.store.writing() as connection:
            room_arrives(room, connection, "slow")
            storing.set()
            assert go_on.wait(30)

    go_on = threading.Event()
    slow = others.pool.submit(store_slowly, newsroom)
    assert storing.wait(30)
    quick = others.begin(lambda room: room.arrive("quick"))
    frozen = others.begin(lambda room: room.freeze())
    assert (quick.done(), frozen.done()) == (False, False)
    go_on.set()
    slow.result(30)
    quick.result(30)
    assert frozen.result(30).cutoff in {2, 3}
    newsroom.arrive("last")
    newsroom.slots = 10
    newsroom.freeze()
    assert windows(newsroom) == {"first": 1, "slow": 1, "quick": 1, "last": 1}


def room_arrives(room: Newsroom, connection: Connection, key: str) -> None:
    """An article, within a transaction that is still open."""
    entry = Entry(
        key=key, url=f"https://n.example/{key}", canonical_url=f"https://n.example/{key}", title=f"Title {key}", tags=("python",)
    )
    store_reading(connection, room.settings.sources[0], Reading((entry,)), room.now)


def test_what_is_stored_in_the_middle_of_a_freeze_comes_after_its_cutoff(
    newsroom: Newsroom, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.arrive("before")

    def render_slowly(*arguments: Any) -> Rendered:
        monkeypatch.setattr(freezing, "render", render)
        others.begin(lambda room: room.arrive("meanwhile"))
        return render(*arguments)

    monkeypatch.setattr(freezing, "render", render_slowly)
    assert newsroom.freeze().cutoff == 1
    others.futures[0].result(30)
    assert newsroom.freeze().cutoff == 2
    assert windows(newsroom) == {"before": 1, "meanwhile": 1}


def test_whoever_stores_and_freezes_at_once_no_article_is_ever_in_no_window(newsroom: Newsroom, others: Others) -> None:
    def store(room: Newsroom, name: str) -> None:
        for number in range(12):
            room.arrive(f"{name}{number}")

    def freeze(room: Newsroom, first: int) -> None:
        room.slots = first
        for _ in range(5):
            room.freeze()

    doing = [others.start(lambda room, name=name: store(room, name)) for name in "abc"]  # type: ignore[misc]
    doing += [others.start(lambda room, first=first: freeze(room, first)) for first in (100, 200)]  # type: ignore[misc]
    for each in doing:
        each.result(60)
    newsroom.freeze()
    found = windows(newsroom)
    assert len(found) == 36
    assert set(found.values()) == {1}


def test_two_that_send_an_issue_at_once_plan_it_once_and_send_each_delivery_once(
    newsroom: Newsroom, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        newsroom.join(f"u{number}")
    newsroom.arrive("a")
    issue = newsroom.approve(newsroom.freeze())
    provider = FakeProvider()

    def send(room: Newsroom, owner: str) -> Sent:
        settings = Delivery(concurrency=2, patience=timedelta(0))
        key, url, stop = b"k" * 32, "https://n.example", threading.Event()
        return Sender(room.store, (provider,), settings, key, url, owner, MONDAY, stop).send(issue, others_are_dead=False)

    in_the_middle(monkeypatch, lambda: others.begin(lambda room: send(room, "other")))
    sent = [send(newsroom, "one"), others.futures[0].result(30)]
    assert [one.audience for one in sent] == [12, 12]
    assert newsroom.conclude(issue).state == IssueState.SENT
    assert set(newsroom.states(issue).values()) == {"accepted"}
    assert len(provider.carried) == len(set(provider.carried)) == 12


def in_the_middle(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Of the next plan: its groups are known, its deliveries are not."""
    keep = planning._keep_groups

    def keep_slowly(*arguments: object) -> None:
        monkeypatch.setattr(planning, "_keep_groups", keep)
        act()
        keep(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "_keep_groups", keep_slowly)


def test_two_issues_planned_at_once_hold_no_article_twice_for_anybody(
    newsroom: Newsroom, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.join("ann")
    newsroom.join("ann", number=1)
    newsroom.arrive("a")
    one, other = (newsroom.approve(newsroom.freeze(number=number)) for number in (0, 1))
    in_the_middle(monkeypatch, lambda: others.begin(lambda room: room.plan(other)))
    newsroom.plan(one)
    others.futures[0].result(30)
    assert newsroom.has(one, "ann") == ["a"]
    assert newsroom.states(other) == {"ann": "skipped"}


def test_who_changes_topics_in_the_middle_of_a_plan_is_in_its_audience(
    newsroom: Newsroom, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.join("ann", "python")
    newsroom.arrive("a")
    issue = newsroom.approve(newsroom.freeze())
    in_the_middle(monkeypatch, lambda: others.begin(lambda room: room.join("ann", "data")))
    assert newsroom.plan(issue).audience == 1
    others.futures[0].result(30)
    assert newsroom.states(issue) == {"ann": "planned"}


def test_a_turn_is_a_turn_whatever_isolation_the_database_prefers(newsroom: Newsroom, others: Others, postgresql: Server) -> None:
    for preferred in ("repeatable read", "serializable"):
        postgresql.sql(f"ALTER DATABASE {newsroom.store.url.database} SET default_transaction_isolation TO '{preferred}'")
        with newsroom.store.writing() as connection:
            room_arrives(newsroom, connection, preferred.split()[0])
            storing = others.begin(lambda room, key=preferred: room.arrive(f"after-{key.split()[0]}"))  # type: ignore[misc]
            assert not storing.done()
        storing.result(30)
    with newsroom.store.reading() as connection:
        assert sorted(connection.execute(select(tables.article.c.arrival)).scalars()) == [1, 2, 3, 4]


def test_a_writer_that_stands_still_is_ended_and_the_next_has_its_turn(
    newsroom: Newsroom, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.store.locking._STILL_SECONDS", 1)

    def stand_still() -> None:
        with newsroom.store.writing() as connection:
            room_arrives(newsroom, connection, "lost")
            others.begin(lambda room: room.arrive("kept"))
            others.futures[0].result(30)

    with pytest.raises(Unreachable, match="stood still for too long; nothing was lost") as said:
        stand_still()
    assert "\n" not in str(said.value)
    assert set(newsroom.articles()) == {"kept"}
