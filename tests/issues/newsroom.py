"""A newsroom in one database: articles arrive, people join, issues are frozen, planned and delivered, without a thread.

Everything of the ledger is called directly and outcomes are given by name, so a test reads as what happened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from digest.audience.people import subscribe
from digest.audience.suppression import suppress
from digest.catalogue.article import Entry
from digest.catalogue.sources.port import Reading
from digest.catalogue.storing import release_waiting, store_reading
from digest.delivery.account import account
from digest.delivery.ledger import Ledger
from digest.delivery.plan import plan
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.settling import conclude
from digest.delivery.transitions import COUNTS_AS_SENT
from digest.issues.calendar import Slot
from digest.issues.freezing import freeze
from digest.issues.issue import Issue, frozen_of, issue_by_id
from digest.issues.lifecycle import IssueState, step
from digest.issues.owed import parse_owed
from digest.settings import Frequency, NewsletterSettings, Settings
from digest.store import tables
from digest.store.database import Store
from digest.testing.specimens import some_settings
from tests.databases import fresh_database
from tests.marking import mark_batch, settle_batch

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
LEASE = timedelta(seconds=30)
DAILY, WEEKLY = Frequency.DAILY, Frequency.WEEKLY

_MJML = (
    "<mjml><mj-body>\n<mj-raw>{{ greeting }}</mj-raw>\n"
    "<mj-raw>{% block lead %}{{ article.title }}{% endblock %}{% block section %}{{ section.title }}{% endblock %}</mj-raw>\n"
    "<mj-raw>{% block card %}{{ article.title }}{% endblock %}{{ unsubscribe_url }}</mj-raw>\n</mj-body></mjml>\n"
)
_TEXT = (
    "{{ greeting }}\n{% block lead %}\n{{ article.title }}\n{% endblock %}\n{% block section %}\n{{ section.title }}\n{% endblock %}\n"
    "{% block card %}\n{{ article.title }}\n{% endblock %}\n{{ unsubscribe_url }}\n{{ site.postal_address }}\n"
)


def newsletter(slug: str = "weekly", **changes: Any) -> dict[str, Any]:
    """A newsletter of three topics, daily and weekly."""
    return {
        "slug": slug,
        "title": slug.title(),
        "topics": {name: {"title": name.title(), "tags": [name]} for name in ("python", "data", "career")},
        "schedule": {"weekly": "0 9 * * 1", "daily": "0 7 * * *"},
        "template": "plain",
        "carry_over": 3,
    } | changes


@dataclass(slots=True)
class Newsroom:
    """One newsletter (or several), one connection at a time, and a clock that moves when it is told to."""

    store: Store
    settings: Settings
    templates: Path
    now: datetime = MONDAY
    slots: int = 0
    people: dict[str, int] = field(default_factory=dict)

    @property
    def newsletter(self) -> NewsletterSettings:
        """The first of the newsletters."""
        return self.settings.newsletters[0]

    def change(self, number: int = 0, **values: Any) -> None:
        """Another rule of a newsletter from now on."""
        changed = self.settings.newsletters[number].model_copy(update=values)
        every = tuple(changed if place == number else one for place, one in enumerate(self.settings.newsletters))
        self.settings = self.settings.model_copy(update={"newsletters": every})

    def arrive(
        self,
        *keys: str,
        tags: tuple[str, ...] = ("python",),
        at: datetime | None = None,
        featured: bool = False,
        title: str | None = None,
        source: str | None = None,
        **more: Any,
    ) -> None:
        """Articles come in, called by their keys; `at` is when they say that they were published."""
        whose = self.settings.sources[0]
        if source is not None:
            whose = whose.model_copy(update={"name": source})
        entries = tuple(
            Entry(
                key=key,
                url=f"https://n.example/{key}",
                canonical_url=f"https://n.example/{key}",
                title=title or f"Title {key}",
                tags=tags,
                published_at=at or self.now,
                featured=featured,
                **more,
            )
            for key in keys
        )
        with self.store.writing() as connection:
            store_reading(connection, whose, Reading(entries), self.now)
            release_waiting(connection, self.now)

    def join(
        self,
        name: str,
        topics: str | None = "",
        frequency: Frequency | None = WEEKLY,
        number: int = 0,
    ) -> int:
        """Somebody subscribes, or changes what they get; returns their id."""
        with self.store.writing() as connection:
            joined = subscribe(
                connection,
                self.settings.newsletters[number],
                f"{name}@x.example",
                topics=topics,
                frequency=None if frequency is None else frequency.value,
                confirmed=True,
                now=self.now,
            )
        self.people[name] = joined.subscriber.id
        return joined.subscriber.id

    def leave(self, name: str) -> None:
        """Somebody unsubscribes."""
        self._set(name, state="unsubscribed")

    def suppress(self, name: str) -> None:
        """An address must not be mailed any more."""
        with self.store.writing() as connection:
            suppress(connection, f"{name}@x.example", "*", reason="bounced", source="test", now=self.now)

    def freeze(self, frequency: Frequency = WEEKLY, number: int = 0) -> Issue:
        """The issue of the next slot, wherever that may be."""
        self.slots += 1
        at = MONDAY + timedelta(minutes=self.slots)
        slot = Slot(at, at.replace(tzinfo=None))
        chosen = self.settings.newsletters[number]
        with self.store.writing() as connection:
            return freeze(
                connection, self.settings, chosen, frequency, slot, folders=(self.templates,), now=self.now, actor="test"
            )

    def approve(self, issue: Issue) -> Issue:
        """Sign it as it is."""
        return self.step(issue, IssueState.APPROVED, approved_hash=issue.content_hash)

    def step(self, issue: Issue, to: IssueState, **values: Any) -> Issue:
        """Take an issue to another state."""
        with self.store.writing() as connection:
            found = issue_by_id(connection, issue.id)
            step(connection, issue.id, issue.name, found.state, to, actor="test", now=self.now, reason=None, **values)
            return issue_by_id(connection, issue.id)

    def plan(self, issue: Issue) -> Issue:
        """Freeze its audience."""
        with self.store.writing() as connection:
            plan(connection, issue, frozen_of(connection, issue), now=self.now)
            return issue_by_id(connection, issue.id)

    def planned(self, frequency: Frequency = WEEKLY, number: int = 0) -> Issue:
        """Freeze, approve and plan."""
        return self.plan(self.approve(self.freeze(frequency, number)))

    def deliver(self, issue: Issue, outcomes: Mapping[str, Outcome] | None = None, *, otherwise: Outcome | None = None) -> Issue:
        """Send what is planned of it to its end: everybody accepts, but who is named; then conclude."""
        by_id = {self.people[name]: outcome for name, outcome in (outcomes or {}).items()}
        ledger = self.ledger(issue)
        with self.store.writing() as connection:
            while found := ledger.claim(connection, 2, now=self.now, lease=LEASE):
                batch, whose = found[0].batch, found[0].recipients
                marked = mark_batch(ledger, connection, batch, whose, now=self.now)
                answers = tuple(by_id.get(one, otherwise or Outcome.ACCEPTED) for one in marked)
                settle_batch(ledger, connection, batch, marked, Answer(answers, "said"), now=self.now, retry_at={})
                ledger.finish(connection, batch, now=self.now)
        return self.conclude(issue)

    def conclude(self, issue: Issue) -> Issue:
        """Settle it when nothing of it waits; as a send does, which has counted it."""
        with self.store.writing() as connection:
            issue = issue_by_id(connection, issue.id)
            counted = None if issue.audience is None else account(connection, issue)
            return conclude(connection, issue, now=self.now, counted=counted)

    def issue(self, frequency: Frequency = WEEKLY, **outcomes: Outcome) -> Issue:
        """A whole issue, from the freeze to its end; one that is skipped stays so."""
        issue = self.freeze(frequency)
        return issue if issue.state is IssueState.SKIPPED else self.deliver(self.plan(self.approve(issue)), outcomes)

    def ledger(self, issue: Issue, owner: str = "me") -> Ledger:
        """The ledger of an issue as some process sees it."""
        return Ledger(issue.id, issue.newsletter, "fake", owner)

    def states(self, issue: Issue) -> dict[str, str]:
        """Where everybody's delivery stands, by name."""
        row = tables.delivery.c
        with self.store.reading() as connection:
            query = select(row.subscriber_id, row.state).where(row.issue_id == issue.id)
            found = {line.subscriber_id: line.state for line in connection.execute(query)}
            account(connection, issue_by_id(connection, issue.id))
        return {name: found[one] for name, one in self.people.items() if one in found}

    def has(self, issue: Issue, name: str) -> list[str]:
        """The keys of the articles in somebody's mail of one issue, sorted, whatever became of it."""
        row, held = tables.delivery.c, tables.rendition_article.c
        query = (
            select(tables.article.c.title)
            .select_from(tables.delivery)
            .join(tables.rendition_article, (held.issue_id == row.issue_id) & (held.rendition == row.rendition))
            .join(tables.article, tables.article.c.id == held.article_id)
            .where(row.issue_id == issue.id, row.subscriber_id == self.people[name])
        )
        with self.store.reading() as connection:
            return sorted(title.removeprefix("Title ") for title in connection.execute(query).scalars())

    def coverage(self, name: str) -> int:
        """How far somebody has been considered."""
        return int(self._get(name).coverage)

    def owed(self, name: str) -> dict[str, int]:
        """What somebody is owed, by key, with its age."""
        owed = parse_owed(self._get(name).owed)
        keys = {number: key for key, number in self.articles().items()}
        return {keys[one]: age for one, age in owed.items()}

    def counted(self) -> dict[int, Counter[int]]:
        """How often everybody has each article in deliveries that count as sent."""
        row, held = tables.delivery.c, tables.rendition_article.c
        query = (
            select(row.subscriber_id, held.article_id)
            .join(tables.rendition_article, (held.issue_id == row.issue_id) & (held.rendition == row.rendition))
            .where(row.state.in_([state.value for state in COUNTS_AS_SENT]))
        )
        found: defaultdict[int, Counter[int]] = defaultdict(Counter)
        with self.store.reading() as connection:
            for reader, article in connection.execute(query):
                found[reader][article] += 1
        return found

    def articles(self) -> dict[str, int]:
        """The catalogue's ids by key."""
        with self.store.reading() as connection:
            found = connection.execute(select(tables.article.c.title, tables.article.c.id)).all()
        return {title.removeprefix("Title "): number for title, number in found}

    def _get(self, name: str) -> Any:
        row = tables.subscription.c
        with self.store.reading() as connection:
            where = (row.subscriber_id == self.people[name], row.newsletter == self.newsletter.slug)
            return connection.execute(select(tables.subscription).where(*where)).one()

    def _set(self, name: str, **values: Any) -> None:
        with self.store.writing() as connection:
            where = tables.subscription.c.subscriber_id == self.people[name]
            connection.execute(update(tables.subscription).where(where).values(values))


@contextmanager
def a_newsroom(folder: Path, *newsletters: dict[str, Any]) -> Iterator[Newsroom]:
    """An empty newsroom whose sources have been read before: whatever arrives is new. Its database is the running test's."""
    templates = folder / "templates"  # called alike in every newsroom: a template that is known by its name is not tried again
    templates.mkdir()
    (templates / "plain.mjml").write_text(_MJML, encoding="utf-8")
    (templates / "plain.txt").write_text(_TEXT, encoding="utf-8")
    plain = some_settings()
    made = [NewsletterSettings.model_validate(one) for one in newsletters or (newsletter(),)]
    settings = plain.model_copy(update={"newsletters": tuple(made)})
    store = Store(fresh_database(folder), synchronous="OFF")
    try:
        store.prepare()
        yield Newsroom(store, settings, templates)
    finally:
        store.close()
