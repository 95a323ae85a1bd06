"""Outside the slots: a special issue, and a correction to those who were sent an issue. Drafts, to be approved and sent as others are.

Each is named by the minute that it was made in, with a word in place of a frequency: no slot of a schedule is ever called so, and
two of a kind never share one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.app.adding import LONGEST_NOTE
from digest.app.editing import Wish, understand, write_down
from digest.app.succeeding import succeed
from digest.app.wiring import App
from digest.audience.pausing import resume_due
from digest.catalogue.storing import highest_arrival
from digest.delivery import correcting
from digest.errors import Refused, UsageError
from digest.issues.calendar import Slot
from digest.issues.editing import Edits
from digest.issues.freezing import freeze
from digest.issues.issue import Issue, find_issue, issue_of_slot, list_issues
from digest.issues.lifecycle import IssueState, record
from digest.issues.outside import CORRECTION, SPECIAL
from digest.rendering.cleaning import one_line
from digest.rendering.content import NoteContent
from digest.rendering.note import read_note
from digest.settings import NewsletterSettings

LONGEST = {"subject": 300, "text": LONGEST_NOTE}
"""The most characters of what a correction says."""

_PREHEADER = 140
_OPEN = (IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED)


def special(app: App, newsletter: NewsletterSettings, actor: str, wish: Wish | None = None, *, by_hand: bool = False) -> Issue:
    """Draft an issue for everybody of a newsletter, whatever their frequency: what qualifies now, or, `by_hand`, what is pinned alone.

    What somebody gets by it counts as had, and no slot brings it again; what they do not get stays as it was. Refused without articles.
    """
    succeed(app)
    with app.store.writing() as connection:
        resume_due(connection, now=app.now)
        wished = understand(connection, wish or Wish(), highest_arrival(connection))
        if by_hand and not wished.pin:
            raise UsageError("which articles? A special issue made by hand holds those that are pinned, and no other")
        slot = _free_minute(connection, newsletter, SPECIAL, app.now)
        edits = wished.edits(Edits())
        issue = freeze(
            connection,
            app.settings,
            newsletter,
            SPECIAL,
            slot,
            folders=app.template_folders,
            now=app.now,
            actor=actor,
            edits=edits,
            by_hand=by_hand,
        )
        if issue.state is IssueState.SKIPPED:
            raise Refused(f"no special issue of {newsletter.slug} was drafted: {issue.reason}")
        write_down(app, connection, issue, wished, actor)
        return issue


def correct(app: App, name: str, *, subject: str, text: str, actor: str) -> Issue:
    """Draft a correction of an issue: a text (Markdown) and a subject, for exactly those who were sent it. Refused before it was sent to
    anybody, and where nobody of those is left."""
    for what, said in (("subject", subject), ("text", text)):
        if not said.strip():
            raise UsageError(f"{what}: say what was wrong, and what is right")
        if len(said) > LONGEST[what]:
            raise UsageError(f"{what}: at most {LONGEST[what]:,} characters, and this has {len(said):,}")
    with app.store.writing() as connection:
        resume_due(connection, now=app.now)
        corrected = find_issue(connection, name)
        newsletter = app.the_newsletter(corrected.newsletter)
        if corrected.audience is None:
            raise Refused(f"issue {corrected.name} was sent to nobody, so nobody needs a correction; it is {corrected.state}")
        for other in list_issues(connection, newsletter.slug):
            if other.corrects == corrected.id and other.state in _OPEN:
                raise Refused(
                    f"{other.name} corrects {corrected.name} already and is {other.state}; change that one, or skip it first"
                )
        issue = freeze(
            connection,
            app.settings,
            newsletter,
            CORRECTION,
            _free_minute(connection, newsletter, CORRECTION, app.now),
            folders=app.template_folders,
            now=app.now,
            actor=actor,
            edits=Edits(note=NoteContent(text), subject=subject, preheader=_begins(text)),
            corrects=corrected.id,
        )
        many = correcting.count_audience(connection, issue)
        if corrected.settled_at is not None and not many:
            raise Refused(f"nobody who was sent {corrected.name} is still subscribed to {newsletter.slug}")
        said = f"corrects {corrected.name}"
        record(connection, issue.id, issue.state, issue.state, actor=actor, now=app.now, reason=said)
        return issue


def _begins(text: str) -> str:
    """How a text begins, without its Markdown: what an inbox shows of it."""
    return one_line(read_note(NoteContent(text)).text)[:_PREHEADER]


def _free_minute(connection: Connection, newsletter: NewsletterSettings, word: str, now: datetime) -> Slot:
    """The minute it is, or the next that has no such issue yet."""
    zone, at = ZoneInfo(newsletter.timezone), now.replace(second=0, microsecond=0)
    while True:
        slot = Slot(at=at, local=at.astimezone(zone).replace(tzinfo=None))
        if issue_of_slot(connection, newsletter.slug, word, slot.name) is None:
            return slot
        at += timedelta(minutes=1)
