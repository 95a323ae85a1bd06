"""Figures: counts that are kept, because counting a million rows takes longer than a page may."""

from __future__ import annotations

from sqlalchemy import Column, Double, PrimaryKeyConstraint, String, Table

from digest.store.tables.columns import Instant, Json, metadata

# What was counted last, of what. Nothing is decided by it, and it may be thrown away: it is counted again.
figure = Table(
    "figure",
    metadata,
    Column("name", String(32), nullable=False),
    # Of which issue, by its id; empty: of the whole audience.
    Column("about", String(32), nullable=False),
    Column("value", Json, nullable=False),
    # What it was counted from, in few words: where they are the same now, nothing has changed since.
    Column("mark", String(128), nullable=False),
    Column("taken_at", Instant, nullable=False),
    # Seconds that the counting took: what takes long is counted less often.
    Column("took", Double, nullable=False),
    PrimaryKeyConstraint("name", "about"),
)
