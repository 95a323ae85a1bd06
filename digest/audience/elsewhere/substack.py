"""Substack: *Settings → Export*, a ZIP with `email_list.*.csv`, or *Subscribers → Export*.

The first is `email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at`, read off exports that
importers in public repositories are tested with; some have no plan, some a name. The second has the columns of the page:
Email, Name, Stripe plan, Cancel date, Start date, Paid upgrade date, Emails received (6mo), Subscription source (free),
Type, ... Its Cancel date stands under `unsubscribed_at` in Substack's own words, so who has one is taken to have left. There
is no state for who has not confirmed.
"""

from __future__ import annotations

from digest.audience.elsewhere.format import Cell, Format, Judged
from digest.audience.elsewhere.standing import Standing

_YES = {"true", "1", "yes"}


def judge(cell: Cell, _: str) -> Judged:
    """Who switched mails off, or has a cancel date, has left, whatever they pay."""
    if cell("email_disabled").lower() in _YES:
        return Judged(Standing.UNSUBSCRIBED, "email_disabled")
    if cell("cancel date"):
        return Judged(Standing.UNSUBSCRIBED, "has a Cancel date")
    return Judged(Standing.CONFIRMED, "subscribed")


FORMAT = Format(
    name="substack",
    title="Substack",
    known_by=(
        frozenset({"email", "active_subscription"}),
        frozenset({"email", "email_disabled"}),
        frozenset({"email", "start date", "stripe plan"}),
        frozenset({"email", "start date", "subscription source (free)"}),
        frozenset({"email", "start date", "emails received (6mo)"}),
    ),
    judge=judge,
    status=("email_disabled", "cancel date"),
    opted_in=("created_at", "start date"),
    ended=("cancel date",),
)
