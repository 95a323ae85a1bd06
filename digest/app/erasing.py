"""Erasing a person everywhere, in one transaction."""

from __future__ import annotations

from digest.app.wiring import App
from digest.audience import erasing
from digest.audience.finding import find_subscriber
from digest.audience.suppression import is_suppressed_anywhere
from digest.delivery.forgetting import forget
from digest.errors import UsageError


def erase(app: App, email: str) -> bool:
    """Take a person out for good. True when their address stays on the list of those that must not be mailed."""
    with app.store.writing() as connection:
        person = find_subscriber(connection, email)
        if person is None:
            raise UsageError(f"nobody is known by {email}; `digest subscribers list` shows who is")
        forget(connection, person.id)
        erasing.erase(connection, person.id)
        return is_suppressed_anywhere(connection, email)
