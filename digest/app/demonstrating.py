"""The demonstration: the whole job on the shipped sample, in a project that is thrown away; only the outbox stays."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from digest.app.running import run
from digest.app.wiring import App
from digest.audience.people import subscribe
from digest.delivery.outbox import Outbox
from digest.delivery.sending import Sent
from digest.errors import DigestError
from digest.issues.calendar import next_slot
from digest.settings.project import init_project
from digest.settings.reading import read_settings
from digest.shipped import shipped
from digest.store.database import Store

PEOPLE = (
    ("ada@example.com", "Ada", ""),
    ("grace@example.com", "Grace", ""),
    ("linus@example.com", "Linus", "devops reliability"),
    ("barbara@example.com", "Barbara", "databases"),
    ("edgar@example.com", "Edgar", "databases"),
    ("radia@example.com", "Radia", "messaging reliability"),
    ("guido@example.com", "Guido", "python data-engineering"),
    ("margaret@example.com", None, "security"),
    ("tony@example.com", None, "career"),
)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demonstration made, and where it lies."""

    sent: Sent
    articles: int
    renditions: int
    folder: Path


def demonstrate(outbox: Path) -> Demonstration:
    """Run the sample's first issue into `outbox`, whatever is configured here and whatever day it is."""
    started_at = _latest(shipped("articles.json"))
    with tempfile.TemporaryDirectory(prefix="digest-demo-") as project:
        init_project(Path(project), started_at)
        settings = read_settings(Path(project) / "config" / "digest.toml", {})
        newsletter = settings.newsletters[0]
        cron = newsletter.schedule[newsletter.frequencies[0]]
        slot = next_slot(cron, ZoneInfo(newsletter.timezone), started_at)
        store = Store(settings.database_url, synchronous="OFF")
        try:
            store.prepare()
            app = App(settings, store, slot.at if slot else started_at, outbox=Outbox(outbox, every_message=False))
            with store.writing() as connection:
                for email, name, topics in PEOPLE:
                    subscribe(connection, newsletter, email, name=name, topics=topics, confirmed=True, now=started_at)
            return _look(app, outbox)
        finally:
            store.close()


def _look(app: App, outbox: Path) -> Demonstration:
    handled = run(app, None, lambda _: None).handled
    if not handled or handled[0].sent is None:
        raise DigestError(f"the sample made no issue: {handled[0].note if handled else 'nothing was due'}")
    sent = handled[0].sent
    folder = outbox / sent.issue.name.replace("/", "-")
    summary = orjson.loads((folder / "summary.json").read_bytes())
    return Demonstration(sent, len(summary["articles"]), summary["renditions"], folder)


def _latest(articles: Path) -> datetime:
    """A minute after the newest of the sample's articles, so that it never grows stale."""
    stamps = (datetime.fromisoformat(article["published_at"]) for article in orjson.loads(articles.read_bytes()))
    newest = max(stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC) for stamp in stamps)
    return newest + timedelta(minutes=1)
