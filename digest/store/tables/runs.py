"""Runs: when one last ended, for whoever watches over them."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Table

from digest.store.tables.columns import Instant, metadata

# One row, absent before the first run. Real times.
last_run = Table(
    "last_run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    # Whether it needs no person.
    Column("well", Boolean, nullable=False),
    # When one last ended well.
    Column("well_at", Instant),
    CheckConstraint("id = 1", name="last_run_one"),
)
