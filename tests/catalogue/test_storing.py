"""Readings taken into the catalogue: identity, arrival numbers, seeding, waiting. Cases 4, 5, 11, 12 and 31 of CASES.md."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from digest.catalogue.article import Article, Entry
from digest.catalogue.articles import articles_by_ids, list_articles, window, withdraw
from digest.catalogue.sources.port import Fault, Reading
from digest.catalogue.storing import Stored, highest_arrival, release_waiting, store_failure, store_reading
from digest.settings import SourceSettings
from digest.store import tables

Make = Callable[..., Entry]
Source = Callable[..., SourceSettings]
Store = Callable[..., Stored]
FOREVER = 10**9


@pytest.fixture
def store(connection: Connection, source: Source, now: datetime) -> Store:
    def store(
        *entries: Entry, at: datetime = now, latest_only: bool = False, faults: tuple[Fault, ...] = (), **settings: Any
    ) -> Stored:
        return store_reading(connection, source(**settings), Reading(entries, faults, latest_only), at)

    return store


def arrived(connection: Connection, after: int = 0) -> list[str]:
    return [article.title for article in window(connection, after, FOREVER)]


def by_title(connection: Connection) -> dict[str, Article]:
    return {article.title: article for article in list_articles(connection)}


# Arrival


def test_articles_are_numbered_by_their_dates_those_without_one_last(connection: Connection, store: Store, entry: Make) -> None:
    assert store(entry("b", days=2), entry("undated", days=None), entry("c", days=1), entry("a", days=3)).new == 4
    assert arrived(connection) == ["About a", "About b", "About c", "About undated"]
    assert [article.arrival for article in window(connection, 0, FOREVER)] == [1, 2, 3, 4]
    assert arrived(connection, 2) == ["About c", "About undated"]
    assert highest_arrival(connection) == 4


def test_a_second_fetch_of_the_same_changes_nothing(connection: Connection, store: Store, entry: Make, now: datetime) -> None:
    entries = [entry(str(number), tags=("b", "a"), summary="x", reading_minutes=3) for number in range(30)]
    store(*entries, seed=30)
    before = list_articles(connection)
    assert store(*entries, seed=30, at=now + timedelta(days=1)) == Stored(0, 0, 30, 0, 0, ())
    assert list_articles(connection) == before


def test_faults_of_the_reading_are_handed_on(store: Store, entry: Make) -> None:
    fault = Fault("entry 1", "url", "is missing")
    assert store(entry("a"), faults=(fault,)).faults == (fault,)


def test_case_4_a_back_dated_article_arrives_when_it_is_first_seen(
    connection: Connection, store: Store, entry: Make, now: datetime
) -> None:
    for latest_only in (False, True):
        store(entry("new", days=1), entry("old", days=40), latest_only=latest_only)
    cutoff = highest_arrival(connection)
    back_dated = entry("back-dated", days=14)
    for _ in range(2):
        store(entry("new", days=1), back_dated, entry("old", days=40), latest_only=True)
    assert arrived(connection, cutoff) == ["About back-dated"]


def test_case_4_holds_for_one_older_than_all_others_of_its_feed(connection: Connection, store: Store, entry: Make) -> None:
    store(entry("new", days=1), latest_only=True)
    assert store(entry("new", days=1), entry("back-dated", days=14), latest_only=True).new == 1


# Waiting


def test_case_5_a_post_dated_article_waits_for_its_time_and_comes_once(
    connection: Connection, store: Store, entry: Make, now: datetime
) -> None:
    store(entry("first", days=3))
    ahead = [entry("later", days=-2), entry("soon", days=-1)]
    assert store(*ahead, at=now) == Stored(0, 0, 0, 2, 0, ())
    assert release_waiting(connection, now) == 0
    assert store(*ahead).unchanged == 2
    assert arrived(connection) == ["About first"]
    assert release_waiting(connection, now + timedelta(days=1)) == 1
    assert release_waiting(connection, now + timedelta(days=1)) == 0
    assert store(*ahead, at=now + timedelta(days=1)).unchanged == 2
    assert release_waiting(connection, now + timedelta(days=30)) == 1
    assert arrived(connection) == ["About first", "About soon", "About later"]


def test_those_whose_time_has_come_are_numbered_by_their_dates(
    connection: Connection, store: Store, entry: Make, now: datetime
) -> None:
    store(entry("c", days=-3), entry("a", days=-1), entry("b", days=-2))
    assert release_waiting(connection, now + timedelta(days=7)) == 3
    assert arrived(connection) == ["About a", "About b", "About c"]


def test_case_5_a_waiting_article_follows_its_date(connection: Connection, store: Store, entry: Make, now: datetime) -> None:
    store(entry("a", days=-2))
    assert store(entry("a", days=-9)).updated == 1
    assert release_waiting(connection, now + timedelta(days=5)) == 0
    assert store(entry("a", days=1)).updated == 1
    assert release_waiting(connection, now) == 1
    assert store(entry("a", days=-9)).updated == 1, "once numbered it keeps its number, whatever its date says"
    assert release_waiting(connection, now + timedelta(days=30)) == 0
    assert [article.arrival for article in window(connection, 0, FOREVER)] == [1]


def test_a_lost_date_does_not_end_an_embargo(connection: Connection, store: Store, entry: Make, now: datetime) -> None:
    store(entry("a", days=-2))
    store(entry("a", days=None))
    assert release_waiting(connection, now) == 0
    assert release_waiting(connection, now + timedelta(days=2)) == 1


def test_a_post_dated_article_takes_no_seed_and_is_never_covered(
    connection: Connection, store: Store, entry: Make, now: datetime
) -> None:
    assert store(entry("ahead", days=-1), entry("a", days=1), entry("b", days=2), seed=1) == Stored(1, 0, 0, 1, 1, ())
    release_waiting(connection, now + timedelta(days=2))
    assert arrived(connection) == ["About a", "About ahead"]


# Seeding


def test_case_31_the_first_fetch_takes_the_newest_few_and_covers_the_rest(
    connection: Connection, store: Store, entry: Make, now: datetime
) -> None:
    ten_years = [entry(str(number), days=number + 1) for number in range(520)]
    random.Random(1).shuffle(ten_years)
    assert store(*ten_years, seed=20) == Stored(20, 0, 0, 0, 500, ())
    assert arrived(connection) == [f"About {number}" for number in reversed(range(20))]
    articles = list_articles(connection)
    assert {article.arrival for article in articles[20:]} == {0}
    assert all(article.seeded_at == article.first_seen_at == now for article in articles)
    assert store(entry("next", days=0), at=now + timedelta(days=1)).new == 1
    assert by_title(connection)["About next"].seeded_at is None


def test_without_dates_the_first_of_the_source_are_its_newest(connection: Connection, store: Store, entry: Make) -> None:
    store(*(entry(str(number), days=None) for number in range(4)), seed=2)
    assert arrived(connection) == ["About 0", "About 1"]


def test_an_empty_or_failed_first_fetch_seeds_nothing_yet(
    connection: Connection, store: Store, source: Source, entry: Make, now: datetime
) -> None:
    store()
    store_failure(connection, source(), "out of reach", now)
    row = connection.execute(select(tables.source)).one()
    assert (row.seeded_at, row.error, row.fetched_at) == (None, "out of reach", now)
    assert store(*(entry(str(number)) for number in range(5)), seed=2).covered == 3
    row = connection.execute(select(tables.source)).one()
    assert (row.seeded_at, row.error) == (now, None)


def test_another_source_is_seeded_for_itself_and_what_is_known_is_not_numbered_again(
    connection: Connection, store: Store, entry: Make
) -> None:
    store(entry("a", days=1), entry("b", days=2))
    stored = store(
        entry("guid-a", days=1, url="https://backend.example/a", title="Another title"),
        entry("guid-c", days=3),
        name="feed",
        seed=20,
    )
    assert stored == Stored(1, 0, 1, 0, 0, ())
    assert arrived(connection) == ["About b", "About a", "About guid-c"], "the content follows the source that brought it first"
    assert store(entry("guid-a", url="https://backend.example/new"), name="feed").unchanged == 1


# Identity


def edits() -> dict[str, dict[str, Any]]:
    return {
        "url": {"url": "https://backend.example/renamed", "canonical_url": "https://backend.example/renamed"},
        "guid": {"key": "new-guid"},
        "title": {"title": "A better title"},
        "body": {"summary": "Rewritten."},
        "date": {"published_at": None},
        "tags": {"tags": ("other",)},
    }


@pytest.mark.parametrize("what", edits())
def test_case_11_an_edited_article_is_the_same_article(
    connection: Connection, store: Store, entry: Make, now: datetime, what: str
) -> None:
    original = entry("a", tags=("python",))
    store(original)
    (before,) = list_articles(connection)
    edited = replace(original, **edits()[what])
    stored = store(edited, at=now + timedelta(days=1))
    assert (stored.new, stored.updated + stored.unchanged, stored.faults) == (0, 1, ())
    (after,) = list_articles(connection)
    assert (after.id, after.arrival, after.first_seen_at, after.seeded_at) == (
        before.id,
        before.arrival,
        before.first_seen_at,
        before.seeded_at,
    )
    assert after.published_at == before.published_at
    if what not in {"guid", "date"}:
        assert after != before


def test_case_11_every_name_it_ever_had_stays_its_own(connection: Connection, store: Store, entry: Make) -> None:
    """The address changes, then the id, then the address again: one article all the way, and each old name leads to it."""
    chain = [
        entry("id-1", url="https://backend.example/1"),
        entry("id-1", url="https://backend.example/2"),
        entry("id-2", url="https://backend.example/2"),
        entry("id-2", url="https://backend.example/3"),
        entry("id-1", url="https://backend.example/9"),
        entry("id-9", url="https://backend.example/1"),
    ]
    for step in chain:
        assert store(step).faults == ()
    assert len(list_articles(connection)) == 1
    assert connection.scalar(select(func.count()).select_from(tables.article_key)) == 3 + 4


def test_both_names_changed_at_once_are_another_article(connection: Connection, store: Store, entry: Make) -> None:
    store(entry("a"))
    assert store(entry("b")).new == 1


def test_an_entry_whose_names_lead_to_two_articles_changes_neither(connection: Connection, store: Store, entry: Make) -> None:
    store(entry("a"), entry("b"))
    before = list_articles(connection)
    stored = store(entry("a", url="https://backend.example/b", title="Torn"), entry("c"))
    assert (stored.new, stored.updated, len(stored.faults)) == (1, 0, 1)
    assert stored.faults[0].error
    assert list_articles(connection)[-2:] == before or set(before) <= set(list_articles(connection))


def test_an_address_that_is_used_again_does_not_take_over_the_article_that_had_it(
    connection: Connection, store: Store, entry: Make
) -> None:
    store(entry("a", url="https://backend.example/1"))
    store(entry("a", url="https://backend.example/2"))
    stored = store(entry("b", url="https://backend.example/1", title="New"), entry("a", url="https://backend.example/2"))
    assert (stored.new, stored.unchanged, len(stored.faults)) == (0, 1, 1)
    assert list(by_title(connection)) == ["About a"]


def test_two_entries_with_one_address_are_one_article(connection: Connection, store: Store, entry: Make) -> None:
    url = "https://backend.example/"
    assert store(entry("a", url=url), entry("b", url=url)) == Stored(
        1, 0, 0, 0, 0, store(entry("a", url=url), entry("b", url=url)).faults
    )


def test_a_withdrawn_article_stays_withdrawn_when_it_is_edited(
    connection: Connection, store: Store, entry: Make, now: datetime
) -> None:
    store(entry("a"))
    withdraw(connection, "a", now)
    store(entry("a", title="Again"))
    assert by_title(connection)["Again"].withdrawn_at == now


def test_what_a_source_no_longer_shows_stays(connection: Connection, store: Store, entry: Make) -> None:
    store(entry("a"), entry("b"))
    assert store(entry("b")).unchanged == 1
    assert len(arrived(connection)) == 2


# Case 12: the newest entry is deleted from a feed of ten


def feed_of(entry: Make, numbers: range) -> list[Entry]:
    """Entries by number, the newest and highest first, as a feed shows them."""
    return [entry(str(number), days=100 - number) for number in reversed(numbers)]


def test_case_12_an_old_entry_that_reappears_and_was_seen_before_is_not_sent(
    connection: Connection, store: Store, entry: Make
) -> None:
    store(*feed_of(entry, range(1, 11)), latest_only=True)
    store(*feed_of(entry, range(2, 12)), latest_only=True)
    cutoff = highest_arrival(connection)
    assert store(*feed_of(entry, range(1, 11)), latest_only=True) == Stored(0, 0, 10, 0, 0, ())
    assert highest_arrival(connection) == cutoff


def test_case_12_an_old_entry_that_appears_in_the_place_of_a_deleted_one_is_not_sent(
    connection: Connection, store: Store, entry: Make
) -> None:
    store(*feed_of(entry, range(2, 12)), latest_only=True)
    cutoff = highest_arrival(connection)
    shown = feed_of(entry, range(1, 11))
    assert store(*shown, latest_only=True) == Stored(0, 0, 9, 0, 1, ())
    assert store(*shown, latest_only=True) == Stored(0, 0, 10, 0, 0, ())
    assert highest_arrival(connection) == cutoff
    both = [entry("new", days=0), *shown[:5], entry("back-dated", days=90.5), *shown[5:], entry("older still", days=99.5)]
    assert store(*both, latest_only=True).new == 3, "one deletion explains one old entry, not every other"


def test_case_12_a_source_that_shows_everything_has_no_places_to_fill(connection: Connection, store: Store, entry: Make) -> None:
    store(*feed_of(entry, range(2, 12)))
    assert store(*feed_of(entry, range(1, 11))).new == 1


# Many at once


def test_many_articles_are_stored_in_few_statements(connection: Connection, store: Store, entry: Make) -> None:
    entries = [entry(str(number), days=number / 1000) for number in range(1, 5001)]
    assert store(*entries, seed=10_000).new == 5000
    edited = [replace(each, title=each.title + "!") if number % 7 == 0 else each for number, each in enumerate(entries)]
    stored = store(*edited, entry("one more"))
    assert (stored.new, stored.updated, stored.unchanged) == (1, 715, 4285)
    ids = [article.id for article in list_articles(connection)][::3]
    assert set(articles_by_ids(connection, [*ids, 10**6])) == set(ids)


def test_any_order_of_fetches_numbers_every_article_once(
    connection: Connection, store: Store, entry: Make, now: datetime
) -> None:
    """However readings overlap and dates move, no article has two numbers and no number two articles."""
    rng = random.Random(7)
    for step in range(60):
        at = now + timedelta(days=step / 10)
        some = [entry(str(number), days=rng.uniform(-4, 9)) for number in rng.sample(range(40), 12)]
        store(*some, at=at, name=rng.choice(["one", "two"]), seed=5, latest_only=rng.random() < 0.5)
        release_waiting(connection, at)
    release_waiting(connection, now + timedelta(days=90))
    numbers = [article.arrival for article in list_articles(connection)]
    given = sorted(number for number in numbers if number)
    assert None not in numbers
    assert given == list(range(1, len(given) + 1))
    assert len(numbers) == 40


# Gaps (case 13)


def test_a_feed_that_was_outrun_is_noticed_once(store: Store, entry: Make, now: datetime) -> None:
    first = [entry(f"old-{number}", days=20 + number) for number in range(10)]
    later = [entry(f"new-{number}", days=number) for number in range(10)]
    assert not store(*first, latest_only=True).gap, "nothing can be missing before the first fetch"
    assert store(*later, latest_only=True, at=now).gap
    assert not store(*later, latest_only=True, at=now).gap, "told once"


def test_one_known_entry_shows_that_nothing_was_missed(store: Store, entry: Make) -> None:
    store(entry("a", days=9), entry("b", days=8), latest_only=True)
    assert not store(entry("b", days=8), entry("c", days=7), latest_only=True).gap
    assert not store(latest_only=True).gap, "an emptied feed shows nothing"
    assert not store(entry("d", days=1), latest_only=True).gap, "a feed of one entry is always outrun, and not told of for ever"


def test_a_source_that_shows_everything_has_no_gap(store: Store, entry: Make) -> None:
    store(entry("a", days=9), entry("b", days=8))
    assert not store(entry("c"), entry("d")).gap
