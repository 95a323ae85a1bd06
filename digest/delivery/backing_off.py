"""Backing off: when what a provider surely did not take is tried again. Pure."""

from __future__ import annotations

from datetime import timedelta

from digest.delivery.providers.answer import Answer, Trouble

_DAY = timedelta(days=1)
_OURS = frozenset({Trouble.CONNECTION, Trouble.ACCOUNT, Trouble.CONTENT})  # troubles of nobody's mailbox


def back_off(attempt: int, answer: Answer, first: timedelta) -> timedelta:
    """The provider's word, or `first` and thrice as long with each attempt, at most a day; none for what was not their fault."""
    if answer.trouble in _OURS:
        return timedelta(0)
    if answer.retry_after is not None:
        return timedelta(seconds=min(answer.retry_after, _DAY.total_seconds()))
    factor: int = 3 ** min(attempt - 1, 20)
    return min(first * factor, _DAY)
