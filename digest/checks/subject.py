"""Checks of what an inbox shows before the mail is opened: subject and preheader."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail

LONG = 78  # characters; inboxes show fewer
SHORT = 20  # characters; with a preheader of fewer, inboxes show the mail's first words behind it


def subject_missing(mail: Mail) -> Iterator[Fault]:
    """It has a subject."""
    if not mail.rendition.subject.strip():
        yield Fault("subject", "it is empty", "set `subject` of the newsletter")


def subject_long(mail: Mail) -> Iterator[Fault]:
    """Its subject is as short as inboxes show it."""
    if len(mail.rendition.subject) > LONG:
        what = f"it has {len(mail.rendition.subject)} characters, and inboxes show fewer than {LONG}"
        yield Fault("subject", what, "shorten it")


def preheader_missing(mail: Mail) -> Iterator[Fault]:
    """The first words of the mail, which inboxes show beside the subject, are hidden ones for that purpose, and enough."""
    first = next(((element, text) for element, text in mail.page.texts if not element.machinery), None)
    if first is None or not first[0].hidden:
        mend = "put {{ preheader }} into a hidden element at the beginning of the template's body"
        yield Fault("preheader", "there is none, so inboxes show the first words of the mail", mend)
    elif len(_words(first[1])) < SHORT:
        what = f"it has {len(_words(first[1]))} characters, so inboxes go on with what follows"
        yield Fault("preheader", what, "give the first article a longer title, or add words of your own to the template")


def _words(text: str) -> str:
    """The text without the invisible characters that keep inboxes from showing what follows it."""
    return " ".join("".join(" " if c in "\u034f\u2007\u00a0\u200b\u200c\u200d\ufeff" else c for c in text).split())
