"""The row in an inbox: what stands there of a mail before it is opened, for its subject and for each alternative of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digest.app.previewing import Seen
from digest.checks.page import read_page
from digest.rendering.cleaning import one_line

_FILLING = re.compile("[\u034f\u2007\u00ad\u200b-\u200d\ufeff]")
_LONGEST = 250


@dataclass(frozen=True, slots=True)
class InboxRow:
    """Sender, subject and what follows it, whole: how much of them is shown is the width's doing. `alternative` 0: the subject itself."""

    sender: str
    subject: str
    snippet: str
    alternative: int = 0


def inbox_rows(seen: Seen, alternatives: Sequence[str]) -> tuple[InboxRow, ...]:
    """The mail's own row first. Alternatives are in the newsletter's own language; give none for a mail in another."""
    sender, snippet = seen.rendition.sender, _snippet(seen.preview.html)
    subjects = (seen.rendition.subject, *map(one_line, alternatives))
    return tuple(InboxRow(sender.name or sender.address, subject, snippet, place) for place, subject in enumerate(subjects))


def _snippet(html: str) -> str:
    """How the mail begins, hidden words too: that is what programs show, up to what templates put there to end it."""
    said = one_line(" ".join(_texts(html)))
    return _FILLING.split(said, maxsplit=1)[0].strip()[:_LONGEST]


def _texts(html: str) -> Iterator[str]:
    return (text for element, text in read_page(html).texts if not element.machinery)
