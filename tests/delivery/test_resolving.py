"""What becomes of unknown deliveries without a person: by events, by key, by silence, by the settings, in this order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from digest.delivery import reports
from digest.delivery.providers.answer import Outcome
from digest.delivery.reports import NewReport
from digest.delivery.resolving import BY_AGE, BY_KEY, BY_SILENCE, OUT_OF_LIFE, resolve_unknown
from digest.issues.issue import Issue
from digest.settings import Delivery
from digest.store import tables
from tests.issues.newsroom import LEASE, MONDAY, Newsroom, a_newsroom

HOLD = Delivery(unknown="hold")
LIFE = timedelta(hours=24)
HOUR = timedelta(hours=1)
OTHERS = 100


@contextmanager
def a_room(folder: Path, others: int = 0) -> Iterator[tuple[Newsroom, Issue]]:
    """Ann's delivery is unknown; so many others were accepted at the same time."""
    with a_newsroom(folder) as room:
        for number in range(others):
            room.join(f"u{number}")
        room.join("ann")
        room.arrive("a")
        yield room, room.deliver(room.planned(), {"ann": Outcome.UNKNOWN})


def resolve(
    room: Newsroom,
    issue: Issue,
    at: datetime,
    *,
    life: timedelta = timedelta(0),
    settings: Delivery = HOLD,
    provider: str = "fake",
) -> tuple[str, str | None]:
    """Ann's state afterwards, and the reason of her last line."""
    ledger = replace(room.ledger(issue, "other"), provider=provider)
    with room.store.writing() as connection:
        resolve_unknown(connection, ledger, settings, life, now=at)
        line = tables.history.c
        mine = select(line.reason).where(line.subscriber_id == room.people["ann"]).order_by(line.id.desc()).limit(1)
        said = connection.execute(mine).scalar_one()
    return room.states(issue)["ann"], said


def tell(room: Newsroom, issue: Issue, *names: str, **values: Any) -> None:
    """Somebody's delivery has an event."""
    row = {
        "issue_id": issue.id,
        "attempt": 1,
        "kind": "delivered",
        "occurred_at": MONDAY,
        "provider": "fake",
        "provider_message_id": "m",
        "received_at": MONDAY,
    }
    with room.store.writing() as connection:
        for name in names:
            connection.execute(insert(tables.event).values(row | {"subscriber_id": room.people[name]} | values))


def test_an_event_that_is_stored_comes_first(tmp_path: Path) -> None:
    with a_room(tmp_path) as (room, issue):
        tell(room, issue, "ann")
        state, said = resolve(room, issue, MONDAY, life=LIFE)
        assert (state, said) == ("accepted", "the provider's event of attempt 1: delivered")


def test_to_a_provider_that_knows_the_key_it_goes_again_within_half_of_the_keys_life(tmp_path: Path) -> None:
    with a_room(tmp_path) as (room, issue):
        assert resolve(room, issue, MONDAY + LIFE / 2, life=LIFE) == ("unknown", "said")
        assert resolve(room, issue, MONDAY + HOUR) == ("unknown", "said")
        assert resolve(room, issue, MONDAY + HOUR, life=LIFE, provider="another") == ("unknown", "said")
        assert resolve(room, issue, MONDAY + LIFE / 2 - HOUR, life=LIFE) == ("planned", BY_KEY)


@pytest.mark.parametrize("outcome", [None, Outcome.DEFERRED])
def test_what_should_go_again_by_its_key_and_did_not_is_unknown_again_before_the_key_is_forgotten(
    tmp_path: Path, outcome: Outcome | None
) -> None:
    with a_room(tmp_path) as (room, issue):
        resolve(room, issue, MONDAY, life=LIFE)
        if outcome is not None:
            room.deliver(issue, {"ann": outcome})
        waiting = "planned" if outcome is None else "deferred"
        assert resolve(room, issue, MONDAY + HOUR, life=LIFE)[0] == waiting
        assert resolve(room, issue, MONDAY + LIFE / 4, life=LIFE) == ("unknown", OUT_OF_LIFE)
        if outcome is not None:
            assert resolve(room, issue, MONDAY + LIFE / 4, life=LIFE)[0] == "unknown"  # a second time by key: never


def test_what_should_go_again_by_its_key_does_not_go_to_another_provider(tmp_path: Path) -> None:
    with a_room(tmp_path) as (room, issue):
        resolve(room, issue, MONDAY, life=LIFE)
        assert resolve(room, issue, MONDAY, provider="another") == ("unknown", OUT_OF_LIFE)


def test_a_second_doubt_is_never_resolved_by_the_key(tmp_path: Path) -> None:
    with a_room(tmp_path) as (room, issue):
        resolve(room, issue, MONDAY, life=LIFE)
        room.deliver(issue, {"ann": Outcome.UNKNOWN})
        assert resolve(room, issue, MONDAY, life=LIFE)[0] == "unknown"


@pytest.mark.parametrize(
    ("told", "after", "state"),
    [
        (OTHERS, HOUR, "planned"),
        (OTHERS - 1, HOUR, "planned"),  # 99 %
        (OTHERS - 2, HOUR, "unknown"),
        (OTHERS, HOUR - timedelta(seconds=1), "unknown"),
        (0, timedelta(days=9), "unknown"),
    ],
)
def test_evidence_against_is_an_hours_silence_while_the_others_have_their_events(
    tmp_path: Path, told: int, after: timedelta, state: str
) -> None:
    with a_room(tmp_path, OTHERS) as (room, issue):
        tell(room, issue, *[f"u{number}" for number in range(told)])
        found, said = resolve(room, issue, MONDAY + after)
        assert (found, said == BY_SILENCE) == (state, state == "planned")


def test_silence_is_no_evidence_while_a_report_waits_or_could_not_be_read(tmp_path: Path) -> None:
    with a_room(tmp_path, OTHERS) as (room, issue):
        tell(room, issue, *[f"u{number}" for number in range(OTHERS)])
        with room.store.writing() as connection:
            reports.keep(connection, [NewReport("sendgrid", MONDAY, b"1", b"[]")])
        assert resolve(room, issue, MONDAY + HOUR)[0] == "unknown"
        with room.store.writing() as connection:
            reports.finish(connection, [(1, {}, "it is no JSON")], now=MONDAY)
        assert resolve(room, issue, MONDAY + timedelta(days=7))[0] == "unknown"
        with room.store.writing() as connection:
            reports.finish(connection, [(1, {}, None)], now=MONDAY)
        assert resolve(room, issue, MONDAY + HOUR)[0] == "planned"


def test_a_handful_of_events_is_no_evidence(tmp_path: Path) -> None:
    for others, state in ((9, "unknown"), (10, "planned")):
        folder = tmp_path / str(others)
        folder.mkdir()
        with a_room(folder, others) as (room, issue):
            tell(room, issue, *[f"u{number}" for number in range(others)])
            assert resolve(room, issue, MONDAY + HOUR)[0] == state


@pytest.mark.parametrize("apart", ["time", "provider"])
def test_events_of_another_time_or_provider_are_no_evidence(tmp_path: Path, apart: str) -> None:
    with a_room(tmp_path, 20) as (room, issue):
        tell(room, issue, *[f"u{number}" for number in range(20)])
        mine = select(tables.delivery.c.batch_id).where(tables.delivery.c.subscriber_id == room.people["ann"]).scalar_subquery()
        with room.store.writing() as connection:
            others = tables.delivery.c.subscriber_id != room.people["ann"]
            last = connection.execute(select(mine)).scalar_one()
            connection.execute(update(tables.delivery).where(others, tables.delivery.c.batch_id == last).values(batch_id=1))
            if apart == "time":
                line = tables.history.c
                where = (line.batch_id == last, line.to_state == "claimed")
                connection.execute(update(tables.history).where(*where).values(at=MONDAY - timedelta(minutes=5)))
            else:
                connection.execute(update(tables.batch).where(tables.batch.c.id == last).values(provider="another"))
        assert resolve(room, issue, MONDAY + HOUR)[0] == "unknown"


def test_the_policy_is_the_last_resort(tmp_path: Path) -> None:
    with a_room(tmp_path) as (room, issue):
        assert resolve(room, issue, MONDAY + timedelta(days=30)) == ("unknown", "said")
        assume = Delivery(unknown_after=2 * HOUR)
        assert resolve(room, issue, MONDAY + HOUR, settings=assume)[0] == "unknown"
        assert resolve(room, issue, MONDAY + 2 * HOUR, settings=assume) == ("accepted", BY_AGE)


def test_what_was_taken_for_not_taken_can_still_be_proved(tmp_path: Path) -> None:
    with a_room(tmp_path, 10) as (room, issue):
        tell(room, issue, *[f"u{number}" for number in range(10)])
        assert resolve(room, issue, MONDAY + HOUR)[0] == "planned"
        tell(room, issue, "ann")
        assert resolve(room, issue, MONDAY + HOUR)[0] == "accepted"
        with room.store.writing() as connection:
            assert room.ledger(issue).claim(connection, 5, now=MONDAY, lease=LEASE) is None
