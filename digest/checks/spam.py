"""Checks of what spam filters think."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail

SUSPICIOUS = 1.0  # points; 5 are spam, and a sound mail of ours has none


def spam(mail: Mail) -> Iterator[Fault]:
    """SpamAssassin, where it is installed, gives it next to no points."""
    if mail.spam is not None and mail.spam.score >= SUSPICIOUS:
        rules = ", ".join(f"{name} {points:g}" for name, points in mail.spam.rules) or "none named"
        what = f"SpamAssassin gives it {mail.spam.score:g} points of {mail.spam.required:g}: {rules}"
        yield Fault("message", what, "look the rules up, and mend what they name")
