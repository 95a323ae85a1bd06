"""The plan of an issue: distinct lists of articles, and the groups of subscriptions that get them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from digest.store.tables.columns import Instant, Json, metadata

# One distinct list of articles of one issue in one language, for one wave; `lead` and `sections` arrange it.
rendition = Table(
    "rendition",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("language", String(35), nullable=False),
    Column("arrangement", Json, nullable=False),
    # On the clock of decisions: nothing of it is claimed before. NULL: there are no waves.
    Column("opens_at", Instant),
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

# Subscriptions that are alike for one issue: same wave, topics, coverage point, owed and had articles, language.
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
    # In which wave they are; 0 where there are none.
    Column("wave", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("issue_id", "number"),
    Index("group_alike", "issue_id", "topics", "coverage", "owed", "had"),
)
