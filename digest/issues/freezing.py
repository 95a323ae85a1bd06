"""The freeze: from the catalogue as it stands to an issue that never changes by itself again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from digest.catalogue.storing import highest_arrival
from digest.issues.calendar import Slot
from digest.issues.drawing import Place, draw
from digest.issues.editing import Edits, edits_of
from digest.issues.frozen import Frozen
from digest.issues.gathering import remember_tags
from digest.issues.issue import Issue, frozen_of, issue_by_id
from digest.issues.lifecycle import IssueState, record, step, time_after_void
from digest.issues.outside import CORRECTION, SPECIAL
from digest.issues.rendered import Rendered, render
from digest.issues.selection import Selection
from digest.issues.withdrawn import begin_anew
from digest.settings import NewsletterSettings, Settings
from digest.store import tables


def freeze(
    connection: Connection,
    settings: Settings,
    newsletter: NewsletterSettings,
    frequency: str,
    slot: Slot,
    *,
    folders: tuple[Path, ...],
    now: datetime,
    actor: str,
    edits: Edits | None = None,
    by_hand: bool = False,
    corrects: int | None = None,
) -> Issue:
    """Make the issue of a slot, inside the caller's transaction: a draft; skipped below the minimum; held by a broken template.

    Outside the slots `frequency` is a word of its own. Of one made `by_hand` an editor says all that is in; `corrects` is the row of
    the issue whose readers a correction goes to.
    """
    remember_tags(connection, newsletter)
    number = _next_number(connection, newsletter.slug)
    cutoff = highest_arrival(connection)
    place = Place(frequency, slot, number, cutoff, edits or Edits(), by_hand)
    frozen, selection = draw(connection, settings, newsletter, place, now)
    rendered = render(connection, frozen, newsletter, str(frequency), folders)
    state, reason = _opening_state(selection, _least(newsletter, frequency), rendered)
    issue_id = connection.execute(select(func.coalesce(func.max(tables.issue.c.id), 0) + 1)).scalar_one()
    connection.execute(
        insert(tables.issue).values(
            id=issue_id,
            newsletter=newsletter.slug,
            number=number,
            frequency=str(frequency),
            slot=slot.name,
            slot_at=slot.at,
            state=state.value,
            reason=reason,
            revision=1,
            finished_at=now if state is IssueState.SKIPPED else None,
            corrects=corrects,
            **_frozen_values(rendered, cutoff, now),
        )
    )
    _keep_content(connection, issue_id, frozen, rendered, selection)
    record(connection, issue_id, None, state, actor=actor, now=now, reason=reason)
    return issue_by_id(connection, issue_id)


def refreeze(
    connection: Connection,
    settings: Settings,
    newsletter: NewsletterSettings,
    issue: Issue,
    *,
    folders: tuple[Path, ...],
    now: datetime,
    actor: str,
    edits: Edits | None = None,
    cutoff: int | None = None,
) -> Issue:
    """Freeze an unsent issue anew, as its next revision: after an edit, or when a template was mended. Voids an approval.

    Without other `edits` those there are stay; with a `cutoff` what arrived after it stays out, and readers are taken as they were
    when it was frozen: it is an edit, and changes nothing but what somebody edited.
    """
    remember_tags(connection, newsletter)
    slot = Slot(at=issue.slot_at, local=datetime.fromisoformat(issue.slot))
    before = frozen_of(connection, issue)
    edits = edits_of(before.rules, before.content) if edits is None else edits
    kept = None if cutoff is None else before
    cutoff = highest_arrival(connection) if cutoff is None else cutoff
    place = Place(issue.frequency, slot, issue.number, cutoff, edits, before.rules.by_hand, kept)
    frozen, selection = draw(connection, settings, newsletter, place, now)
    # Where it was broken nothing tells in which languages it would have been rendered.
    tongues = kept.languages if kept is not None and issue.rendered else None
    rendered = render(connection, frozen, newsletter, issue.frequency, folders, tongues)
    state, reason = _opening_state(selection, _least(newsletter, issue.frequency), rendered)
    values = _frozen_values(rendered, place.cutoff, now) | {
        "revision": issue.revision + 1,
        "approved_hash": None,
        "approved_by": None,
        "approved_at": None,
        "send_at": time_after_void(issue.send_at, now),
        "finished_at": now if state is IssueState.SKIPPED else None,
    }
    step(connection, issue.id, issue.name, issue.state, state, actor=actor, now=now, reason=reason, **values)
    for table in (tables.issue_content, tables.issue_blocks, tables.decision):
        connection.execute(table.delete().where(table.c.issue_id == issue.id))
    begin_anew(connection, issue.id)
    _keep_content(connection, issue.id, frozen, rendered, selection)
    return issue_by_id(connection, issue.id)


def _least(newsletter: NewsletterSettings, frequency: str) -> int:
    """With fewer articles an issue is skipped. What somebody makes by hand may be as short as they like."""
    return {SPECIAL: 1, CORRECTION: 0}.get(frequency, newsletter.min_articles)


def _opening_state(selection: Selection, least: int, rendered: Rendered) -> tuple[IssueState, str | None]:
    found = len(selection.chosen)
    if found < least:
        what = "no article" if found == 0 else f"only {found} article{'s' if found > 1 else ''}"
        return IssueState.SKIPPED, f"{what} qualified and min_articles is {least}; what there is rolls over"
    if rendered.broken is not None:
        return IssueState.HELD, rendered.broken
    return IssueState.DRAFT, None


def _frozen_values(rendered: Rendered, cutoff: int, now: datetime) -> dict[str, Any]:
    return {
        "cutoff": cutoff,
        "frozen_at": now,
        "subject": rendered.subject,
        "content_hash": rendered.content_hash,
    }


def _keep_content(connection: Connection, issue_id: int, frozen: Frozen, rendered: Rendered, selection: Selection) -> None:
    content = replace(frozen.content, subject=rendered.subject)
    kept = replace(frozen, content=content, template_hash=rendered.template_hash, others=rendered.others).to_json()
    connection.execute(insert(tables.issue_content).values(issue_id=issue_id, content=kept))
    if rendered.broken is None:
        blocks = [{"issue_id": issue_id, "language": one, "blocks": made} for one, made in rendered.blocks.items()]
        connection.execute(insert(tables.issue_blocks), blocks)
    rows = [
        {
            "issue_id": issue_id,
            "article_id": decision.article,
            "position": position,
            "chosen": decision.chosen,
            "reason": decision.reason.value,
            "topic": decision.topic,
        }
        for position, decision in enumerate(selection.decisions)
    ]
    if rows:
        connection.execute(insert(tables.decision), rows)


def _next_number(connection: Connection, newsletter: str) -> int:
    highest = select(func.coalesce(func.max(tables.issue.c.number), 0)).where(tables.issue.c.newsletter == newsletter)
    return int(connection.execute(highest).scalar_one()) + 1
