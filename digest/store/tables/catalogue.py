"""The catalogue: sources, articles, and every name that an article has had."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text, text

from digest.store.tables.columns import Instant, Json, metadata

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
    # When it last showed only entries that nobody knew: articles may have come and gone between two fetches.
    Column("gap_at", Instant),
)

# What links in mails answered when a check asked for them.
link_answer = Table(
    "link_answer",
    metadata,
    Column("url", Text, primary_key=True),
    Column("asked_at", Instant, nullable=False),
    Column("reached", Boolean, nullable=False),
    Column("size", Integer),
    Column("said", Text, nullable=False),
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
