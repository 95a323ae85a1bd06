"""Readership: which subscriptions an issue's frequency means. A word that is no frequency means all of them: issues outside the slots
have such a word."""

from __future__ import annotations

from sqlalchemy import ColumnElement, true

from digest.settings import Frequency
from digest.store import tables

_FREQUENCIES = frozenset(frequency.value for frequency in Frequency)


def is_frequency(word: str) -> bool:
    """Whether subscribers may have it."""
    return word in _FREQUENCIES


def of_frequency(frequency: str) -> ColumnElement[bool]:
    """The subscriptions that have it; for a word that is none, every one."""
    return tables.subscription.c.frequency == frequency if is_frequency(frequency) else true()
