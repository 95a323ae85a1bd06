"""Small, valid renditions, envelopes and settings to try providers with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from digest.rendering.content import Envelope, Personal, SenderContent
from digest.rendering.rendition import Rendition, Slotted
from digest.settings import Settings

DATE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A date for messages: a Monday at nine."""


def a_rendition(*, number: int = 1, text: str = "News of the week", sender_name: str = "Example News") -> Rendition:
    """One rendition of `weekly/12` in which every slot is used."""
    return Rendition(
        issue="weekly/12",
        number=number,
        language="en",
        subject="The weekly: queues & Größe",
        newsletter_title="The weekly",
        list_id="weekly.news.example",
        sender=SenderContent(name=sender_name, address="news@news.example", reply_to="editors@news.example"),
        html=Slotted(
            (
                f"<!doctype html>\r\n<p>{text}</p>\r\n<p>Hello ",
                ", you are ",
                '.</p>\r\n<p><a href="',
                '">Preferences</a> <a href="',
                '">Leave</a></p>\r\n',
            ),
            ("greeting", "email", "preferences_url", "unsubscribe_url"),
        ),
        text=Slotted(
            (f"{text}\r\n\r\n.A line with a dot before it. Hello ", ", you are ", ".\r\nPreferences: ", "\r\nLeave: ", "\r\n"),
            ("greeting", "email", "preferences_url", "unsubscribe_url"),
        ),
    )


def an_envelope(number: int = 1, *, address: str | None = None, name: str | None = None, greeting: str = "Ada & Co") -> Envelope:
    """Envelope `number`; ids and addresses of different numbers differ."""
    address = address or f"reader{number}@example.com"
    return Envelope(
        delivery_id=f"d{number:010}",
        attempt_id=f"a{number:010}",
        subscriber_id=number,
        address=address,
        name=name,
        personal=Personal(
            greeting=greeting,
            email=address,
            preferences_url=f"https://news.example/preferences/p{number:010}?a=1&b=2",
            unsubscribe_url=f"https://news.example/unsubscribe/u{number:010}",
        ),
    )


def envelopes(count: int) -> list[Envelope]:
    """As many envelopes, all different."""
    return [an_envelope(number) for number in range(1, count + 1)]


def some_settings(*, delivery: dict[str, Any] | None = None, providers: dict[str, Any] | None = None) -> Settings:
    """Settings of a small project; time-outs are short enough for a service that never answers."""
    return Settings.model_validate(
        {
            "started_at": DATE,
            "secret_key": "s" * 40,
            "site": {
                "name": "Example News",
                "url": "https://news.example",
                "public_url": "https://news.example",
                "postal_address": "1 Example Street, Exampleton",
            },
            "sender": {"name": "Example News", "address": "news@news.example"},
            "sources": [{"name": "sample", "kind": "json", "path": "articles.json"}],
            "newsletters": [
                {
                    "slug": "weekly",
                    "title": "The weekly",
                    "topics": {"python": {"title": "Python", "tags": ["python"]}},
                    "schedule": "0 9 * * 1",
                }
            ],
            "delivery": {"timeout": timedelta(seconds=20), "connect_timeout": timedelta(seconds=20)} | (delivery or {}),
            "providers": providers or {},
            "project": Path(),
        }
    )
