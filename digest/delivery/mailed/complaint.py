"""Complaints: feedback reports (RFC 5965), in which a mail service tells that a reader called a mail spam."""

from __future__ import annotations

from digest.delivery.event import Kind
from digest.delivery.mailed.mail import Mail
from digest.delivery.mailed.report import Finding

_KINDS = {
    "abuse": Finding(Kind.COMPLAINED),
    "complaint": Finding(Kind.COMPLAINED),
    "fraud": Finding(Kind.COMPLAINED),
    "opt-out": Finding(Kind.UNSUBSCRIBED),
    "opt-out-list": Finding(Kind.UNSUBSCRIBED),
}
_OUTLOOK = "x-hmxmroriginalrecipient"
"""Outlook.com's reports (JMRP) keep to no standard: the mail is attached, and this header says whose it was."""

_HARMLESS = {"not-spam", "auth-failure", "virus", "dmarc"}
"""The reader took it back; or the report is about signatures, or about somebody else's mail."""


def complaint(mail: Mail) -> Finding | None:
    """What a feedback report says; None where it is none, or says nothing of a reader's wish."""
    if mail.feedback:
        return _KINDS.get(_kind(mail) or "abuse")
    return _KINDS["abuse"] if _OUTLOOK in mail.returned else None


def is_harmless(mail: Mail) -> bool:
    """Whether a feedback report says that nothing is to be done."""
    return _kind(mail) in _HARMLESS


def _kind(mail: Mail) -> str:
    return mail.feedback.get("feedback-type", "").split(" ")[0].strip(";").lower()


def is_feedback(mail: Mail) -> bool:
    """Whether a mail is a feedback report at all."""
    return bool(mail.feedback) or mail.report == "feedback-report" or _OUTLOOK in mail.returned
