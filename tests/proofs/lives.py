"""Lives of readers and articles, day by day: the real store and the real application, with a provider that keeps what it gets.

Nothing here judges anything; `tests.proofs.lives_judge` does. A step costs a few milliseconds: settings are read once, a new
database is a copy of a prepared file, and the template is compiled once.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from digest.app import App
from digest.app.covering import cover_list
from digest.app.fetching import fetch
from digest.app.issuing import approve, cancel, change, coming_slot, draft, resolve, resume
from digest.app.running import Ran, run
from digest.audience import pausing
from digest.audience.finding import subscription_of
from digest.audience.leaving import end
from digest.audience.people import subscribe
from digest.audience.suppression import suppress
from digest.delivery import upkeep, withdrawal
from digest.delivery.ledger import Ledger
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.transitions import DeliveryState
from digest.errors import DigestError, Refused, UsageError
from digest.issues.issue import Issue, list_issues
from digest.issues.lifecycle import IssueState
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Frequency, Settings
from digest.settings.project import init_project
from digest.settings.reading import read_settings
from digest.store.database import Store
from digest.testing.fake_provider import FakeProvider, FakeTransport

TOPICS = ("databases", "python", "security")
NEWSLETTERS = ("weekly", "extra")
FREQUENCIES = ("daily", "weekly", "monthly")
ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC")
SCHEDULE = {"daily": "30 2 * * *", "weekly": "0 9 * * 1", "monthly": "30 2 L * *"}
MAX_ARTICLES, MAX_PER_TOPIC, CARRY_OVER = 3, 2, 2
# Before the clocks of Berlin go forward, before they go back, and before a 29 February.
BEGINNINGS = tuple(datetime(*day, 12, tzinfo=UTC) for day in ((2027, 3, 24), (2026, 10, 21), (2028, 2, 24)))
_LINK = re.compile(r"https://backend\.example/([\w-]+)")
_RULES = f"max_articles = {MAX_ARTICLES}\nmax_per_topic = {MAX_PER_TOPIC}\ncarry_over = {CARRY_OVER}\n"


class Mailbox(FakeProvider):
    """A fake provider that keeps what each reader got: every article by its key."""

    def __init__(self, *, unknown_arrives: bool) -> None:
        super().__init__(self._answer, unknown_arrives=unknown_arrives)
        self.unknown_arrives = unknown_arrives
        self.moods: dict[str, Outcome] = {}
        self.got: dict[str, Counter[str]] = {}

    def open(self) -> FakeTransport:
        """A transport that reads what it carries."""
        return _Reading(self)

    def keep(self, rendition: Rendition, envelopes: Sequence[Envelope], answer: Answer) -> None:
        """What arrived is read."""
        keys = _LINK.findall("".join(rendition.text.literals))
        for envelope, outcome in zip(envelopes, answer.outcomes, strict=True):
            if outcome in self._arriving:
                self.got.setdefault(envelope.address, Counter()).update(dict.fromkeys(keys, 1))

    def _answer(self, envelopes: Sequence[Envelope]) -> Answer:
        return Answer(tuple(self.moods.get(envelope.address, Outcome.ACCEPTED) for envelope in envelopes), "said")


class _Reading(FakeTransport):
    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox)
        self._mailbox = mailbox

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Answer by the readers' moods."""
        answer = super().send(rendition, envelopes, date)
        self._mailbox.keep(rendition, envelopes, answer)
        return answer


@dataclass(frozen=True, slots=True)
class MailboxApp(App):
    """The application, with a mailbox for its provider."""

    mailbox: Mailbox = field(default_factory=lambda: Mailbox(unknown_arrives=True))

    def provider(self) -> Mailbox:
        """The mailbox."""
        return self.mailbox

    def providers(self) -> tuple[Mailbox]:
        """The mailbox, and no fallback."""
        return (self.mailbox,)


@cache
def _ground() -> tuple[Path, Settings]:
    """A project folder of this process, its settings, and a prepared empty database in it."""
    folder = Path(tempfile.mkdtemp(prefix="digest-lives-"))
    init_project(folder, BEGINNINGS[0])
    file = folder / "config" / "digest.toml"
    text = file.read_text(encoding="utf-8")
    schedule = ", ".join(f'{name} = "{cron}"' for name, cron in SCHEDULE.items())
    text = text.replace('schedule = "0 9 * * 1"', f"schedule = {{ {schedule} }}")
    text = re.sub(r"max_articles = .*\n", _RULES, re.sub(r"(max_per_topic|carry_over) = .*\n", "", text))
    file.write_text(text, encoding="utf-8")
    settings = read_settings(
        file, {"DIGEST_DELIVERY__PROVIDER": "smtp", "DIGEST_PROVIDERS__SMTP__HOST": "127.0.0.1", "DIGEST_DATABASE__EPOCH": "none"}
    )
    store = Store(f"sqlite:///{folder / 'prepared.db'}", synchronous="OFF")
    store.prepare()
    store.close()
    delivery = settings.delivery.model_copy(update={"audience_factor": 0.0, "concurrency": 1, "patience": timedelta(0)})
    newsletters = tuple(settings.newsletters[0].model_copy(update={"slug": slug}) for slug in NEWSLETTERS)
    return folder, settings.model_copy(update={"delivery": delivery, "newsletters": newsletters})


@dataclass(slots=True)
class Entry:
    """An article as its source shows it; `shown` is False while it does not."""

    key: str
    tags: tuple[str, ...]
    published_at: datetime | None
    featured: bool
    title: str
    shown: bool = True

    def to_json(self) -> dict[str, object]:
        """One entry of articles.json; its address stays, since it is what mailboxes know it by."""
        at = None if self.published_at is None else self.published_at.isoformat()
        said: dict[str, object] = {
            "id": self.key,
            "title": self.title,
            "url": f"https://backend.example/{self.key}",
            "tags": list(self.tags),
        }
        return said | {"featured": self.featured} | ({} if at is None else {"published_at": at})


class Lives:
    """Two newsletters of the same articles, with their readers and a clock."""

    def __init__(self, began: datetime, *, unknown_arrives: bool, zone: str = ZONES[0]) -> None:
        folder, settings = _ground()
        self.folder = folder
        self.database = Path(tempfile.mkdtemp(dir=folder)) / "lives.db"
        shutil.copy(folder / "prepared.db", self.database)
        self.store = Store(f"sqlite:///{self.database}", synchronous="OFF")
        self.settings = settings.model_copy(update={"started_at": began})
        self.now = began
        self.mailbox = Mailbox(unknown_arrives=unknown_arrives)
        self.entries: list[Entry] = []
        self.readers: list[str] = []
        self.move_zone(zone)

    def close(self) -> None:
        """Leave nothing."""
        self.store.close()
        shutil.rmtree(self.database.parent)

    @property
    def app(self) -> App:
        """The application as it stands now."""
        return MailboxApp(self.settings, self.store, self.now, mailbox=self.mailbox)

    def move_zone(self, zone: str) -> None:
        """The newsletters' slots stand on another clock."""
        moved = tuple(newsletter.model_copy(update={"timezone": zone}) for newsletter in self.settings.newsletters)
        self.settings = self.settings.model_copy(update={"newsletters": moved})

    # Articles

    def publish(self, tags: tuple[str, ...], published_at: datetime | None, *, featured: bool) -> None:
        """Something new at the source."""
        key = f"n{len(self.entries)}"
        self.entries.append(Entry(key, tags, published_at, featured, f"Title {key}"))

    def fetch(self) -> None:
        """The source is read."""
        self._offer()
        fetch(self.app)

    def withdraw(self, key: str) -> None:
        """An article is taken out, if it is known."""
        with contextlib.suppress(UsageError), self._writing() as connection:
            withdrawal.withdraw(connection, key, actor="test", now=self.now)

    def cover(self, keys: Sequence[str], email: str | None) -> bool:
        """Readers have had these; False where one of them is on its way."""
        try:
            cover_list(self.app, keys, email, actor="test", dry_run=False)
        except Refused:
            return False
        return True

    # Readers

    def subscribe(
        self, email: str, topics: Sequence[str], frequency: str, zone: str | None = None, *, slug: str = "weekly"
    ) -> None:
        """Somebody joins, changes what they get, or comes back."""
        with self._writing() as connection:
            newsletter, wanted = self.app.newsletter(slug), " ".join(topics) or None
            subscribe(
                connection, newsletter, email, topics=wanted, frequency=frequency, timezone=zone, confirmed=True, now=self.now
            )
        if email not in self.readers:
            self.readers.append(email)

    def leave(self, email: str, slug: str) -> None:
        """Somebody unsubscribes."""
        with contextlib.suppress(UsageError), self._writing() as connection:
            end(connection, subscription_of(connection, email, slug)[1].id, now=self.now)

    def pause(self, email: str, slug: str, until: datetime | None) -> None:
        """A holiday."""
        with contextlib.suppress(UsageError), self._writing() as connection:
            pausing.pause(connection, subscription_of(connection, email, slug)[1], until=until, now=self.now)

    def resume(self, email: str, slug: str) -> None:
        """Back from it."""
        with contextlib.suppress(UsageError), self._writing() as connection:
            pausing.resume(connection, subscription_of(connection, email, slug)[1].id)

    def suppress(self, email: str) -> None:
        """An address that must not be mailed any more."""
        with self._writing() as connection:
            suppress(connection, email, "*", reason="bounced", source="test", now=self.now)

    # Issues

    def run(self) -> Ran:
        """One `digest run`; what was deferred may be tried at once."""
        self._offer()
        for issue in self.issues(IssueState.SENDING):
            with self._writing() as connection:
                upkeep.replan(connection, self._ledger(issue), now=datetime.now(UTC), all_of_them=True)
        return run(self.app, None, lambda _: None)

    def draft(self, slug: str, frequency: str, *, approved: bool) -> None:
        """Somebody drafts the coming issue by hand."""
        app, chosen = self.app, Frequency(frequency)
        with contextlib.suppress(Refused):
            newsletter = app.newsletter(slug)
            issue = draft(app, newsletter, chosen, coming_slot(app, newsletter, chosen), "test")
            if approved:
                approve(app, issue, "test")

    def disturb(self, how: str) -> None:
        """Somebody pauses, resumes or cancels every issue that this can be done to; or says what became of the unknown."""
        app = self.app
        for issue in self.issues():
            with contextlib.suppress(DigestError):
                if how == "cancel":
                    cancel(app, issue, "test", "drawn")
                elif how == "pause":
                    change(app, issue, IssueState.PAUSED, "test", "drawn")
                elif how == "resume":
                    resume(app, issue, "test")
                else:
                    to = DeliveryState.ACCEPTED if self.mailbox.unknown_arrives else DeliveryState(how)
                    resolve(app, issue, to, "test", "drawn")

    def issues(self, *states: IssueState) -> list[Issue]:
        """Every issue, or those in some states, oldest first."""
        with self.store.reading() as connection:
            return [one for one in list_issues(connection)[::-1] if not states or one.state in states]

    def _ledger(self, issue: Issue) -> Ledger:
        return Ledger(issue.id, issue.newsletter, self.mailbox.name, "test")

    def _offer(self) -> None:
        shown = [entry.to_json() for entry in self.entries if entry.shown]
        (self.folder / "articles.json").write_text(json.dumps(shown), encoding="utf-8")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self.store.writing() as connection:
            yield connection
