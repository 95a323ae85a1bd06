"""Changing: one thing that an editor does to an issue, as data; what it makes of the edits there are, and how the history says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from digest.issues.editing import Edits
from digest.rendering.cleaning import one_line
from digest.rendering.content import NoteContent, SponsorContent

ALTERNATIVES = ("second", "third")
"""Under what names the alternatives of the subject are written."""


class What(StrEnum):
    """What is changed."""

    PIN = "pin"  # an article comes first
    EXCLUDE = "exclude"  # an article is left out
    PUT_BACK = "put_back"  # an article is left to the rules again
    PLACE = "place"  # an article is moved among those of its topic
    TAKE_IN = "take_in"  # an article that the rules have no place for is in, under a topic
    REWRITE = "rewrite"  # an article is said in other words
    PICTURE = "picture"  # an article is shown with another picture
    NOTE = "note"  # what stands above the articles
    SPONSOR = "sponsor"  # who pays
    SUBJECT = "subject"  # the subject, its alternatives and the preheader
    RESTORE = "restore"  # everything is as it was by a former revision


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `article` and `place` are of one article; `texts` what was written, by name; `edits` those that are restored."""

    what: What
    article: int = 0
    place: int = 0
    texts: Mapping[str, str] | None = None
    edits: Edits | None = None
    revision: int = 0

    def text(self, name: str) -> str:
        """What was written under a name."""
        return (self.texts or {}).get(name, "")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the articles of an issue stand: the one that leads, and for each the chosen ones of its topic, in their order."""

    lead: int | None
    sections: Mapping[int, Sequence[int]]


def changed(edits: Edits, change: Change, standing: Standing) -> Edits:
    """The edits with a change."""
    match change.what:
        case What.PIN:
            return edits.pin([change.article])
        case What.EXCLUDE:
            return edits.exclude([change.article])
        case What.PUT_BACK:
            return edits.put_back([change.article])
        case What.PLACE:
            return edits.place(standing.sections[change.article], standing.lead, change.article, change.place)
        case What.REWRITE:
            return edits.say(change.article, change.text("title"), change.text("summary"))
        case What.PICTURE:
            return edits.picture(change.article, change.text("image"), change.text("image_alt"))
        case What.TAKE_IN:
            return edits.take_in(change.article, change.text("topic"))
        case What.RESTORE:
            return change.edits or Edits()
        case _:
            return _around(edits, change)


def _around(edits: Edits, change: Change) -> Edits:
    """What stands around the articles."""
    if change.what is What.NOTE:
        return replace(edits, note=NoteContent(change.text("note")) if change.text("note") else None)
    if change.what is What.SUBJECT:
        others = dict.fromkeys(one_line(change.text(name)) for name in ALTERNATIVES)
        kept = tuple(one for one in others if one and one != one_line(change.text("subject")))
        return replace(edits, subject=change.text("subject"), preheader=change.text("preheader"), alternatives=kept)
    names = ("title", "url", "text", "image", "image_alt")
    title, url, text, image, image_alt = (change.text(name) for name in names)
    return replace(edits, sponsor=SponsorContent(title, url, text, image or None, image_alt or None) if title else None)


def said(change: Change, title: str) -> str:
    """How the history says it; `title` is the article's."""
    taken = not any((change.texts or {}).values())
    match change.what:
        case What.NOTE:
            return "took the note out" if taken else "wrote a note above the articles"
        case What.SPONSOR:
            return "took the sponsor out" if not change.text("title") else f"named the sponsor “{change.text('title')}”"
        case What.SUBJECT:
            return "left the subject and the preheader to the settings" if taken else "wrote the subject or the preheader"
        case What.RESTORE:
            return f"went back to revision {change.revision}"
        case What.REWRITE:
            return f"gave “{title}” its own words again" if taken else f"rewrote “{title}”"
        case What.PICTURE:
            return f"gave “{title}” its own picture again" if taken else f"gave “{title}” another picture"
        case What.TAKE_IN:
            return f"took “{title}” in by hand, under {change.text('topic')}"
        case _:
            done = {What.PIN: "pinned", What.EXCLUDE: "left out", What.PUT_BACK: "put back", What.PLACE: "moved"}
            return f"{done[change.what]} “{title}”"
