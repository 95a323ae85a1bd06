"""Every format that is known, and which one a file is."""

from __future__ import annotations

from digest.audience.elsewhere import buttondown, ghost, listmonk, mailchimp, sendgrid, substack
from digest.audience.elsewhere.format import Format
from digest.errors import UsageError

FORMATS = (
    mailchimp.FORMAT,
    sendgrid.FORMAT,
    listmonk.FORMAT,
    ghost.FORMAT,
    buttondown.FORMAT,
    substack.FORMAT,
    sendgrid.SUPPRESSIONS,
)
"""In the order in which they are tried."""

OWN = "digest"
"""What our own format is called."""


def recognise(columns: frozenset[str]) -> Format | None:
    """The format with these columns."""
    return next((one for one in FORMATS if one.recognises(columns)), None)


def named(name: str) -> Format:
    """The format that a person names."""
    for one in FORMATS:
        if one.name == name.lower():
            return one
    raise UsageError(f"--format: there is no {name!r}; the formats are {', '.join((OWN, *(one.name for one in FORMATS)))}")
