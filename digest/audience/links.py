"""Links of a subscriber's own in a mail: where the public pages answer."""

from __future__ import annotations


def unsubscribe_url(public_url: str, token: str) -> str:
    """Where one click unsubscribes: a POST ends the subscription, a GET shows a button (RFC 8058)."""
    return f"{public_url.rstrip('/')}/unsubscribe/{token}"


def unsubscribe_mailto(address: str, token: str) -> str:
    """The mail that unsubscribes as well (RFC 6068): its token stands in the subject, where case is kept."""
    return f"mailto:{address}?subject=unsubscribe%20{token}"


def leave_topic_url(unsubscribe_url: str, topic: str) -> str:
    """Where one topic alone is left. Templates write it as `{{ unsubscribe_url }}/{{ section.slug }}`: made of the link that the
    mail carries anyway, it costs no message a token of its own. What ends the whole may end a part."""
    return f"{unsubscribe_url}/{topic}"


def preferences_url(public_url: str, token: str) -> str:
    """Where a subscriber changes topics and frequency."""
    return f"{public_url.rstrip('/')}/preferences/{token}"


def page_url(public_url: str, page: str, token: str) -> str:
    """Where what a letter asks for is agreed to: `page` is `confirm`, `move` or `erase`."""
    return f"{public_url.rstrip('/')}/{page}/{token}"
