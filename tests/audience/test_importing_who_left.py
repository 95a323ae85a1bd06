"""Who left with another tool has left here, but for those who agreed here themselves; who chose here keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from digest.audience import (
    ImportReport,
    Subscription,
    SubscriptionState,
    find_subscriber,
    importing,
    subscribe,
    subscriptions_of,
)
from digest.audience.consent import Act, Evidence, Source, evidence_of, write_down
from digest.audience.elsewhere.reading import How
from digest.audience.following import Kind, Succession
from digest.audience.importing import import_files
from digest.audience.leaving import end
from digest.audience.pausing import pause
from digest.audience.succession import record, succeed
from digest.audience.suppression import suppress, topic_scope
from digest.audience.text_file import TextFile
from digest.settings import NewsletterSettings

COLUMNS = "Email Address,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID,TAGS{}\n"
ANN = "ann@x.example"
DAY = timedelta(days=1)
PAGE, COMMAND = Evidence(Source.PAGE), Evidence(Source.COMMAND_LINE)
ACTIVE, UNSUBSCRIBED = SubscriptionState.ACTIVE, SubscriptionState.UNSUBSCRIBED
Joining = Callable[..., None]
Importing = Callable[..., ImportReport]


@pytest.fixture
def joins(engine: Engine, weekly: NewsletterSettings, now: datetime) -> Joining:
    """Somebody joins, or comes back: by a page, or by the operator."""

    def join(email: str = ANN, *, by: Evidence = COMMAND, at: datetime = now, topics: str | None = None) -> None:
        with engine.begin() as connection:
            subscribe(connection, weekly, email, topics=topics, confirmed=True, now=at, evidence=by)

    return join


@pytest.fixture
def comes_from_there(engine: Engine, weekly: NewsletterSettings, now: datetime) -> Importing:
    """The other tool's file of who is subscribed."""

    def run(email: str = ANN, *, confirmed: str = "", tags: str = "") -> ImportReport:
        lines = iter([COLUMNS.format(""), f"{email},2,,{confirmed},1,e,{tags}\n"])
        return import_files(engine.begin, weekly, [TextFile("subscribed_1.csv", "UTF-8", False, lines)], how=How(), now=now)

    return run


@pytest.fixture
def left_there(engine: Engine, weekly: NewsletterSettings, now: datetime) -> Importing:
    """The other tool's file of who unsubscribed."""

    def run(*emails: str, at: str = "") -> ImportReport:
        rows = (f"{email},2,,,1,e,,{at}\n" for email in emails or (ANN,))
        lines = iter([COLUMNS.format(",UNSUB_TIME"), *rows])
        return import_files(engine.begin, weekly, [TextFile("unsubscribed_1.csv", "UTF-8", False, lines)], how=How(), now=now)

    return run


@pytest.fixture
def found(engine: Engine) -> Callable[[], Subscription]:
    def find() -> Subscription:
        with engine.connect() as connection:
            person = find_subscriber(connection, ANN)
            assert person is not None
            (subscription,) = subscriptions_of(connection, person.id)
        return subscription

    return find


Found = Callable[[], Subscription]


def test_when_they_left_there_is_when_it_ended(engine: Engine, left_there: Importing, found: Found) -> None:
    assert left_there(at="2024-05-06 07:08:09").newly_left == 1
    assert found().ended_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    with engine.connect() as connection:
        (line,) = evidence_of(connection, found().subscriber_id)
    assert line.elsewhere == {"tool": "mailchimp", "left_at": "2024-05-06T07:08:09.000000+00:00"}


def test_who_left_there_comes_back_by_themselves_and_starts_then(left_there: Importing, joins: Joining, found: Found) -> None:
    left_there(at="2024-05-06 07:08:09")
    joins(by=PAGE, topics="python")
    assert (found().state, found().topics, found().ended_at) == (ACTIVE, "python", None)
    again = left_there(at="2024-05-06 07:08:09")
    assert (again.left, again.stayed_here, again.ended_here) == (1, 1, 0)
    assert found().state is ACTIVE


def test_no_import_brings_back_who_left_there(left_there: Importing, comes_from_there: Importing, found: Found) -> None:
    left_there(at="2024-05-06 07:08:09")
    assert comes_from_there(confirmed="2025-01-01 00:00:00").kept_away == 1
    assert found().state is UNSUBSCRIBED


def test_who_was_only_imported_ends_with_the_evidence_and_so_does_a_pause(
    engine: Engine, comes_from_there: Importing, left_there: Importing, found: Found, now: datetime
) -> None:
    comes_from_there(confirmed="2020-01-01 00:00:00")
    with engine.begin() as connection:
        pause(connection, found(), until=now + DAY, now=now)
    report = left_there(at="2024-05-06 07:08:09")
    assert (report.left, report.newly_left, report.ended_here, report.stayed_here) == (1, 0, 1, 0)
    assert (found().state, found().ended_at, found().paused_until) == (UNSUBSCRIBED, now, None)
    with engine.connect() as connection:
        line = evidence_of(connection, found().subscriber_id)[-1]
    assert (line.act, line.source) == (Act.LEFT, Source.IMPORT)
    assert line.before is not None
    assert line.before["state"] == "paused"


@pytest.mark.parametrize(
    ("by", "left_at", "stays"),
    [
        (PAGE, "", True),
        (PAGE, "2026-11-20 14:00:00", True),
        (COMMAND, "2026-11-01 00:00:00", True),
        (COMMAND, "2026-11-20 14:00:00", False),
        (COMMAND, "", False),
    ],
)
def test_who_agreed_here_themselves_or_since_stays(
    joins: Joining, left_there: Importing, found: Found, now: datetime, by: Evidence, left_at: str, stays: bool
) -> None:
    joins(by=by, at=now - DAY)
    report = left_there(at=left_at)
    assert (report.stayed_here, report.ended_here) == (stays, not stays)
    assert (found().state is ACTIVE) is stays


def test_an_old_list_of_leavers_ends_nobody_who_agreed_elsewhere_since(
    comes_from_there: Importing, left_there: Importing, found: Found
) -> None:
    comes_from_there(confirmed="2022-01-01 00:00:00")
    assert left_there(at="2019-01-01 00:00:00").stayed_here == 1
    assert left_there().ended_here == 1
    assert found().state is UNSUBSCRIBED


def test_what_they_agreed_to_before_they_left_here_counts_no_more(
    engine: Engine, joins: Joining, left_there: Importing, found: Found, now: datetime
) -> None:
    joins(by=PAGE, at=now - 3 * DAY)
    before = found()
    with engine.begin() as connection:
        end(connection, before.id, now=now - 2 * DAY)
        write_down(connection, Act.LEFT, before, PAGE, before=before, now=now - 2 * DAY)
    joins(at=now - DAY)
    assert left_there().ended_here == 1


def test_who_was_brought_back_after_an_undated_list_stays_when_it_is_imported_again(
    left_there: Importing, joins: Joining, found: Found, now: datetime
) -> None:
    left_there()
    joins(at=now + DAY)
    assert left_there().stayed_here == 1


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("agreed", "state"), [("2020-01-01", UNSUBSCRIBED), ("2022-01-01", ACTIVE)])
def test_it_does_not_matter_whether_both_rows_fall_into_one_transaction(
    engine: Engine,
    weekly: NewsletterSettings,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    found: Found,
    together: bool,
    agreed: str,
    state: SubscriptionState,
) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 10 if together else 1)
    lines = [COLUMNS.format(",UNSUB_TIME"), f"{ANN},2,,{agreed},1,e,,\n", f"{ANN},2,,,1,e,,2021-01-01\n"]
    file = TextFile("subscribed_1.csv", "UTF-8", False, iter(lines))
    report = import_files(engine.begin, weekly, [file], how=How(), now=now)
    assert (report.rows, report.added, report.left, report.twice) == (2, 1, 1, 1)
    assert found().state is state


def test_what_they_agreed_to_before_the_newsletter_was_renamed_holds(
    engine: Engine, other: NewsletterSettings, left_there: Importing, found: Found, now: datetime
) -> None:
    with engine.begin() as connection:
        subscribe(connection, other, ANN, confirmed=True, now=now, evidence=PAGE)
        for name, to in (("other", "middle"), ("middle", "weekly")):
            record(connection, succeed(connection, Succession(Kind.NEWSLETTER, None, name, to), now=now), actor="x", now=now)
    assert found().newsletter == "weekly"
    assert left_there().stayed_here == 1


def test_an_old_export_does_not_overwrite_what_they_chose_here(comes_from_there: Importing, joins: Joining, found: Found) -> None:
    assert comes_from_there(tags="python").added == 1
    assert comes_from_there(tags="databases").updated == 1
    joins(by=PAGE, topics="reliability")
    report = comes_from_there(tags="python")
    assert (report.unchanged, report.updated, report.choices_kept) == (1, 0, 1)
    assert found().topics == "reliability"


def test_a_pause_is_no_choice_of_topics(engine: Engine, comes_from_there: Importing, found: Found, now: datetime) -> None:
    comes_from_there(tags="python")
    before = found()
    with engine.begin() as connection:
        pause(connection, before, until=None, now=now)
        write_down(connection, Act.CHANGED, before, PAGE, before=before, now=now)
    assert comes_from_there(tags="databases").choices_kept == 0
    assert found().topics == "databases"


def test_what_the_operator_set_afterwards_is_theirs_to_overwrite(
    comes_from_there: Importing, joins: Joining, found: Found
) -> None:
    joins(by=PAGE, topics="reliability")
    joins(topics="python databases")
    assert comes_from_there(tags="databases").choices_kept == 0
    assert found().topics == "databases"


def test_when_somebody_was_put_in_there_is_no_consent(
    engine: Engine, weekly: NewsletterSettings, now: datetime, left_there: Importing
) -> None:
    contact = "email,contact_id,created_at\nann@x.example,1,2023-01-01T00:00:00Z\n"
    lines = iter(contact.splitlines(keepends=True))
    import_files(engine.begin, weekly, [TextFile("c.csv", "UTF-8", False, lines)], how=How(confirmed=True), now=now)
    assert left_there(at="2021-01-01 00:00:00").ended_here == 1


def test_who_left_there_and_had_left_every_topic_here_is_known_as_having_left(
    engine: Engine, weekly: NewsletterSettings, left_there: Importing, found: Found, now: datetime
) -> None:
    with engine.begin() as connection:
        for topic in weekly.offered:
            suppress(connection, ANN, topic_scope("weekly", topic), reason="unsubscribed", source="page", now=now)
    assert left_there().newly_left == 1
    assert found().state is UNSUBSCRIBED
