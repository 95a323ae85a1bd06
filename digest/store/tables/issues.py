"""Issues: what was frozen and approved, what was decided of each article, and what happened to them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from digest.store.tables.columns import Instant, Json, metadata

ISSUE_STATES = ("draft", "approved", "sending", "paused", "sent", "skipped", "cancelled", "held")

issue = Table(
    "issue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    # Or `special` or `correction`, for issues outside the slots.
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
    # When it goes out, where a person has said another time than its slot.
    Column("send_at", Instant),
    # The issue whose readers a correction goes to.
    Column("corrects", Integer),
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
