"""Every table of the database, and the constraints that keep the promises.

Times are UTC, ISO 8601 text with microseconds, so that they sort as they read on every store. Lists are
canonical text: topics and article ids sorted and separated by spaces, so that equal sets are equal text and
grouping by them is a plain GROUP BY.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC text of one fixed width."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else instant_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """Plain data, kept as compact JSON text with sorted keys."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


def instant_text(value: datetime) -> str:
    """`value` as the store writes it; naive values are a defect."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


source = Table(
    "source",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("seeded_at", Instant),
    Column("fetched_at", Instant),
    Column("error", Text),
    Column("memory", Json),
    Column("paused_until", Instant),
)

article = Table(
    "article",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    # Its number in the catalogue's own count: NULL while a post-dated article waits, 0 when it counts as covered.
    Column("arrival", Integer),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("published_at", Instant),
    Column("updated_at", Instant),
    Column("author", Text),
    Column("image", Text),
    Column("image_alt", Text),
    Column("featured", Boolean, nullable=False),
    # What the publisher's desk said of it with `articles feature`; wins over the source's own word. NULL: nothing.
    Column("featured_here", Boolean),
    Column("reading_minutes", Integer),
    Column("language", String(35)),
    Column("popularity", Double),
    Column("first_seen_at", Instant, nullable=False),
    # Set for articles of a source's first fetch: lookback is measured from here, for them alone.
    Column("seeded_at", Instant),
    Column("withdrawn_at", Instant),
    Index("article_by_arrival", "arrival"),
    Index("article_waiting", "published_at", sqlite_where=text("arrival IS NULL"), postgresql_where=text("arrival IS NULL")),
)

# Every name an article has ever had: its source's ids and its canonical URLs (with an empty source).
article_key = Table(
    "article_key",
    metadata,
    Column("source", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    PrimaryKeyConstraint("source", "key"),
)

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False, unique=True),
    Column("name", Text),
    Column("language", String(35)),
    Column("timezone", String(64)),
    Column("created_at", Instant, nullable=False),
    # An id is never used twice: a link or a delivery of somebody who was erased must not become somebody else's.
    sqlite_autoincrement=True,
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("newsletter", String(64), nullable=False),
    # Canonical topics, or '*' for all of them, today's and tomorrow's.
    Column("topics", Text, nullable=False),
    Column("frequency", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    # The arrival number up to which it has been considered.
    Column("coverage", Integer, nullable=False),
    # Owed articles with the number of issues each has waited: "12@3 15@1", by article id.
    Column("owed", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("ended_at", Instant),
    # Of a paused one: when it goes on by itself. NULL: when somebody says so.
    Column("paused_until", Instant),
    UniqueConstraint("subscriber_id", "newsletter"),
    CheckConstraint("state IN ('pending', 'active', 'paused', 'unsubscribed')", name="subscription_state"),
    Index("subscription_audience", "newsletter", "frequency", "state"),
    sqlite_autoincrement=True,
)

# What readers have had already from elsewhere, by a person's word: it is never sent to them.
had_already = Table(
    "had_already",
    metadata,
    Column("article_id", ForeignKey("article.id"), nullable=False),
    # 0: everybody, whoever joins later too.
    Column("subscriber_id", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("article_id", "subscriber_id"),
    Index("had_already_by_reader", "subscriber_id"),
)

# Evidence of what people agreed to and took back: when, by what, in which words, from where; append-only, erased with the person.
consent = Table(
    "consent",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("newsletter", String(64), nullable=False),
    Column("act", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    # What holds from then on.
    Column("topics", Text, nullable=False),
    Column("frequency", String(16), nullable=False),
    # What held until then, by name; NULL where nothing did, or nothing changed.
    Column("before", Json),
    # What they were told when they agreed, and which version of it that is.
    Column("wording", Text),
    Column("wording_version", String(16)),
    # The network that it came from: an address without its last part.
    Column("origin", String(64)),
    Column("at", Instant, nullable=False),
    Index("consent_of", "subscriber_id", "newsletter"),
)

# Sign-ups that wait for their confirmation. Of who never confirms nothing stays.
asking = Table(
    "asking",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False),
    Column("newsletter", String(64), nullable=False),
    Column("topics", Text, nullable=False),
    Column("frequency", String(16), nullable=False),
    Column("timezone", String(64)),
    Column("language", String(35)),
    Column("source", String(16), nullable=False),
    Column("wording", Text, nullable=False),
    Column("wording_version", String(16), nullable=False),
    Column("origin", String(64)),
    Column("at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Index("asking_by_address", "address"),
    Index("asking_by_time", "at"),
    sqlite_autoincrement=True,
)

# Somebody wants to be written to elsewhere: both addresses have to agree.
address_change = Table(
    "address_change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False),
    Column("at", Instant, nullable=False),
    Column("old_agreed_at", Instant),
    Column("new_agreed_at", Instant),
    Column("done_at", Instant),
    Index("address_change_of", "subscriber_id"),
    sqlite_autoincrement=True,
)

# Mails that are no issue's: confirmations and their like. A doubtful one is sent again.
letter = Table(
    "letter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    # Of which asking, change of address or subscription it speaks, by its kind.
    Column("about", Integer, nullable=False),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False),
    Column("language", String(35), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Real time: nobody tries it before this. Who tries it moves it ahead first, so that two never do at once.
    Column("not_before", Instant, nullable=False),
    Column("answer", Text),
    CheckConstraint("state IN ('waiting', 'sent', 'rejected', 'dropped', 'given up')", name="letter_state"),
    Index(
        "letter_waiting",
        "not_before",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("letter_by_address", "address"),
    sqlite_autoincrement=True,
)

# How often something was asked for, by a hash of who asked and the minute: what limits are kept by, and thrown away after a day.
tally = Table(
    "tally",
    metadata,
    Column("key", String(64), nullable=False),
    Column("minute", Instant, nullable=False),
    Column("many", Integer, nullable=False),
    PrimaryKeyConstraint("key", "minute"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("address", String(320), nullable=False),
    # '*' for everything, else a newsletter's slug.
    Column("scope", String(64), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("source", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("address", "scope"),
)

# The coverage point of a frequency: where its new subscriptions start.
coverage = Table(
    "coverage",
    metadata,
    Column("newsletter", String(64), nullable=False),
    Column("frequency", String(16), nullable=False),
    Column("point", Integer, nullable=False),
    PrimaryKeyConstraint("newsletter", "frequency"),
)

# The tags by which each topic gathered articles when an issue was last frozen: whether one of them is missed.
topic_tags = Table(
    "topic_tags",
    metadata,
    Column("newsletter", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("tags", Json, nullable=False),
    PrimaryKeyConstraint("newsletter", "topic"),
)

# What became of those who followed a topic, frequency, newsletter or source that was renamed or given up; append-only.
succession = Table(
    "succession",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("newsletter", String(64)),
    Column("name", String(64), nullable=False),
    # NULL: it was retired.
    Column("moved_to", String(64)),
    # How many subscriptions (of a source: articles) were moved, and how many ended.
    Column("moved", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

ISSUE_STATES = ("draft", "approved", "sending", "paused", "sent", "skipped", "cancelled", "held")

issue = Table(
    "issue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("frequency", String(16), nullable=False),
    # The local date and time, such as 2026-11-23T09:00: the issue's name, in the newsletter's zone.
    Column("slot", String(16), nullable=False),
    Column("slot_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("cutoff", Integer, nullable=False),
    Column("frozen_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("approved_hash", String(64)),
    Column("approved_by", Text),
    Column("approved_at", Instant),
    # How many subscribers the plan froze; the sum over all delivery states equals it, always.
    Column("audience", Integer),
    # How many subscriptions of its frequency were paused when the audience was frozen, and so are not in it.
    Column("paused_readers", Integer),
    # The largest audience that a person has said yes to, where one was far above the last issue's.
    Column("audience_confirmed", Integer),
    # Grows with every article withdrawn after the freeze: what was approved, less what was withdrawn.
    Column("sub_revision", Integer, nullable=False, server_default="0"),
    # Real time: until then only the canary has gone out.
    Column("canary_until", Instant),
    Column("planned_at", Instant),
    Column("settled_at", Instant),
    Column("finished_at", Instant),
    UniqueConstraint("newsletter", "number"),
    UniqueConstraint("newsletter", "frequency", "slot"),
    CheckConstraint(f"state IN {ISSUE_STATES}", name="issue_state"),
)

# Articles that were withdrawn after an issue was frozen: left out of what it has not yet sent.
issue_withdrawal = Table(
    "issue_withdrawal",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Column("sub_revision", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("issue_id", "article_id"),
)

# What templates saw, and the rules by which renditions are composed. Apart from the issue's own row, which every mark
# reads and which therefore stays small.
issue_content = Table(
    "issue_content",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), primary_key=True),
    Column("content", Json, nullable=False),
)

# The rendered blocks of an issue, one row a language; part of what approval signs.
issue_blocks = Table(
    "issue_blocks",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("language", String(35), nullable=False),
    Column("blocks", LargeBinary, nullable=False),
    PrimaryKeyConstraint("issue_id", "language"),
)

decision = Table(
    "decision",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("chosen", Boolean, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("topic", String(64)),
    PrimaryKeyConstraint("issue_id", "article_id"),
)

# One distinct list of articles of one issue in one language; `lead` and `sections` arrange it.
rendition = Table(
    "rendition",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("language", String(35), nullable=False),
    Column("arrangement", Json, nullable=False),
    PrimaryKeyConstraint("issue_id", "number"),
)

rendition_article = Table(
    "rendition_article",
    metadata,
    Column("issue_id", Integer, nullable=False),
    Column("rendition", Integer, nullable=False),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    PrimaryKeyConstraint("article_id", "issue_id", "rendition"),
    sqlite_with_rowid=False,
)

# Subscriptions that are alike for one issue: same topics, coverage point, owed and had articles, language.
audience_group = Table(
    "audience_group",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("topics", Text, nullable=False),
    Column("coverage", Integer, nullable=False),
    Column("owed", Text, nullable=False),
    Column("had", Text, nullable=False),
    Column("language", String(35), nullable=False),
    # NULL: nothing for them in this issue.
    Column("rendition", Integer),
    # What they are owed afterwards when they get it, and when they do not.
    Column("owed_after", Text, nullable=False),
    Column("owed_if_unsent", Text, nullable=False),
    PrimaryKeyConstraint("issue_id", "number"),
    Index("group_alike", "issue_id", "topics", "coverage", "owed", "had"),
)

DELIVERY_STATES = (
    "planned",
    "claimed",
    "sending",
    "accepted",
    "rejected",
    "deferred",
    "unknown",
    "suppressed",
    "cancelled",
    "expired",
    "skipped",
)
# Spelled as alternatives: SQLite then uses a partial index for a query that names one of them as a literal.
_IS_OPEN = " OR ".join(f"state = '{state}'" for state in ("planned", "claimed", "sending", "deferred", "unknown"))

delivery = Table(
    "delivery",
    metadata,
    Column("issue_id", Integer, nullable=False),
    Column("subscriber_id", Integer, nullable=False),
    Column("group_number", Integer, nullable=False),
    Column("rendition", Integer),
    Column("state", String(16), nullable=False),
    # The batch that holds it now or held it last.
    Column("batch_id", Integer),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Real time: a deferred delivery is not tried before this.
    Column("not_before", Instant),
    Column("answer", Text),
    # The furthest that the provider's events told of it: delivered, bounced or complained.
    Column("reported", String(16)),
    # Whether its articles were given back to the subscription, as owed.
    Column("returned", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("issue_id", "subscriber_id"),
    CheckConstraint(f"state IN {DELIVERY_STATES}", name="delivery_state"),
    Index(
        "delivery_open",
        "issue_id",
        "state",
        "rendition",
        "subscriber_id",
        sqlite_where=text(_IS_OPEN),
        postgresql_where=text(_IS_OPEN),
    ),
)

# One claim of a set of deliveries of one rendition by one process.
batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("rendition", Integer, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    # Real time: a claim that was not renewed until then has ended.
    Column("lease_until", Instant, nullable=False),
    # Real time: by then every request of it has an answer or has timed out.
    Column("deadline_at", Instant, nullable=False),
    Column("size", Integer, nullable=False),
    Column("finished_at", Instant),
    Index("batch_by_issue", "issue_id"),
    Index("batch_unfinished", "issue_id", sqlite_where=text("finished_at IS NULL"), postgresql_where=text("finished_at IS NULL")),
)

# The append-only history: a row per batch step, and per delivery where it departs from its batch.
history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", Integer, nullable=False),
    Column("batch_id", Integer),
    # NULL: the step is of `count` deliveries of the batch.
    Column("subscriber_id", Integer),
    Column("count", Integer, nullable=False),
    Column("from_state", String(16)),
    Column("to_state", String(16), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("reason", Text),
    Column("at", Instant, nullable=False),
    Index("history_by_issue", "issue_id"),
)

# What happened to an issue: drafted, approved, paused, ...; append-only.
issue_history = Table(
    "issue_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("from_state", String(16)),
    Column("to_state", String(16), nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("at", Instant, nullable=False),
)

# What providers reported of deliveries, each told apart from its repetitions by its unique key; append-only.
event = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", Integer, nullable=False),
    Column("subscriber_id", Integer, nullable=False),
    # Which attempt it is about; 0 when the provider does not say.
    Column("attempt", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("provider_message_id", Text, nullable=False),
    Column("reason", Text),
    # Of a click: the article that its link leads to.
    Column("article_id", Integer),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("issue_id", "subscriber_id", "kind", "occurred_at", "provider_message_id", name="event_once"),
    Index(
        "event_of_article",
        "article_id",
        sqlite_where=text("article_id IS NOT NULL"),
        postgresql_where=text("article_id IS NOT NULL"),
    ),
)

# How many attempts each provider was given on each day (UTC): what daily quotas and warm-up plans are kept by.
provider_day = Table(
    "provider_day",
    metadata,
    Column("provider", String(64), nullable=False),
    Column("day", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    PrimaryKeyConstraint("provider", "day"),
)

# The kill switch: while one of these is not lifted, no delivery of any issue is marked.
halt = Table(
    "halt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
    Index("halt_in_force", "lifted_at"),
)

# The send epoch: one row, absent until something was sent for the first time.
send_epoch = Table(
    "send_epoch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("id = 1", name="send_epoch_one"),
)
