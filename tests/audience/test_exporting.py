"""What is exported can be imported again, and opened without harm."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from digest.audience import ExportReport, end, export_csv, import_csv, list_subscribers, subscribe, suppress
from digest.audience.cells import defuse, restore
from digest.audience.pausing import pause
from digest.settings import NewsletterSettings
from digest.store import tables


class Person(NamedTuple):
    email: str
    name: str
    topics: str
    frequency: str
    timezone: str
    language: str
    confirmed: bool


def memory() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    tables.metadata.create_all(engine)
    return engine


def exported(connection: Connection) -> tuple[str, ExportReport]:
    stream = io.StringIO(newline="")
    report = export_csv(connection, "weekly", stream)
    return stream.getvalue(), report


def test_an_export_has_the_header_of_an_import(connection: Connection, weekly: NewsletterSettings, now: datetime) -> None:
    subscribe(connection, weekly, "bob@x.example", now=now)
    subscribe(
        connection,
        weekly,
        "Ann@x.example",
        name='Smith, "Ann"',
        topics="python databases",
        language="de",
        confirmed=True,
        now=now,
    )
    content, report = exported(connection)
    assert content == (
        "email,name,topics,frequency,timezone,language,confirmed\r\n"
        'Ann@x.example,"Smith, ""Ann""",databases python,weekly,,de,yes\r\n'
        "bob@x.example,,,weekly,,,no\r\n"
    )
    assert report == ExportReport(exported=2, unsubscribed=0, paused=0, suppressed=0)


def test_who_left_paused_or_must_not_be_mailed_is_left_out_and_counted(
    connection: Connection, weekly: NewsletterSettings, other: NewsletterSettings, now: datetime
) -> None:
    gone = subscribe(connection, weekly, "gone@x.example", confirmed=True, now=now)
    end(connection, gone.subscription.id, now=now)
    subscribe(connection, weekly, "bounced@x.example", confirmed=True, now=now)
    suppress(connection, "bounced@x.example", "weekly", reason="bounced", source="smtp", now=now)
    for away in ("away@x.example", "bounced@x.example"):
        resting = subscribe(connection, weekly, away, confirmed=True, now=now)
        pause(connection, resting.subscription, until=None, now=now)
    subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now)
    subscribe(connection, other, "elsewhere@x.example", confirmed=True, now=now)
    content, report = exported(connection)
    assert [row["email"] for row in csv.DictReader(io.StringIO(content))] == ["ann@x.example"]
    assert report == ExportReport(exported=1, unsubscribed=1, paused=1, suppressed=1)


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(1)", "'=1", "''-1"])
def test_no_cell_becomes_a_formula(connection: Connection, weekly: NewsletterSettings, now: datetime, name: str) -> None:
    subscribe(connection, weekly, "+ann@x.example", name=name, confirmed=True, now=now)
    row = list(csv.reader(io.StringIO(exported(connection)[0])))[1]
    assert row[:2] == ["'+ann@x.example", f"'{name}"]


@given(st.text(alphabet="'=+-@\t\ra", max_size=6) | st.text())
def test_a_defused_cell_reads_back_and_begins_with_nothing_that_runs(cell: str) -> None:
    assert restore(defuse(cell)) == cell
    assert not defuse(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


_NAMES = st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30) | st.text(
    alphabet="'\"=+-@,; a", max_size=6
)
_PEOPLE = st.builds(
    Person,
    email=st.text(alphabet="abcXYZ'=+-_", min_size=1, max_size=8).map("{}@x.example".format),
    name=_NAMES,
    topics=st.lists(st.sampled_from(["python", "databases", "reliability"])).map(" ".join),
    frequency=st.sampled_from(["weekly", "daily"]),
    timezone=st.sampled_from(["", "UTC", "Europe/Berlin"]),
    language=st.sampled_from(["", "en", "pt-BR"]),
    confirmed=st.booleans(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(_PEOPLE, max_size=8, unique_by=lambda person: person.email.lower()))
@example([Person("'=a@x.example", "'", "", "weekly", "", "", True)])
def test_an_export_imported_into_an_empty_store_is_the_same_audience(
    weekly: NewsletterSettings, now: datetime, people: list[Person]
) -> None:
    first, second = memory(), memory()
    with first.begin() as connection:
        for person in people:
            subscribe(connection, weekly, **person._asdict(), now=now)
        content, _ = exported(connection)
    report = import_csv(second.begin, weekly, io.StringIO(content, newline=None), now=now)
    assert (report.rows, report.added) == (len(people), len(people))
    assert audience(first) == audience(second)
    first.dispose()
    second.dispose()


def audience(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [
            (
                one.subscriber.email,
                one.subscriber.address,
                one.subscriber.name,
                one.subscriber.timezone,
                one.subscriber.language,
                one.subscription.topics,
                one.subscription.frequency,
                one.subscription.state,
                one.subscription.coverage,
                one.subscription.confirmed_at,
            )
            for one in list_subscribers(connection)
        ]
