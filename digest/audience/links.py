"""Links of a subscriber's own in a mail: where the public pages answer."""

from __future__ import annotations


def unsubscribe_url(public_url: str, token: str) -> str:
    """Where one click unsubscribes: a POST ends the subscription, a GET shows a button (RFC 8058)."""
    return f"{public_url.rstrip('/')}/unsubscribe/{token}"


def preferences_url(public_url: str, token: str) -> str:
    """Where a subscriber changes topics and frequency."""
    return f"{public_url.rstrip('/')}/preferences/{token}"
