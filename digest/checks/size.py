"""Checks of size: what mail programs clip, and what became of a rendition that they would have clipped."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.rendering.degrading import CLIPPED_AT, weigh

NEARLY_CLIPPED_AT = 90_000


def clipped(mail: Mail) -> Iterator[Fault]:
    """It is not clipped: as small as it can be made, it has less than 100,000 bytes of HTML."""
    size = weigh([mail.rendition.html])
    if size >= CLIPPED_AT:
        yield Fault("html part", f"it has {size:,} bytes, and Gmail clips it", "make the template smaller, or lower max_articles")


def nearly_clipped(mail: Mail) -> Iterator[Fault]:
    """There is room left before it is clipped."""
    size = weigh([mail.rendition.html])
    if NEARLY_CLIPPED_AT <= size < CLIPPED_AT:
        what = f"it has {size:,} bytes, and Gmail clips at about 102,000"
        yield Fault("html part", what, "lower max_articles, or shorten summaries")


def degraded(mail: Mail) -> Iterator[Fault]:
    """Nothing had to be cut for it to fit."""
    if mail.rendition.degraded is not None:
        yield Fault("html part", f"it was too large: {mail.rendition.degraded}", "lower max_articles, or shorten summaries")
