"""What must hold of every life after every step, told from the rows and from the mailboxes, by rules written down once more.

For each subscriber and each article that arrived since they joined, exactly one thing is true: they have it (sent, or on its
way), they are owed it, it is still ahead of them, or there is a reason. The reasons are found here, and never taken from the
product: at the plan of an issue it carried no topic they followed; it was withdrawn; they had it already; they had waited for
it, or been away, for more issues than `carry_over`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from digest.delivery.account import account
from digest.delivery.transitions import COUNTS_AS_SENT, GIVES_BACK
from digest.insights.coverage import audit
from digest.issues.issue import Issue, frozen_of, issue_of_slot, list_issues
from digest.issues.lifecycle import IssueState
from digest.issues.owed import parse_owed
from digest.store import tables
from tests.proofs.lives import CARRY_OVER, FREQUENCIES, MAX_ARTICLES, MAX_PER_TOPIC, NEWSLETTERS, TOPICS, Lives

_GIVEN_BACK = [state.value for state in GIVES_BACK]
_SENT = [state.value for state in COUNTS_AS_SENT]
Pair = tuple[int, int]
Reader = tuple[str, int]
"""A subscription, by its newsletter and its subscriber."""


@dataclass(slots=True)
class Known:
    """The rows, as one moment saw them."""

    articles: dict[int, Any]
    subscriptions: dict[Reader, Any]
    issues: list[Issue]
    deliveries: dict[int, dict[int, Any]]
    held: dict[tuple[int, int], set[int]]
    had: set[Pair]
    sent: Counter[Pair] = field(default_factory=Counter)
    suppressed: set[Pair] = field(default_factory=set)
    coming_back: set[tuple[Reader, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        unsettled = {one.id: one.newsletter for one in self.issues if one.settled_at is None}
        for issue, rows in self.deliveries.items():
            for reader, row in rows.items():
                pairs = {(reader, article) for article in self.held.get((issue, row.rendition), ())}
                if row.state in _SENT:
                    self.sent.update(pairs)
                elif row.state == "suppressed":
                    self.suppressed |= pairs
                elif row.state in _GIVEN_BACK and issue in unsettled:
                    self.coming_back |= {((unsettled[issue], reader), article) for _, article in pairs}


@dataclass(slots=True)
class Judge:
    """Remembers what it has seen: where each reader began, the tags at each freeze, and the reasons.

    `on_their_way` is what counted as sent when it looked last, and `stood` the coverage points: a step may both plan an issue
    and end what waited, or plan two for who came back.
    """

    lives: Lives
    began: dict[Reader, int] = field(default_factory=dict)
    tags: dict[tuple[int, int], dict[int, frozenset[str]]] = field(default_factory=dict)
    planned: set[int] = field(default_factory=set)
    fresh: set[int] = field(default_factory=set)
    audited: set[int] = field(default_factory=set)
    excused: dict[tuple[Reader, int], str] = field(default_factory=dict)
    on_their_way: set[Pair] = field(default_factory=set)
    stood: dict[Reader, int] = field(default_factory=dict)

    def look(self) -> None:
        """Judge what the last step came to."""
        with self.lives.store.reading() as connection:
            known = _read(connection)
            self._note_beginnings(known)
            self._note_freezes(known)
            for issue in known.issues:
                if issue.audience is not None and issue.id not in self.planned:
                    self._judge_plan(connection, issue, known)
                    self.planned.add(issue.id)
            self._nobody_twice(known)
            self._nothing_lost(known)
            self._accounts(connection, known)
        self.fresh = {issue.id for issue in known.issues}
        self.on_their_way = {pair for pair, times in known.sent.items() if times}
        self.stood = {reader: row.coverage for reader, row in known.subscriptions.items()}

    def sums(self) -> Counter[str]:
        """What the deliveries of this life came to, and for what reasons articles did not reach a reader."""
        with self.lives.store.reading() as connection:
            deliveries = _read(connection).deliveries
        states = Counter(f"{row.state}" for rows in deliveries.values() for row in rows.values())
        return states + Counter(f"left out ({why})" for why in self.excused.values())

    def look_at_slots(self) -> None:
        """After a run, each frequency's due slot has its one issue, whatever the clocks did; or a later one has been planned: where
        they were put back, or a reader ahead of everybody has left."""
        lives = self.lives
        zone = ZoneInfo(lives.settings.newsletters[0].timezone)
        with lives.store.reading() as connection:
            for slug, frequency in product(NEWSLETTERS, FREQUENCIES):
                name = due(frequency, zone, lives.settings.started_at, lives.now)
                if name is not None:
                    found = issue_of_slot(connection, slug, frequency, name)
                    issues = (one for one in list_issues(connection, slug) if one.frequency == frequency and one.slot > name)
                    later = any(one.planned_at is not None for one in issues)
                    assert found is not None or later, f"the slot {name} of {slug}, {frequency}, has no issue"

    def _note_beginnings(self, known: Known) -> None:
        """A new reader begins at the furthest cutoff of their frequency that has settled; or, where there is none, of any."""
        for reader, row in known.subscriptions.items():
            if reader not in self.began:
                ours = [one for one in known.issues if one.newsletter == row.newsletter]
                settled = [(one.frequency, one.cutoff) for one in ours if one.settled_at is not None]
                own = [cutoff for frequency, cutoff in settled if frequency == row.frequency]
                self.began[reader] = max(own or [cutoff for _, cutoff in settled], default=0)
                assert row.coverage == self.began[reader], f"reader {reader} begins at {row.coverage}, not {self.began[reader]}"

    def _note_freezes(self, known: Known) -> None:
        for issue in known.issues:
            if (issue.id, issue.revision) not in self.tags:
                self.tags[issue.id, issue.revision] = {number: frozenset(one.tags) for number, one in known.articles.items()}

    def _judge_plan(self, connection: Connection, issue: Issue, known: Known) -> None:
        """Who is considered, and what of the window and of what they were owed each of them got."""
        rows = known.deliveries.get(issue.id, {})
        alike = {
            reader: row.state
            for (slug, reader), row in known.subscriptions.items()
            if slug == issue.newsletter and row.frequency == issue.frequency
        }
        expected = {reader for reader, state in alike.items() if state == "active"}
        frozen = frozen_of(connection, issue)
        missing = {reader for reader in expected - rows.keys() if not self._came_since(issue, known, reader, frozen)}
        assert rows.keys() <= expected, f"{issue.name} went to {rows.keys() - expected}, who are not its readers"
        assert not missing, f"{issue.name} does not consider {missing}"
        paused = sum(state == "paused" for state in alike.values())
        assert issue.paused_readers == paused, f"{issue.name} says {issue.paused_readers} are paused, and {paused} are"
        group = tables.audience_group.c
        groups = {one.number: one for one in connection.execute(select(tables.audience_group).where(group.issue_id == issue.id))}
        pool = {candidate.id for candidate in frozen.candidates}
        for reader, row in rows.items():
            if row.state != "suppressed":
                self._judge_mail(
                    issue, known, reader, groups[row.group_number], known.held.get((issue.id, row.rendition), set()), pool
                )

    def _came_since(self, issue: Issue, known: Known, reader: int, frozen: Any) -> bool:
        """An issue that was frozen before this step may lack what somebody needs who came, or came back, since."""
        who = (issue.newsletter, reader)
        return issue.id in self.fresh and self.stood.get(who, known.subscriptions[who].coverage) < frozen.floor

    def _judge_mail(self, issue: Issue, known: Known, reader: int, group: Any, held: set[int], pool: set[int]) -> None:
        owed = parse_owed(group.owed)
        fresh = {number for number, one in known.articles.items() if group.coverage < (one.arrival or 0) <= issue.cutoff}
        assert held <= fresh | owed.keys(), f"{issue.name} brings reader {reader} {held - fresh - owed.keys()}, out of the window"
        out = {article for article in held if self._out(known, reader, article)}
        assert not out, f"{issue.name} brings reader {reader} {out}, withdrawn or had already"
        room: Counter[str] = Counter(self._topic(issue, known, reader, article) or "" for article in held)
        assert "" not in room, f"{issue.name} brings reader {reader} what they do not follow"
        assert len(held) <= MAX_ARTICLES, f"{issue.name} brings reader {reader} {len(held)} articles"
        assert not room or max(room.values()) <= MAX_PER_TOPIC, f"{issue.name} brings reader {reader} {room}"
        # What is withdrawn after the approval leaves its room empty.
        gone = {one for one in (fresh | owed.keys()) & pool if known.articles[one].withdrawn_at is not None}
        left: Counter[str] = Counter(self._topic(issue, known, reader, one) or "" for one in gone)
        for article in (fresh | owed.keys()) - held:
            topic = self._topic(issue, known, reader, article)
            if topic is None:
                self.excused[(issue.newsletter, reader), article] = "no topic"
            elif self._out(known, reader, article) or known.sent[reader, article]:
                continue
            elif article in owed and article not in pool:
                continue  # owed since the freeze; it stays so
            elif owed.get(article, 0) > CARRY_OVER:
                self._excuse(issue, known, reader, article, "waited for too long")
            elif article not in pool:
                self._excuse(issue, known, reader, article, "away for too long")
            elif (reader, article) in self.on_their_way:
                continue  # with another issue at the plan, and given back since: whether it is lost is judged below
            else:
                full = len(held) + left.total() >= MAX_ARTICLES or room[topic] + left[topic] >= MAX_PER_TOPIC
                assert full, f"{issue.name} has room for article {article} and does not bring it to reader {reader}"

    def _excuse(self, issue: Issue, known: Known, reader: int, article: int, why: str) -> None:
        """Whoever is said to have waited or been away for too long: more issues than `carry_over` came since it arrived."""
        arrival = known.articles[article].arrival
        ours = [one for one in known.issues if one.newsletter == issue.newsletter and one.id != issue.id]
        since = [one for one in ours if arrival <= one.cutoff]
        if why == "waited for too long":
            since = [one for one in since if reader in known.deliveries.get(one.id, {})]
        else:
            since = [one for one in since if one.frequency == issue.frequency and one.settled_at is not None]
        assert len(since) > CARRY_OVER, f"{issue.name}: reader {reader} {why} for article {article}, after {len(since)} issues"
        self.excused[(issue.newsletter, reader), article] = why

    def _topic(self, issue: Issue, known: Known, reader: int, article: int) -> str | None:
        """The first topic under which an article is for a reader, by its tags at the freeze."""
        tags = self.tags[issue.id, issue.revision].get(article, frozenset())
        topics = known.subscriptions[issue.newsletter, reader].topics.split()
        return next((topic for topic in TOPICS if topic in tags and (topic in topics or topics == ["*"])), None)

    def _out(self, known: Known, reader: int, article: int) -> bool:
        there = known.articles[article].withdrawn_at is None
        return not there or (article, reader) in known.had or (article, 0) in known.had

    def _nobody_twice(self, known: Known) -> None:
        twice = [pair for pair, times in known.sent.items() if times > 1]
        assert not twice, f"sent twice, as the ledger says: {twice}"
        for reader, keys in self.lives.mailbox.got.items():
            assert max(keys.values(), default=0) <= 1, f"{reader} got twice: {keys.most_common(2)}"

    def _nothing_lost(self, known: Known) -> None:
        for reader, row in known.subscriptions.items():
            owed, person = parse_owed(row.owed), row.subscriber_id
            for article, one in known.articles.items():
                behind = one.arrival is not None and self.began[reader] < one.arrival <= row.coverage
                if not behind or article in owed or known.sent[person, article] or (reader, article) in self.excused:
                    continue
                if (reader, article) in known.coming_back:
                    continue  # its issue still waits for somebody else, and owes it when it settles
                if (person, article) in known.suppressed:
                    continue  # it was for an address that must not be mailed any more, and nothing lifts that
                assert self._out(known, person, article), f"{reader} lost article {article} ({row.coverage=}, {one.arrival=})"

    def _accounts(self, connection: Connection, known: Known) -> None:
        """The sums, and once an issue has settled the product's own audit of it; later the rows speak for themselves."""
        for issue in known.issues:
            counted = len(known.deliveries.get(issue.id, {}))
            assert counted == (issue.audience or 0), f"{issue.name}: {counted} deliveries, and an audience of {issue.audience}"
            if issue.settled_at is not None and issue.id not in self.audited:
                self.audited.add(issue.id)
                assert sum(account(connection, issue).values()) == issue.audience
                assert not audit(connection, issue), f"{issue.name}: {audit(connection, issue)}"
            skipped = issue.state is IssueState.SKIPPED
            assert not skipped or issue.reason, f"{issue.name} was skipped without a reason"
        for name in ("slot", "slot_at"):
            slots = Counter((issue.newsletter, issue.frequency, getattr(issue, name)) for issue in known.issues)
            assert max(slots.values(), default=1) == 1, f"two issues of one slot: {slots.most_common(1)}"


def _read(connection: Connection) -> Known:
    article, row, held = tables.article.c, tables.delivery.c, tables.rendition_article.c
    articles = connection.execute(select(article.id, article.arrival, article.tags, article.withdrawn_at)).all()
    deliveries: defaultdict[int, dict[int, Any]] = defaultdict(dict)
    for found in connection.execute(select(row.issue_id, row.subscriber_id, row.rendition, row.state, row.group_number)):
        deliveries[found.issue_id][found.subscriber_id] = found
    renditions: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for issue, rendition, one in connection.execute(select(held.issue_id, held.rendition, held.article_id)):
        renditions[issue, rendition].add(one)
    return Known(
        articles={one.id: one for one in articles},
        subscriptions={(one.newsletter, one.subscriber_id): one for one in connection.execute(select(tables.subscription))},
        issues=list_issues(connection)[::-1],
        deliveries=deliveries,
        held=renditions,
        had={(a, b) for a, b in connection.execute(select(tables.had_already.c.article_id, tables.had_already.c.subscriber_id))},
    )


def due(frequency: str, zone: ZoneInfo, started_at: datetime, now: datetime) -> str | None:
    """The name of the latest slot of a frequency that has come since the start: by looking back day by day."""
    today = now.astimezone(zone).date()
    for day in (today + timedelta(days=1) - timedelta(days=back) for back in range(70)):
        if not _is_day(frequency, day):
            continue
        hour, minute = (9, 0) if frequency == "weekly" else (2, 30)
        local = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - what the wall clock shows
        at = next(_instants(local, zone))
        if at <= now:
            return local.isoformat(timespec="minutes") if at > started_at else None
    return None


def _is_day(frequency: str, day: date) -> bool:
    if frequency == "monthly":
        return (day + timedelta(days=1)).day == 1
    return frequency == "daily" or day.weekday() == 0


def _instants(local: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """When the wall clock shows a time, or, where it never does, the next minute that it shows."""
    wanted = local
    while True:
        at = wanted.replace(tzinfo=zone).astimezone(UTC)
        if at.astimezone(zone).replace(tzinfo=None) == wanted:
            yield at
        wanted += timedelta(minutes=1)
