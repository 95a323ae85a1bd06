"""Checks of the HTML's form."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail


def html_malformed(mail: Mail) -> Iterator[Fault]:
    """Elements are closed where they were opened, ids and attributes given once, Outlook's conditional comments ended."""
    for fault in mail.page.faults:
        yield Fault("html part", fault, "mend the template")
