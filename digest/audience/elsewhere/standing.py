"""Standing: how somebody stands with the tool that exported them, and what that means here."""

from __future__ import annotations

from enum import StrEnum

from digest.audience.suppression import EVERYTHING


class Standing(StrEnum):
    """What another tool says of somebody, in our words."""

    CONFIRMED = "confirmed"
    """They get mail there, and the tool knows who has not agreed."""
    UNSAID = "unsaid"
    """They get mail there; whether they agreed, the tool does not say: unconfirmed, until a person vouches for them."""
    UNCONFIRMED = "unconfirmed"
    """They asked, and have not confirmed."""
    UNSUBSCRIBED = "unsubscribed"
    """They left."""
    BOUNCED = "bounced"
    """Their address does not take mail."""
    COMPLAINED = "complained"
    """They reported a mail as spam."""
    BLOCKLISTED = "blocklisted"
    """The tool was told never to mail them."""
    LEFT_OUT = "left out"
    """They never agreed to anything, or were taken out there: they are not taken in."""


SHUT = frozenset({Standing.UNSUBSCRIBED, Standing.BOUNCED, Standing.COMPLAINED, Standing.BLOCKLISTED})
"""Who must not be mailed: their address is suppressed, and the standing is the reason."""


def scope_of(standing: Standing, newsletter: str) -> str:
    """What such a suppression holds for: who unsubscribed left one newsletter, anything else is about the address."""
    return newsletter if standing is Standing.UNSUBSCRIBED else EVERYTHING
