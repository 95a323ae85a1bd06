"""Files of people, as they really come."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select

from digest.audience import (
    EVERYTHING,
    BadRow,
    ImportReport,
    SubscriptionState,
    count,
    end,
    find_subscriber,
    import_csv,
    importing,
    reading_lines,
    subscribe,
    subscriptions_of,
    suppress,
)
from digest.audience.import_report import BAD_ROWS_KEPT
from digest.errors import UsageError
from digest.settings import NewsletterSettings
from digest.store import tables

Import = Callable[[str | bytes], ImportReport]
ROWS_AT_ONCE = 1000


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of what is read for one transaction, so that several of them are no work."""
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", ROWS_AT_ONCE)


@pytest.fixture
def imported(engine: Engine, weekly: NewsletterSettings, now: datetime, tmp_path: Path) -> Import:
    """Import a file with this content."""

    def run(content: str | bytes) -> ImportReport:
        path = tmp_path / "people.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with reading_lines(path) as lines:
            return import_csv(engine.begin, weekly, lines, now=now)

    return run


@pytest.fixture
def people(engine: Engine) -> Callable[[], list[tuple[str, str | None, str, str, str]]]:
    """Who is in the store: address, name, topics, frequency, state."""

    def read() -> list[tuple[str, str | None, str, str, str]]:
        person, subscription = tables.subscriber.c, tables.subscription.c
        query = (
            select(person.address, person.name, subscription.topics, subscription.frequency, subscription.state)
            .join_from(tables.subscriber, tables.subscription)
            .order_by(person.address)
        )
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    return read


People = Callable[[], list[tuple[str, str | None, str, str, str]]]


def test_only_the_address_is_required(imported: Import, people: People) -> None:
    report = imported("email\nann@x.example\nBob@X.example\n")
    assert (report.rows, report.added, report.bad) == (2, 2, 0)
    assert people() == [
        ("ann@x.example", None, "*", "weekly", "pending"),
        ("bob@x.example", None, "*", "weekly", "pending"),
    ]


def test_columns_come_in_any_order_and_case(imported: Import, people: People) -> None:
    imported(
        "Confirmed,TOPICS, Frequency ,Language,Timezone,Name,EMAIL\nyes,python databases,daily,de,Europe/Berlin,Ann,ann@x.example\n"
    )
    assert people() == [("ann@x.example", "Ann", "databases python", "daily", "active")]


@pytest.mark.parametrize(
    "content",
    [
        'email,name,topics\nann@x.example,"Smith, Ann",python;databases\n',
        'email;name;topics\nann@x.example;Smith, Ann;"python;databases"\n',
        "email\tname\ttopics\nann@x.example\tSmith, Ann\tpython;databases\n",
        'email,name,topics\r\nann@x.example,"Smith, Ann",python databases\r\n',
        'email,name,topics\rann@x.example,"Smith, Ann",python databases\r',
        '\ufeffemail,name,topics\r\nann@x.example,"Smith, Ann",python databases',
        'sep=,\n"email","name","topics"\nann@x.example,"Smith, Ann",python databases\n',
        '\n\n"email","name","topics"\n\n"ann@x.example", "Smith, Ann","python databases"\n,,\n \n',
        'email,name,topics,,\nann@x.example,"Smith, Ann",python databases,,,\n',
    ],
    ids=[
        "commas",
        "semicolons",
        "tabs",
        "CRLF",
        "CR",
        "BOM and no end",
        "a hint of Excel",
        "quotes and empty lines",
        "empty columns",
    ],
)
def test_files_of_every_kind_say_the_same(imported: Import, people: People, content: str) -> None:
    report = imported(content)
    assert report.bad_rows == ()
    assert report.rows == 1
    assert people() == [("ann@x.example", "Smith, Ann", "databases python", "weekly", "pending")]


def test_a_doubled_quote_is_a_quote(imported: Import, people: People) -> None:
    imported('email,name\nann@x.example,"Ann ""Bo"" Smith"\n')
    assert people()[0][1] == 'Ann "Bo" Smith'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty"),
        ("\ufeff\n \n", "the file is empty"),
        ("ann@x.example,Ann\nbob@x.example,Bob\n", "line 1: the first line must be the header"),
        ("name,topics\nAnn,python\n", "has no column 'email'; it has name, topics"),
        ("email,frequncy,colour\n", r"unknown columns: 'frequncy' \(did you mean 'frequency'\?\), 'colour'; the columns are"),
        ("email,name,Email\n", "a column twice: email"),
        ("email,,name\n", "unknown columns: ''"),
        (b"email,na\0me\n", "NUL character"),
        ('email,"name\n', "the first line must be the header"),
        ('"email\n', "the header's quotes do not match"),
    ],
)
def test_a_file_whose_header_is_wrong_is_refused_whole(
    imported: Import, people: People, content: str | bytes, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        imported(content)
    assert people() == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nobody\.csv: there is no such file"), reading_lines(tmp_path / "nobody.csv"):
        pass
    with pytest.raises(UsageError, match="cannot be read"), reading_lines(tmp_path):
        pass


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"nobody,,,", "'nobody' is not an e-mail address"),
        (b",Ann,python,yes", "has no e-mail address"),
        (b"bad@x.example,,pyton,", "did you mean 'python'"),
        (b"bad@x.example,,,maybe", "confirmed is 'maybe': write yes or no"),
        (b"bad@x.example,,,1", "confirmed is '1': write yes or no"),
        (b"bad@x.example,J\xf6rg \xc3\xb6,,", "is not UTF-8"),
        (b"bad@x.example,A\0nn,,", "NUL character"),
        (b"bad@x.example,A\x0bnn,,", "control character"),
        (b'bad@x.example,"Ann,,', "quotes do not match"),
        (b'bad@x.example,"Ann"y,,', "quotes do not match"),
        (b"bad@x.example,Smith, Ann,python,yes", "has 5 cells and the header has 4"),
        (b"bad@x.example," + b"n" * 70_000 + b",,", "longer than 65,536 characters"),
        (b"bad@x.example," + b"n" * 300_000 + b",,", "longer than 65,536 characters"),
    ],
)
def test_one_bad_row_stops_only_itself(imported: Import, people: People, row: bytes, reason: str) -> None:
    report = imported("email,name,topics,confirmed\nann@x.example,Änn,,YES\n".encode() + row + b"\nbob@x.example,,,No\n")
    assert (report.rows, report.added, report.bad) == (3, 2, 1)
    (bad,) = report.bad_rows
    assert bad.line == 3
    assert reason in bad.reason
    assert [(person[0], person[4]) for person in people()] == [("ann@x.example", "active"), ("bob@x.example", "pending")]


def test_lines_are_counted_as_an_editor_counts_them(imported: Import) -> None:
    assert [bad.line for bad in imported("\nemail\n\nx\nann@x.example\n\ny").bad_rows] == [4, 7]


def test_all_bad_rows_are_counted_and_the_first_thousand_named(imported: Import) -> None:
    report = imported("email\n" + "nobody\n" * (BAD_ROWS_KEPT + 5) + "ann@x.example\n")
    assert (report.bad, len(report.bad_rows), report.added) == (BAD_ROWS_KEPT + 5, BAD_ROWS_KEPT, 1)
    assert report.bad_rows[-1] == BadRow(BAD_ROWS_KEPT + 1, report.bad_rows[0].reason)


def test_of_an_address_that_stands_twice_the_later_row_speaks_last(imported: Import, people: People) -> None:
    report = imported(
        "email,name,topics,confirmed\n"
        "ann@x.example,Ann,python,yes\nbob@x.example,Bob,,\nANN@x.example,Anna,databases,no\nann@x.example,Anna,databases,\n"
    )
    assert (report.rows, report.added, report.updated, report.unchanged) == (4, 2, 1, 1)
    assert people()[0] == ("ann@x.example", "Anna", "databases", "weekly", "active")


def test_importing_again_changes_nothing(imported: Import, people: People) -> None:
    content = "email,name,topics,frequency,timezone,language,confirmed\nann@x.example,Ann,python,daily,UTC,en,yes\nbob@x.example,,,,,,\n"
    imported(content)
    before = people()
    report = imported(content)
    assert (report.rows, report.unchanged, report.added, report.updated) == (2, 2, 0, 0)
    assert people() == before


def test_empty_topics_mean_all_and_a_missing_column_says_nothing(imported: Import, people: People) -> None:
    imported("email,name,topics,frequency\nann@x.example,Ann,python,daily\n")
    imported("email\nann@x.example\n")
    assert people() == [("ann@x.example", "Ann", "python", "daily", "pending")]
    imported("email,name,topics,frequency\nann@x.example,,,\n")
    assert people() == [("ann@x.example", "Ann", "*", "daily", "pending")]


def test_a_later_file_may_confirm(imported: Import, people: People) -> None:
    imported("email\nann@x.example\n")
    assert imported("email,confirmed\nann@x.example,yes\n").updated == 1
    assert people()[0][4] == "active"


def test_who_unsubscribed_is_not_brought_back_even_by_yes(
    engine: Engine, imported: Import, weekly: NewsletterSettings, now: datetime
) -> None:
    with engine.begin() as connection:
        joined = subscribe(connection, weekly, "ann@x.example", name="Ann", confirmed=True, now=now)
        end(connection, joined.subscription.id, now=now)
    report = imported("email,name,confirmed\nann@x.example,Eve,yes\nbob@x.example,,yes\n")
    assert (report.rows, report.added, report.kept_away) == (2, 1, 1)
    with engine.connect() as connection:
        ann = find_subscriber(connection, "ann@x.example")
        assert ann == joined.subscriber
        (subscription,) = subscriptions_of(connection, ann.id)
    assert subscription.state is SubscriptionState.UNSUBSCRIBED


def test_the_suppressed_are_counted_and_stay_suppressed(engine: Engine, imported: Import, now: datetime) -> None:
    with engine.begin() as connection:
        suppress(connection, "ann@x.example", EVERYTHING, reason="bounced", source="smtp", now=now)
        suppress(connection, "bob@x.example", "other", reason="bounced", source="smtp", now=now)
    report = imported("email,confirmed\nann@x.example,yes\nbob@x.example,yes\n")
    assert (report.rows, report.added, report.suppressed) == (2, 2, 1)


def test_an_import_goes_by_whole_transactions_and_tells_its_progress(
    engine: Engine, weekly: NewsletterSettings, now: datetime
) -> None:
    told: list[int] = []
    begun: list[int] = []

    def begin() -> AbstractContextManager[Connection]:
        begun.append(1)
        return engine.begin()

    lines = ["email\n", *(f"person{number}@x.example\n" for number in range(2 * ROWS_AT_ONCE + 1))]
    report = import_csv(begin, weekly, lines, now=now, on_progress=told.append)
    assert report.added == 2 * ROWS_AT_ONCE + 1
    assert told == [ROWS_AT_ONCE, 2 * ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1]
    assert len(begun) == 3
    with engine.connect() as connection:
        assert count(connection, "weekly") == report.added


@pytest.mark.sqlite  # the driver's own memory is not ours
def test_memory_does_not_grow_with_the_file(engine: Engine, weekly: NewsletterSettings, now: datetime) -> None:
    def peak(rows: int) -> int:
        def lines() -> Iterator[str]:
            yield "email,name,topics,confirmed\n"
            for number in range(rows):
                yield f"person{number}@x.example,Person {number},python,yes\n"

        tracemalloc.start()
        import_csv(engine.begin, weekly, lines(), now=now)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(ROWS_AT_ONCE)
    assert peak(4 * ROWS_AT_ONCE) < 1.5 * peak(2 * ROWS_AT_ONCE)
