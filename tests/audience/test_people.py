"""Adding one person, finding them, and letting them go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, event

from digest.audience import (
    EVERYTHING,
    Outcome,
    SubscriptionState,
    count,
    end,
    find_subscriber,
    is_suppressed,
    list_subscribers,
    subscribe,
    subscriptions_of,
    suppress,
)
from digest.errors import UsageError
from digest.settings import NewsletterSettings

Settle = Callable[[str, str, int], None]


def test_somebody_new_and_confirmed_is_active(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    joined = subscribe(
        connection,
        weekly,
        " Ann.Smith@Example.COM ",
        name="Ann Smith",
        topics="python;databases",
        timezone="Europe/Berlin",
        language="DE",
        confirmed=True,
        now=now,
    )
    assert joined.outcome is Outcome.ADDED
    assert not joined.suppressed
    person = joined.subscriber
    assert (person.email, person.address) == ("Ann.Smith@Example.COM", "ann.smith@example.com")
    assert (person.name, person.timezone, person.language) == ("Ann Smith", "Europe/Berlin", "de")
    subscription = joined.subscription
    assert (subscription.newsletter, subscription.topics, subscription.frequency) == ("weekly", "databases python", "weekly")
    assert (subscription.state, subscription.confirmed_at) == (SubscriptionState.ACTIVE, now)
    assert person.created_at == subscription.created_at == now


def test_somebody_new_and_not_confirmed_waits(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    subscription = subscribe(connection, weekly, "ann@x.example", now=now).subscription
    assert (subscription.state, subscription.topics, subscription.confirmed_at) == (SubscriptionState.PENDING, "*", None)


def test_case_9_who_subscribes_on_friday_gets_the_next_issue_whole_as_their_first(
    connection: Connection, weekly: NewsletterSettings, now: datetime, issue_settled: Settle
) -> None:
    issue_settled("weekly", "weekly", 17)
    assert subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now).subscription.coverage == 17


def test_a_frequency_that_has_had_no_issue_yet_starts_where_the_others_have_come_to(
    connection: Connection, weekly: NewsletterSettings, now: datetime, issue_settled: Settle
) -> None:
    first = subscribe(connection, weekly, "ann@x.example", frequency="daily", confirmed=True, now=now)
    issue_settled("weekly", "weekly", 17)
    later = subscribe(connection, weekly, "bob@x.example", frequency="daily", confirmed=True, now=now)
    assert (first.subscription.coverage, later.subscription.coverage) == (0, 17)


def test_case_15_a_frequency_of_2_is_refused(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    with pytest.raises(UsageError) as caught:
        subscribe(connection, weekly, "ann@x.example", frequency="2", now=now)
    assert str(caught.value) == "newsletter 'weekly' has no frequency '2': it offers weekly, daily"
    assert find_subscriber(connection, "ann@x.example") is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"frequency": "monthly"}, "no frequency 'monthly'"),
        ({"topics": "pyton"}, "did you mean 'python'"),
        ({"timezone": "Mars/Base"}, "'Mars/Base' is not a time zone"),
        ({"timezone": "../etc/passwd"}, "is not a time zone"),
        ({"timezone": "Europe"}, "'Europe' is not a time zone"),
        ({"language": "german, please"}, "is not a language"),
        ({"language": "en" + "-abcdefgh" * 5}, "is not a language"),
        ({"name": "Ann\r\nBcc: eve@x.example"}, "control character"),
        ({"name": "Ann\u2028Smith"}, "line break"),
        ({"name": "a" * 201}, "at most 200"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_reason(
    connection: Connection, weekly: NewsletterSettings, now: datetime, said: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        subscribe(connection, weekly, "ann@x.example", **said, now=now)  # type: ignore[arg-type] # said holds texts only


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "ann@nowhere", "Ann <ann@x.example>", "a\r\nb@x.example", "ann@x.example\0"]
)
def test_what_is_not_an_address_is_refused(connection: Connection, weekly: NewsletterSettings, now: datetime, email: str) -> None:
    with pytest.raises(UsageError, match="is not an e-mail address"):
        subscribe(connection, weekly, email, now=now)


def test_names_of_the_world_and_emoji_are_kept(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    for name in ("Zoë Núñez", "علی رضایی", "می‌خواهم", "👩‍👩‍👧 Ann", 'O\'Brien, "Pat"'):
        assert subscribe(connection, weekly, "ann@x.example", name=name, now=now).subscriber.name == name


def test_one_person_in_other_letters_is_one_person(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    first = subscribe(connection, weekly, "Ann@Bücher.Example", confirmed=True, now=now)
    second = subscribe(connection, weekly, "ann@xn--bcher-kva.example", now=now)
    assert second.subscriber == first.subscriber
    assert second.subscriber.email == "Ann@Bücher.Example"
    assert second.outcome is Outcome.UNCHANGED


def test_only_what_is_given_changes(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    subscribe(connection, weekly, "ann@x.example", name="Ann", topics="python", confirmed=True, now=now)
    renamed = subscribe(connection, weekly, "ann@x.example", name="Anna", now=now)
    assert (renamed.outcome, renamed.subscriber.name, renamed.subscription.topics) == (Outcome.UPDATED, "Anna", "python")
    moved = subscribe(connection, weekly, "ann@x.example", topics="", now=now)
    assert (moved.outcome, moved.subscriber.name, moved.subscription.topics) == (Outcome.UPDATED, "Anna", "*")


def test_a_changed_frequency_keeps_its_own_coverage_point(
    connection: Connection, weekly: NewsletterSettings, now: datetime, issue_settled: Settle
) -> None:
    issue_settled("weekly", "weekly", 10)
    subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now)
    issue_settled("weekly", "daily", 30)
    switched = subscribe(connection, weekly, "ann@x.example", frequency="DAILY", now=now).subscription
    assert (switched.frequency, switched.coverage) == ("daily", 10)


def test_who_has_confirmed_is_never_made_pending(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now)
    again = subscribe(connection, weekly, "ann@x.example", topics="python", confirmed=False, now=now + timedelta(days=1))
    assert (again.subscription.state, again.subscription.confirmed_at) == (SubscriptionState.ACTIVE, now)


def test_each_newsletter_has_its_own_consent(
    connection: Connection, weekly: NewsletterSettings, other: NewsletterSettings, now: datetime
) -> None:
    ann = subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now).subscriber
    subscribe(connection, other, "ann@x.example", now=now)
    states = {one.newsletter: one.state for one in subscriptions_of(connection, ann.id)}
    assert states == {"other": SubscriptionState.PENDING, "weekly": SubscriptionState.ACTIVE}


def test_unsubscribing_twice_is_unsubscribing_once(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    joined = subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now)
    assert end(connection, joined.subscription.id, now=now)
    assert not end(connection, joined.subscription.id, now=now + timedelta(days=1))
    (after,) = subscriptions_of(connection, joined.subscriber.id)
    assert (after.state, after.ended_at, after.coverage) == (SubscriptionState.UNSUBSCRIBED, now, joined.subscription.coverage)


def test_unsubscribing_what_does_not_exist_changes_nothing(connection: Connection, now: datetime) -> None:
    assert not end(connection, 4711, now=now)


def test_who_left_stays_away_and_nothing_of_theirs_is_touched(
    connection: Connection, weekly: NewsletterSettings, now: datetime
) -> None:
    joined = subscribe(connection, weekly, "ann@x.example", name="Ann", topics="python", confirmed=True, now=now)
    end(connection, joined.subscription.id, now=now)
    again = subscribe(connection, weekly, "ann@x.example", name="Eve", topics="databases", now=now)
    assert (again.outcome, again.subscription.state) == (Outcome.KEPT_AWAY, SubscriptionState.UNSUBSCRIBED)
    assert (again.subscriber.name, again.subscription.topics) == ("Ann", "python")


def test_the_operator_may_vouch_for_one_who_comes_back(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    joined = subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now)
    end(connection, joined.subscription.id, now=now)
    later = now + timedelta(days=30)
    back = subscribe(connection, weekly, "ann@x.example", confirmed=True, now=later).subscription
    assert (back.state, back.confirmed_at, back.ended_at) == (SubscriptionState.ACTIVE, later, None)


def test_a_suppression_is_never_lifted_by_subscribing(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    assert suppress(connection, "Ann@X.example", EVERYTHING, reason="complained", source="sendgrid", now=now)
    assert subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now).suppressed
    assert is_suppressed(connection, "ANN@x.example", "weekly")


def test_suppressing_twice_keeps_the_first_reason(connection: Connection, now: datetime) -> None:
    assert suppress(connection, "ann@x.example", "weekly", reason="bounced", source="smtp", now=now)
    assert not suppress(connection, "ann@x.example", "weekly", reason="other", source="operator", now=now)


def test_a_suppression_holds_in_its_scope(connection: Connection, now: datetime) -> None:
    suppress(connection, "ann@x.example", "weekly", reason="bounced", source="smtp", now=now)
    assert is_suppressed(connection, "ann@x.example", "weekly")
    assert not is_suppressed(connection, "ann@x.example", "other")
    assert not is_suppressed(connection, "bob@x.example", "weekly")


def test_people_are_found_however_their_address_is_written(
    connection: Connection, weekly: NewsletterSettings, now: datetime
) -> None:
    ann = subscribe(connection, weekly, "ann@x.example", now=now).subscriber
    assert find_subscriber(connection, " ANN@X.Example ") == ann
    assert find_subscriber(connection, "bob@x.example") is None
    with pytest.raises(UsageError, match="is not an e-mail address"):
        find_subscriber(connection, "ann")


def test_the_list_is_by_address_and_says_who_must_not_be_mailed(
    connection: Connection, weekly: NewsletterSettings, other: NewsletterSettings, now: datetime
) -> None:
    for email in ("cy@x.example", "ann@x.example", "bob@x.example"):
        subscribe(connection, weekly, email, confirmed=email != "cy@x.example", now=now)
    subscribe(connection, other, "bob@x.example", now=now)
    suppress(connection, "bob@x.example", "other", reason="bounced", source="smtp", now=now)

    def lines(
        newsletter: str | None = None, state: SubscriptionState | None = None, limit: int | None = None
    ) -> list[tuple[str, str, bool]]:
        listed = list_subscribers(connection, newsletter, state=state, limit=limit)
        return [(one.subscriber.address[:-10], one.subscription.newsletter, one.suppressed) for one in listed]

    assert lines() == [("ann", "weekly", False), ("bob", "other", True), ("bob", "weekly", False), ("cy", "weekly", False)]
    assert [len(lines(limit=people)) for people in (1, 2, 3, 4)] == [1, 3, 4, 4]  # of bob both
    assert lines("weekly", SubscriptionState.ACTIVE) == [("ann", "weekly", False), ("bob", "weekly", False)]
    assert (count(connection), count(connection, "weekly"), count(connection, "other")) == (3, 3, 1)
    assert count(connection, "weekly", state=SubscriptionState.PENDING) == 1


@pytest.mark.sqlite  # it reads SQLite's own plan
@pytest.mark.parametrize("newsletter", [None, "weekly"])
def test_the_list_streams_along_the_addresses_and_is_not_sorted_in_memory(connection: Connection, newsletter: str | None) -> None:
    asked: list[tuple[str, object]] = []

    def listen(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", listen)
    list(list_subscribers(connection, newsletter))
    (statement, parameters), *_ = asked
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type] # as the driver had them
    assert "B-TREE" not in " ".join(row.detail for row in plan)


def test_an_empty_store_lists_nobody(connection: Connection) -> None:
    assert list(list_subscribers(connection, "weekly")) == []
    assert count(connection) == 0


def test_what_the_caller_rolls_back_never_was(engine: Engine, weekly: NewsletterSettings, now: datetime) -> None:
    with engine.connect() as connection:
        subscribe(connection, weekly, "ann@x.example", now=now)
        connection.rollback()
    with engine.connect() as connection:
        assert count(connection) == 0
