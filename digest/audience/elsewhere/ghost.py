"""Ghost: *Members → Export all members*.

`id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers`, by Ghost's
own tests of that export; `labels` and `tiers` are separated by commas. A member came in by a link in a mail, or was put in
by a person.
"""

from __future__ import annotations

from digest.audience.elsewhere.format import Cell, Format, Judged
from digest.audience.elsewhere.standing import Standing


def judge(cell: Cell, _: str) -> Judged:
    """By whether mails are sent to them."""
    if cell("deleted_at"):
        return Judged(Standing.LEFT_OUT, "deleted")
    subscribed = cell("subscribed_to_emails").lower()
    if subscribed in {"true", "1", "yes"}:
        return Judged(Standing.CONFIRMED, "subscribed to emails")
    if subscribed in {"false", "0", "no"}:
        return Judged(Standing.UNSUBSCRIBED, "not subscribed to emails")
    return Judged(Standing.LEFT_OUT, "subscribed_to_emails is empty")


FORMAT = Format(
    name="ghost",
    title="Ghost",
    known_by=(
        frozenset({"email", "subscribed_to_emails", "complimentary_plan"}),
        frozenset({"email", "subscribed_to_emails", "stripe_customer_id"}),
    ),
    judge=judge,
    status=("subscribed_to_emails", "deleted_at"),
    topics=("labels",),
    opted_in=("created_at",),
)
