"""Everything that is needed to move out, a line a person."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from digest.audience import EVERYTHING, end, subscribe, suppress
from digest.audience.exporting import export_suppressions
from digest.audience.exporting_json import export_json
from digest.settings import NewsletterSettings

Export = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def exported(connection: Connection, weekly: NewsletterSettings, other: NewsletterSettings, now: datetime) -> Export:
    """The lines of an export of three people, one of whom left, and two suppressions."""
    subscribe(connection, weekly, "Bob@X.example", topics="python databases", timezone="UTC", language="de", name="Bob", now=now)
    subscribe(connection, other, "bob@x.example", confirmed=True, now=now)
    left = subscribe(connection, weekly, "ann@x.example", confirmed=True, now=now)
    end(connection, left.subscription.id, now=now)
    subscribe(connection, other, "eve@x.example", confirmed=True, now=now)
    suppress(connection, "=joe@x.example", EVERYTHING, reason="bounced", source="smtp", now=now)
    suppress(connection, "ann@x.example", "weekly", reason="complained", source="smtp", now=now)

    def run(newsletter: str | None = None, *, suppressions: bool = False) -> list[dict[str, Any]]:
        stream = io.StringIO()
        export_json(connection, newsletter, stream, suppressions=suppressions)
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return run


def test_a_line_holds_a_person_with_subscriptions_and_consent(exported: Export, now: datetime) -> None:
    ann, bob, eve = exported()
    assert [one["email"] for one in (ann, bob, eve)] == ["ann@x.example", "Bob@X.example", "eve@x.example"]
    assert {name: bob[name] for name in ("kind", "name", "language", "timezone")} == {
        "kind": "subscriber",
        "name": "Bob",
        "language": "de",
        "timezone": "UTC",
    }
    assert [(one["newsletter"], one["topics"], one["state"]) for one in bob["subscriptions"]] == [
        ("weekly", ["databases", "python"], "pending"),
        ("other", "*", "active"),
    ]
    assert [(one["newsletter"], one["act"], one["source"]) for one in bob["consent"]] == [
        ("weekly", "added", "command line"),
        ("other", "added", "command line"),
    ]
    assert ann["subscriptions"][0]["state"] == "unsubscribed"
    assert datetime.fromisoformat(ann["subscriptions"][0]["ended_at"]) == now


def test_of_one_newsletter_there_is_nothing_of_another(exported: Export) -> None:
    lines = exported("weekly")
    assert [one["email"] for one in lines] == ["ann@x.example", "Bob@X.example"]
    assert {kept["newsletter"] for one in lines for kept in one["subscriptions"] + one["consent"]} == {"weekly"}


def test_suppressions_are_there_where_they_are_wanted(exported: Export) -> None:
    lines = exported(suppressions=True)
    assert [(one["address"], one["scope"], one["reason"]) for one in lines if one["kind"] == "suppression"] == [
        ("=joe@x.example", "*", "bounced"),
        ("ann@x.example", "weekly", "complained"),
    ]


def test_suppressions_as_csv_run_in_no_spreadsheet(exported: Export, connection: Connection) -> None:
    stream = io.StringIO(newline="")
    assert export_suppressions(connection, stream) == 2
    header, first, _ = csv.reader(io.StringIO(stream.getvalue()))
    assert header == ["email", "scope", "reason", "source", "created_at"]
    assert first[0] == "'=joe@x.example"
    assert "2026-11-20" in first[4]
