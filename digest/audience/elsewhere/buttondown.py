"""Buttondown: *Settings → Exports*, subscribers and unsubscribers.

The columns are the API's fields, in their older and newer names: `email` or `email_address`, `subscriber_type` or `type`,
`creation_date`, `tags`, `notes`, `metadata`, `ip_address`, `unsubscription_date`, `undeliverability_date`. Read off
Buttondown's OpenAPI description (`enums.json`, SubscriberType) and its documentation of subscribers; no export of theirs
was at hand.
"""

from __future__ import annotations

from digest.audience.elsewhere.format import Cell, Format, Judged
from digest.audience.elsewhere.standing import SHUT, Standing

_MAILED = ("regular", "premium", "trialed", "unpaid", "gifted", "churning", "churned", "paused", "past_due", "upcoming")
_WORDS = dict.fromkeys(_MAILED, Standing.CONFIRMED) | {
    "unactivated": Standing.UNCONFIRMED,
    "unsubscribed": Standing.UNSUBSCRIBED,
    "undeliverable": Standing.BOUNCED,
    "complained": Standing.COMPLAINED,
}


def hint(file: str, _: frozenset[str]) -> str:
    """The export of those who left is called after them."""
    return "unsubscribed" if file.lower().startswith("unsubscribe") else ""


def judge(cell: Cell, hint: str) -> Judged:
    """By the type; one that is not known, such as `blocked` or `removed`, is left out, unless they unsubscribed."""
    told = (cell("subscriber_type") or cell("type"))[:40].lower().replace(" ", "_")
    if cell("unsubscription_date") and _WORDS.get(told) not in SHUT:
        return Judged(Standing.UNSUBSCRIBED, "unsubscribed")
    told = told or hint
    return Judged(_WORDS.get(told, Standing.LEFT_OUT), told or "no type")


FORMAT = Format(
    name="buttondown",
    title="Buttondown",
    known_by=(
        frozenset({"email", "subscriber_type"}),
        frozenset({"email_address", "subscriber_type"}),
        frozenset({"email_address", "type", "creation_date"}),
        frozenset({"email", "type", "creation_date"}),
        frozenset({"email", "unsubscription_date"}),
        frozenset({"email_address", "unsubscription_date"}),
    ),
    judge=judge,
    hint=hint,
    email=("email_address", "email"),
    status=("subscriber_type", "type", "unsubscription_date"),
    topics=("tags",),
    opted_in=("creation_date",),
    origin=("ip_address",),
    ended=("unsubscription_date", "undeliverability_date"),
)
