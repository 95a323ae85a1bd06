"""Slotting: which slot of a newsletter is due, which one comes next, and for which it is too late.

Where readers are reached at their own hour, a slot begins when its time comes to the first of them: then its issue is frozen.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from digest.app.wiring import App
from digest.audience.zones import foremost, zone_named, zones_of
from digest.issues.calendar import Slot, Zones, due_slot, instant, next_slot
from digest.issues.issue import Issue
from digest.issues.lifecycle import BY_ITSELF
from digest.settings import Frequency, NewsletterSettings


def due(app: App, newsletter: NewsletterSettings, frequency: Frequency) -> Slot | None:
    """The slot that is due now: the latest that has come, until the next one comes."""
    return due_slot(newsletter.schedule[frequency], _zones(app, newsletter, frequency), app.settings.started_at, app.now)


def coming(app: App, newsletter: NewsletterSettings, frequency: Frequency, *, after: datetime | None = None) -> Slot | None:
    """The next slot, after now or another time; None where the schedule has no date left."""
    after = max(app.now if after is None else after, app.settings.started_at)
    return next_slot(newsletter.schedule[frequency], _zones(app, newsletter, frequency), after)


def too_late(app: App, newsletter: NewsletterSettings, frequency: Frequency, slot: Slot) -> bool:
    """Whether nothing of a slot is sent any more: its time, where it comes last, has passed by more than the newsletter allows."""
    if newsletter.patience is None or app.now - slot.at <= newsletter.patience:
        return False
    last = max((instant(slot.local, zone) for zone in _everywhere(app, newsletter, frequency)), default=slot.at)
    return app.now - max(last, slot.at) > newsletter.patience


def has_missed(app: App, newsletter: NewsletterSettings, issue: Issue) -> bool:
    """Whether it is too late for an issue; who approved it when its slot had passed has begun that time anew."""
    by_a_person = issue.approved_at is not None and issue.approved_by not in BY_ITSELF
    patience, approved_at = newsletter.patience, issue.approved_at
    if by_a_person and approved_at is not None and patience is not None and app.now - approved_at <= patience:
        return False
    slot = Slot(issue.slot_at, datetime.fromisoformat(issue.slot))
    return too_late(app, newsletter, Frequency(issue.frequency), slot)


def _zones(app: App, newsletter: NewsletterSettings, frequency: Frequency) -> Zones:
    everywhere = _everywhere(app, newsletter, frequency)
    return everywhere[0] if len(everywhere) == 1 else foremost(everywhere, app.now)


def _everywhere(app: App, newsletter: NewsletterSettings, frequency: Frequency) -> list[ZoneInfo]:
    """Every zone in which a slot's time is waited for."""
    own = ZoneInfo(newsletter.timezone)
    if newsletter.deliver_at == "slot":
        return [own]
    with app.store.reading() as connection:
        names = zones_of(connection, newsletter.slug, frequency.value)
    return list({zone_named(name, own): None for name in names} or {own: None})
