"""Standing: how somebody stands with the tool that exported them, and what that means here."""

from __future__ import annotations

from enum import StrEnum


class Standing(StrEnum):
    """What another tool says of somebody, in our words."""

    CONFIRMED = "confirmed"
    """They get mail there, and the tool knows who has not agreed."""
    UNSAID = "unsaid"
    """They get mail there; whether they agreed, the tool does not say: unconfirmed, until a person vouches for them."""
    UNCONFIRMED = "unconfirmed"
    """They asked, and have not confirmed."""
    UNSUBSCRIBED = "unsubscribed"
    """They left: they have left here, too, and may come back by themselves."""
    BOUNCED = "bounced"
    """Their address does not take mail."""
    COMPLAINED = "complained"
    """They reported a mail as spam."""
    BLOCKLISTED = "blocklisted"
    """The tool was told never to mail them."""
    LEFT_OUT = "left out"
    """They never agreed to anything, or were taken out there: they are not taken in."""


SHUT = frozenset({Standing.BOUNCED, Standing.COMPLAINED, Standing.BLOCKLISTED})
"""Whose address must not be mailed by anybody: it is suppressed for every newsletter, and the standing is the reason."""
