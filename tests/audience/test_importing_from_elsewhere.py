"""People of another tool come in: who agreed gets mail, who left or bounced never does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from digest.audience import (
    EVERYTHING,
    ImportReport,
    SubscriptionState,
    end,
    find_subscriber,
    importing,
    subscribe,
    subscriptions_of,
    suppress,
)
from digest.audience.consent import Act, Source, evidence_of
from digest.audience.elsewhere.reading import How
from digest.audience.elsewhere.standing import Standing
from digest.audience.importing import import_files
from digest.audience.text_file import TextFile
from digest.errors import UsageError
from digest.settings import NewsletterSettings
from digest.store import tables

GHOST = "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n"
Import = Callable[..., ImportReport]


def member(email: str, subscribed: str = "true", labels: str = "", at: str = "2024-03-01T09:30:00.000Z") -> str:
    return f"1,{email},Somebody,,{subscribed},false,,{at},,{labels},\n"


@pytest.fixture
def imported(engine: Engine, weekly: NewsletterSettings, now: datetime) -> Import:
    """Import a file with these rows."""

    def run(*rows: str, **rest: Any) -> ImportReport:
        file = TextFile("members.csv", "UTF-8", False, iter([GHOST, *rows]))
        return import_files(engine.begin, weekly, [file], now=now, **rest)

    return run


def suppressions(engine: Engine) -> list[tuple[str, str, str, str]]:
    row = tables.suppression.c
    with engine.connect() as connection:
        found = connection.execute(select(row.address, row.scope, row.reason, row.source).order_by(row.address, row.scope))
        return [(one.address, one.scope, one.reason, one.source) for one in found]


def test_their_agreement_is_kept_as_the_other_tool_tells_it(engine: Engine, imported: Import, now: datetime) -> None:
    report = imported(member("ann@x.example", labels="python"))
    assert (report.rows, report.added, report.bad) == (1, 1, 0)
    with engine.connect() as connection:
        ann = find_subscriber(connection, "ann@x.example")
        assert ann is not None
        (subscription,) = subscriptions_of(connection, ann.id)
        (line,) = evidence_of(connection, ann.id)
    assert (subscription.state, subscription.topics, subscription.confirmed_at) == (SubscriptionState.ACTIVE, "python", now)
    assert (line.act, line.source, line.at) == (Act.IMPORTED, Source.IMPORT, now)
    assert line.elsewhere == {
        "tool": "ghost",
        "opted_in_at": datetime(2024, 3, 1, 9, 30, tzinfo=UTC).isoformat(timespec="microseconds"),
    }


def test_who_left_there_has_left_here_and_no_address_is_suppressed(engine: Engine, imported: Import, now: datetime) -> None:
    report = imported(member("ann@x.example"), member("gone@x.example", "false"), member("GONE@x.example", "false"))
    assert (report.rows, report.added, report.left, report.newly_left, report.ended_here, report.twice) == (3, 1, 2, 1, 0, 1)
    assert suppressions(engine) == []
    with engine.connect() as connection:
        gone = find_subscriber(connection, "gone@x.example")
        assert gone is not None
        (subscription,) = subscriptions_of(connection, gone.id)
        (line,) = evidence_of(connection, gone.id)
    assert (gone.name, subscription.state, subscription.confirmed_at) == (None, SubscriptionState.UNSUBSCRIBED, None)
    assert (subscription.ended_at, line.act, line.source, line.at) == (now, Act.LEFT, Source.IMPORT, now)
    assert line.elsewhere == {"tool": "ghost", "opted_in_at": "2024-03-01T09:30:00.000000+00:00"}


def test_an_import_never_lifts_a_suppression_or_changes_its_reason(engine: Engine, imported: Import, now: datetime) -> None:
    with engine.begin() as connection:
        suppress(connection, "ann@x.example", EVERYTHING, reason="complained", source="smtp", now=now)
        suppress(connection, "gone@x.example", "weekly", reason="bounced", source="smtp", now=now)
    report = imported(member("ann@x.example"), member("gone@x.example"), how=How(status=Standing.BOUNCED))
    assert (report.added, report.shut, report.newly_shut) == (0, 2, 1)
    assert imported(member("ann@x.example"), member("gone@x.example", "false")).suppressed == 1
    assert [one[:3] for one in suppressions(engine)] == [
        ("ann@x.example", "*", "complained"),
        ("gone@x.example", "*", "bounced"),
        ("gone@x.example", "weekly", "bounced"),
    ]


def test_who_bounced_there_and_has_a_subscription_here_is_counted(
    engine: Engine, weekly: NewsletterSettings, imported: Import, now: datetime
) -> None:
    with engine.begin() as connection:
        subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now)
        left = subscribe(connection, weekly, "bob@x.example", confirmed=True, now=now)
        end(connection, left.subscription.id, now=now)
    report = imported(member("ann@x.example"), member("bob@x.example"), how=How(status=Standing.BOUNCED))
    assert (report.shut, report.shut_here) == (2, 1)


def test_who_unsubscribed_here_stays_so(engine: Engine, weekly: NewsletterSettings, imported: Import, now: datetime) -> None:
    with engine.begin() as connection:
        left = subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now)
        end(connection, left.subscription.id, now=now)
    report = imported(member("ann@x.example"))
    assert (report.added, report.kept_away) == (0, 1)


def test_the_same_file_again_changes_nothing_and_writes_no_evidence(engine: Engine, imported: Import) -> None:
    rows = [
        member("ann@x.example", labels="python"),
        member("gone@x.example", "false"),
        member("ann@x.example", labels="databases"),
    ]
    imported(*rows)
    before = evidence(engine)
    report = imported(*rows)
    assert (report.added, report.left, report.newly_left, report.twice) == (0, 1, 0, 1)
    assert evidence(engine) == before == 2


def evidence(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(tables.consent)).scalar_one()


def test_an_import_that_is_told_to_end_does_so_after_a_transaction_and_goes_on_later(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 100)
    rows = [member(f"r{number}@x.example") for number in range(107)]
    first = imported(*rows, stopped=lambda: True)
    assert (first.rows, first.added, first.interrupted) == (100, 100, True)
    second = imported(*rows)
    assert (second.added, second.unchanged, second.interrupted) == (7, 100, False)


def test_each_bad_row_is_handed_on_as_it_was(imported: Import) -> None:
    handed: list[tuple[str, int, str]] = []
    row = '1,nobody,"of\ntwo lines",,true,false,,,,,\n'
    report = imported(
        member("ann@x.example"),
        *row.splitlines(keepends=True),
        on_bad=lambda file, line, _, text: handed.append((file, line, text)),
    )
    assert (report.added, report.bad, report.bad_rows[0].file) == (1, 1, "members.csv")
    assert handed == [("members.csv", 3, row)]


def test_of_several_files_one_that_lists_no_people_is_passed_over(
    engine: Engine, weekly: NewsletterSettings, now: datetime
) -> None:
    posts = TextFile("posts.csv", "UTF-8", False, iter(["post_id,title\n"]), packed=True)
    people = TextFile("email_list.csv", "UTF-8", False, iter(["email,active_subscription\n", "a@x.example,false\n"]), packed=True)
    report = import_files(engine.begin, weekly, [posts, people], how=How(), now=now)
    assert (report.added, [one.file for one in report.files]) == (1, ["email_list.csv"])
    assert report.passed_over[0].startswith("posts.csv: line 1: the first line must be the header")


def test_a_mistake_in_what_a_person_says_passes_over_no_file(engine: Engine, weekly: NewsletterSettings, now: datetime) -> None:
    people = TextFile("members.csv", "UTF-8", False, iter([GHOST, member("gone@x.example", "false")]), packed=True)
    with pytest.raises(UsageError, match="there is no topic 'pyton'"):
        import_files(engine.begin, weekly, [people], how=How(mapping={"news": "pyton"}), now=now)
    with pytest.raises(UsageError, match="no file in it is a list of people"):
        import_files(engine.begin, weekly, [TextFile("a.csv", "UTF-8", False, iter(["a\n"]), packed=True)], now=now)
