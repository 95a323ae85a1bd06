"""The headers that mark a mail as a list's (RFC 2369, 2919, 3834, 8058; Gmail's Feedback-ID)."""

from __future__ import annotations

import re

from digest.errors import Refused
from digest.rendering.content import Envelope
from digest.rendering.header_text import phrase
from digest.rendering.rendition import Rendition

_WEB_ADDRESS = re.compile(r"https?://[!-;=?-~]{1,900}")
_MAIL_ADDRESS = re.compile(r"mailto:[!-;=?-~]{1,900}")
_NOT_IN_FEEDBACK_ID = re.compile(r"[^A-Za-z0-9.-]+")


def list_headers(rendition: Rendition, envelope: Envelope) -> dict[str, str]:
    """The headers of one delivery for providers that make the message themselves; values on one line."""
    shared = shared_list_headers(rendition)
    unfolded = {name: value.replace("\r\n", "") for name, value in shared.items()}
    return {"List-Unsubscribe": f"<{unsubscribe_address(envelope)}>", **unfolded}


def shared_list_headers(rendition: Rendition) -> dict[str, str]:
    """Those that all deliveries of a rendition share, folded."""
    title = phrase(rendition.newsletter_title, after=9)
    separator = "\r\n " if "\r\n" in title or len(title) + len(rendition.list_id) > 60 else " "
    return {
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"{title}{separator}<{rendition.list_id}>" if title else f"<{rendition.list_id}>",
        "Auto-Submitted": "auto-generated",
        "Feedback-ID": feedback_id(rendition),
    }


def unsubscribe_address(envelope: Envelope) -> str:
    """The one URI of List-Unsubscribe, short enough for a line of its own and never encoded."""
    address = envelope.personal.unsubscribe_url
    if not _WEB_ADDRESS.fullmatch(address):
        raise Refused("an unsubscribe link must be an http(s) address of plain ASCII without spaces")
    return address


def unsubscribe_ways(envelope: Envelope) -> str:
    """What stands between the angle brackets of List-Unsubscribe: the page first, and behind it a mail where one is read; folded."""
    page, mail = unsubscribe_address(envelope), envelope.unsubscribe_mailto
    if not mail:
        return page
    if not _MAIL_ADDRESS.fullmatch(mail):
        raise Refused("an unsubscribe mail must be a mailto: address of plain ASCII without spaces")
    return f"{page}>,\r\n <{mail}"


def feedback_id(rendition: Rendition) -> str:
    """Issue, newsletter, kind and sender, as Gmail's reports group complaints; nothing of the subscriber."""
    newsletter = rendition.issue.partition("/")[0]
    sender = rendition.sender.address.rpartition("@")[2]
    return ":".join(_NOT_IN_FEEDBACK_ID.sub("-", part) for part in (rendition.issue, newsletter, "digest", sender))
