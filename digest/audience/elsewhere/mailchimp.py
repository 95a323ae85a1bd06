"""Mailchimp: *Audience → All contacts → Export audience*, a ZIP of CSV files, one for each status, which their names tell.

Columns: the audience's own fields under their labels (`Email Address`, `First Name`, ..., groups of interests), then
MEMBER_RATING, OPTIN_TIME, OPTIN_IP, CONFIRM_TIME, CONFIRM_IP, LATITUDE, LONGITUDE, GMTOFF, DSTOFF, TIMEZONE, CC, REGION,
LAST_CHANGED, LEID, EUID, NOTES, TAGS; UNSUB_TIME, UNSUB_CAMPAIGN_TITLE, UNSUB_CAMPAIGN_ID, UNSUB_REASON,
UNSUB_REASON_OTHER in the file of those who unsubscribed, and CLEAN_TIME, CLEAN_CAMPAIGN_TITLE, CLEAN_CAMPAIGN_ID in that of
those who bounced. Read off the headers of exports in public repositories from 2015 to 2026, whose files are called
`subscribed_email_audience_export_*.csv` (earlier `subscribed_members_export_*.csv`), and `unsubscribed_`, `cleaned_`,
`nonsubscribed_` alike. Pending contacts are in none of them. Times have no zone and are taken for UTC.
"""

from __future__ import annotations

import re

from digest.audience.elsewhere.format import Cell, Format, Judged
from digest.audience.elsewhere.standing import Standing

_FILE = re.compile(r"(subscribed|unsubscribed|cleaned|nonsubscribed|non_subscribed|sms_only|pending|archived|transactional)_")
_SPAM = re.compile(r"spam|abuse|complain", re.IGNORECASE)
_WORDS = {
    "subscribed": Standing.CONFIRMED,
    "pending": Standing.UNCONFIRMED,
    "unsubscribed": Standing.UNSUBSCRIBED,
    "cleaned": Standing.BOUNCED,
}


def hint(file: str, columns: frozenset[str]) -> str:
    """The status of everybody in a file: by its name, or else by the columns that only one status has."""
    told = _FILE.match(file.lower())
    if told:
        return told[1]
    return "cleaned" if "clean_time" in columns else "unsubscribed" if "unsub_time" in columns else "subscribed"


def judge(cell: Cell, hint: str) -> Judged:
    """A status that the row tells itself comes before the file's. Who gave spam as the reason for leaving complained.

    Of two statuses the harder one holds: an address that does not take mail is not only unsubscribed.
    """
    status = hint
    if _SPAM.search(cell("unsub_reason")):
        return Judged(Standing.COMPLAINED, "unsubscribed, because it is spam")
    if cell("clean_time"):
        status = "cleaned"
    elif status != "cleaned" and (cell("unsub_time") or cell("unsub_reason")):
        status = "unsubscribed"
    return Judged(_WORDS.get(status, Standing.LEFT_OUT), status)


FORMAT = Format(
    name="mailchimp",
    title="Mailchimp",
    known_by=(
        frozenset({"leid", "euid"}),
        frozenset({"member_rating", "optin_time"}),
        frozenset({"optin_time", "confirm_time"}),
    ),
    judge=judge,
    hint=hint,
    email=("email address", "email"),
    person=(("first name", "last name"), ("fname", "lname"), ("name",)),
    status=("unsub_time", "unsub_reason", "clean_time"),
    topics=("tags",),
    timezone=("timezone",),
    opted_in=("optin_time",),
    confirmed=("confirm_time",),
    origin=("confirm_ip", "optin_ip"),
    ended=("unsub_time", "clean_time"),
)
