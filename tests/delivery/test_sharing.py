"""What several processes share of a provider: its rate, its wish for patience, its breaker, and an issue's canary."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.delivery.sharing import SharedCanary, SharedPace, held, hold
from digest.delivery.temper import Mood
from digest.store.database import Store
from tests.databases import Databases
from tests.issues.newsroom import Newsroom, a_newsroom

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RATE = 50.0


@pytest.fixture
def store(tmp_path: Path, database: Databases) -> Iterator[Store]:
    made = Store(database.url(tmp_path))
    yield made
    made.close()


def paces(many: int = 3, rate: float = RATE) -> list[SharedPace]:
    return [SharedPace("smtp", rate) for _ in range(many)]


def take(store: Store, pace: SharedPace, many: int, now: datetime, least: int = 1) -> tuple[int, datetime | None]:
    with store.writing(together=True) as connection:
        return pace.take(connection, many, least, now)


def tell(store: Store, pace: SharedPace, mood: Mood, now: datetime) -> None:
    with store.writing(together=True) as connection:
        pace.tell(connection, mood, now)


def test_all_together_send_no_faster_than_the_rate_and_hardly_slower(store: Store) -> None:
    chance = random.SystemRandom().randrange(1 << 32)
    print(f"seed {chance}")
    draw, crew, now, sent = random.Random(chance), paces(), NOW, 0
    while now < NOW + 4 * SECOND:
        granted, until = take(store, draw.choice(crew), draw.randint(1, 3), now)
        sent += granted
        assert (until is None) == (granted > 0)
        assert sent <= RATE * (now - NOW).total_seconds() + RATE * 0.1 + 3 * 5
        now += timedelta(milliseconds=draw.randint(1, 12))
    assert sent >= RATE * 4 * 0.9


def test_a_request_of_many_waits_until_all_of_it_has_come_in(store: Store) -> None:
    one, two = paces(2)
    assert take(store, one, 200, NOW, 200) == (200, None)
    granted, until = take(store, two, 200, NOW + SECOND, 200)
    assert (granted, until) == (0, NOW + timedelta(seconds=200 / RATE))
    assert take(store, two, 200, NOW + 4 * SECOND, 200) == (200, None)


def test_what_did_not_leave_is_there_for_the_next(store: Store) -> None:
    (one,) = paces(1, rate=1)
    assert take(store, one, 1, NOW) == (1, None)
    one.give_back(1)
    assert take(store, one, 1, NOW) == (1, None)
    assert take(store, one, 1, NOW)[0] == 0


def test_a_share_that_is_not_used_within_a_second_is_lost(store: Store) -> None:
    (one,) = paces(1, rate=100)
    assert take(store, one, 1, NOW) == (1, None)  # and four more in hand
    assert take(store, one, 4, NOW + SECOND / 2) == (4, None)
    assert take(store, one, 1, NOW + SECOND / 2) == (1, None)
    one._credit, one._credit_until = 50, NOW + SECOND
    assert take(store, one, 50, NOW + 2 * SECOND, 1)[0] == 50
    assert one._credit == 0


def test_without_a_rate_everything_may_leave(store: Store) -> None:
    assert take(store, paces(1, rate=0)[0], 1000, NOW) == (1000, None)


def test_a_wish_for_patience_told_to_one_holds_for_all(store: Store) -> None:
    one, two = paces(2)
    tell(store, one, Mood(held_until=NOW + 30 * SECOND), NOW)
    assert take(store, two, 5, NOW) == (0, NOW + 30 * SECOND)
    tell(store, two, Mood(held_until=NOW + 10 * SECOND), NOW)  # a shorter one takes nothing back
    assert take(store, one, 5, NOW + 20 * SECOND) == (0, NOW + 30 * SECOND)
    assert take(store, one, 1, NOW + 30 * SECOND) == (1, None)


def test_a_breaker_that_opens_for_one_is_open_for_all_and_then_one_alone_tries(store: Store) -> None:
    one, two, three = paces(3, rate=0)
    tell(store, one, Mood(failures=1, retry_at=NOW + 5 * SECOND), NOW)
    assert take(store, two, 40, NOW + SECOND, 10) == (0, NOW + 5 * SECOND)
    assert take(store, two, 40, NOW + 6 * SECOND, 10) == (10, None)  # one request
    granted, until = take(store, three, 40, NOW + 6 * SECOND, 10)
    assert granted == 0
    assert until is not None
    tell(store, two, Mood(came_through=1), NOW + 7 * SECOND)
    assert take(store, three, 40, NOW + 7 * SECOND, 10) == (40, None)


def test_a_probe_that_fails_opens_it_for_longer_and_one_whose_process_died_is_made_by_another(store: Store) -> None:
    one, two, three = paces(3, rate=0)
    tell(store, one, Mood(failures=1, retry_at=NOW + SECOND), NOW)
    assert take(store, two, 1, NOW + 2 * SECOND) == (1, None)
    tell(store, two, Mood(failures=1, retry_at=NOW + 9 * SECOND), NOW + 3 * SECOND)
    assert take(store, three, 1, NOW + 4 * SECOND) == (0, NOW + 9 * SECOND)
    assert take(store, one, 1, NOW + 10 * SECOND) == (1, None)  # and it dies
    assert take(store, three, 1, NOW + 11 * SECOND)[0] == 0
    assert take(store, three, 1, NOW + 26 * SECOND) == (1, None)


def test_a_provider_that_is_held_is_held_until_the_later_of_two_times(store: Store) -> None:
    with store.writing() as connection:
        assert not held(connection, "smtp", NOW)
        hold(connection, "smtp", NOW + 9 * SECOND)
        hold(connection, "smtp", NOW + 5 * SECOND)
        assert held(connection, "smtp", NOW + 6 * SECOND)
        assert not held(connection, "smtp", NOW + 9 * SECOND)


def test_a_canary_is_counted_for_all_together(tmp_path: Path, database: Databases) -> None:
    with a_newsroom(tmp_path) as room:
        canary(room)


def canary(room: Newsroom) -> None:
    room.join("ann")
    room.arrive("a")
    issue = room.planned()
    one, two = SharedCanary(issue.id, 10), SharedCanary(issue.id, 10)
    with room.store.writing() as connection:
        assert one.take(connection, 6, NOW) == 6
        assert two.take(connection, 6, NOW) == 4
        assert one.take(connection, 1, NOW) == 0
        two.give_back(connection, 2, NOW)
        assert one.take(connection, 6, NOW) == 2
