"""The sunset rule: who never opens or clicks is asked whether they want to go on, and what is not answered ends.

A pure decision, and generous: whoever gives any sign of life is left alone, and so is whoever may not have been heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FEWEST = 6
"""Who was sent fewer issues in the span has had too little to open."""


class Verdict(StrEnum):
    """What becomes of a reader."""

    LEAVE = "leave"
    ASK = "ask"
    END = "end"


@dataclass(frozen=True, slots=True)
class Rule:
    """How long somebody is silent before they are asked, and how long the question waits for an answer."""

    span: timedelta
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Reader:
    """What is known of one subscription.

    `alive_at` is the last sign of life: an open, a click, a change, a yes. `received` are the issues of the span that reached them
    and of which the provider would have told an open or a click, and `first_at` is the slot of the first of these. `asked_at` is when
    the question was put into the queue, `sent_at` when the provider took it. `heard_at` is when anybody was last heard.
    """

    joined_at: datetime
    alive_at: datetime | None = None
    received: int = 0
    first_at: datetime | None = None
    asked_at: datetime | None = None
    sent_at: datetime | None = None
    heard_at: datetime | None = None


def judge(reader: Reader, rule: Rule, *, now: datetime) -> Verdict:
    """Whether a reader is left alone, is asked, or was asked and has let the grace pass."""
    since = now - rule.span
    if reader.joined_at > since or (reader.alive_at is not None and reader.alive_at >= since):
        return Verdict.LEAVE
    if reader.asked_at is not None and reader.asked_at >= since:
        return Verdict.END if _unanswered(reader, rule, now) else Verdict.LEAVE
    # Six issues of the last days say nothing of the span: some have to be from its first half.
    enough = reader.received >= FEWEST and reader.first_at is not None and reader.first_at <= since + rule.span / 2
    return Verdict.ASK if enough else Verdict.LEAVE


def _unanswered(reader: Reader, rule: Rule, now: datetime) -> bool:
    """It was sent so long ago; and others were heard since, or their answers may have been lost on the way, too."""
    if reader.sent_at is None or reader.sent_at + rule.grace > now:
        return False
    return reader.heard_at is not None and reader.heard_at > reader.sent_at
