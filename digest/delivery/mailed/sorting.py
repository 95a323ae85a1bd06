"""Sorting: what a mail that came to the bounce address is, and what it tells of which delivery. Pure, bounded, never raises.

Reports go first, then what programs answer by themselves, which never counts as anything; then wishes to leave; what is left are
people's mails, which are theirs to read at the reply address.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from digest.delivery.event import Event
from digest.delivery.mailed.bounce_address import BounceAddress, Token
from digest.delivery.mailed.complaint import complaint, is_feedback, is_harmless
from digest.delivery.mailed.mail import Mail, take_apart
from digest.delivery.mailed.report import Finding, informal, is_from_a_daemon, looks_like_a_report, standard
from digest.delivery.providers.wording import mask

_RECIPIENT_HEADERS = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to", "cc")
_OLDEST, _ODD = timedelta(days=60), timedelta(days=1)
_AUTO_SUBJECT = re.compile(
    r"^(?:re: ?|aw: ?)*(?:out of (?:the )?office|auto(?:matic(?:ally)?|mated)?[ -]?(?:reply|response|generated|answer|responder)|autoreply|"
    r"i am (?:out|away|on)|away from|on vacation|vacation (?:reply|response|message)|abwesen|automatische antwort|absence|"
    r"r[ée]ponse automatique|respuesta autom[áa]tica|resposta autom[áa]tica|risposta automatica|afwezig|automatisch antwoord|"
    r"automatick|автоответ|自動応答|自动回复|fuera de (?:la )?oficina|fuori (?:sede|ufficio))",
    re.IGNORECASE,
)
_LEAVE = re.compile(r"unsubscribe[ :_]{1,3}([A-Za-z0-9_-]{32})", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,64}@[^\s<>()\[\]\"',;:]{1,255}")
_MESSAGE_ID = re.compile(r"<([!-;=?-~]{1,180})>")


class Sort(StrEnum):
    """What a mail is."""

    REPORT = "report"  # of what became of a mail: bounced, delayed, delivered
    COMPLAINT = "complaint"  # a feedback report
    LEAVING = "leaving"  # a wish to unsubscribe, by the address in List-Unsubscribe
    ANSWER = "automatic answer"  # out of office, read receipts: never counts as anything
    PERSON = "mail"  # of a person, or of anybody else
    STRANGE = "not understood"  # looks like a report


@dataclass(frozen=True, slots=True)
class Sorted:
    """A mail that was looked at. `tokens` are what it names deliveries by, the likeliest first; none of them is believed yet.

    `leave` is the token of a subscription to end. `about` says in a few words what it is, for people; it names nobody.
    """

    sort: Sort
    tokens: tuple[Token, ...]
    finding: Finding | None
    at: datetime
    message_id: str
    leave: str = ""
    about: str = ""

    def event(self, token: Token) -> Event | None:
        """What it tells of one delivery."""
        if self.finding is None:
            return None
        words = mask(_ADDRESS.sub("<address>", self.finding.words)) if self.finding.cause is not None else ""
        return Event(
            delivery_id=token.delivery_id,
            attempt=0,
            kind=self.finding.kind,
            occurred_at=self.at,
            provider_message_id=self.message_id,
            reason=self.finding.cause,
            words=words,
            seal=token.seal,
        )


def sort_mail(raw: bytes, bounces: BounceAddress | None, now: datetime, recipients: Sequence[str] = ()) -> Sorted:
    """Look at one mail. `recipients` are the addresses that it was delivered to, where somebody says them."""
    mail = take_apart(raw)
    sort, finding, leave = _sort(mail)
    tokens = () if bounces is None else _tokens(mail, bounces, recipients)
    at = _when(mail, now)
    return Sorted(sort, tokens, finding, at, _message_id(mail, raw), leave, _about(mail, sort))


def _sort(mail: Mail) -> tuple[Sort, Finding | None, str]:
    if is_feedback(mail):
        found = complaint(mail)
        if found is not None:
            return Sort.COMPLAINT, found, ""
        return Sort.ANSWER if is_harmless(mail) else Sort.STRANGE, None, ""
    found = None if mail.report == "disposition-notification" else standard(mail)
    if found is not None:
        return Sort.REPORT, found, ""
    leave = _LEAVE.fullmatch(mail.subject.strip())
    if leave is not None and not _submitted(mail).startswith("auto-replied"):
        return Sort.LEAVING, None, leave[1]
    if _is_automatic(mail):
        return Sort.ANSWER, None, ""
    found = informal(mail)
    if found is not None:
        return Sort.REPORT, found, ""
    return Sort.STRANGE if looks_like_a_report(mail) or is_from_a_daemon(mail) else Sort.PERSON, None, ""


def _is_automatic(mail: Mail) -> bool:
    """Whether a program answered by itself (RFC 3834); a report does so too, and was looked for before."""
    if mail.report == "disposition-notification" or _AUTO_SUBJECT.search(mail.subject):
        return True
    if looks_like_a_report(mail) or is_from_a_daemon(mail):
        return False
    precedence = mail.fields.get("precedence", "").strip().lower()
    marked = any(name in mail.fields for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "list-id"))
    return _submitted(mail) != "no" or marked or precedence in {"auto_reply", "bulk", "junk", "list"}


def _submitted(mail: Mail) -> str:
    return mail.fields.get("auto-submitted", "no").split(";")[0].strip().lower()


def _tokens(mail: Mail, bounces: BounceAddress, recipients: Sequence[str]) -> tuple[Token, ...]:
    """By whom it was delivered to, by its heads, and then wherever it stands in the mail: complaints go to another address."""
    said = (mail.fields.get(name, "") for name in _RECIPIENT_HEADERS)
    returned = (mail.feedback.get("original-mail-from", ""), mail.returned.get("return-path", ""))
    for text in (*recipients, *said, *returned, mail.text, mail.everything):
        found = bounces.find(text)
        if found:
            return found
    return ()


def _when(mail: Mail, now: datetime) -> datetime:
    """When it was written, where that can be."""
    written = mail.written_at
    return written if written is not None and now - _OLDEST < written < now + _ODD else now.replace(microsecond=0)


def _message_id(mail: Mail, raw: bytes) -> str:
    found = _MESSAGE_ID.search(mail.fields.get("message-id", ""))
    return found[1] if found is not None else f"mail-{hashlib.sha256(raw).hexdigest()[:32]}"


def _about(mail: Mail, sort: Sort) -> str:
    kind = mail.report or mail.kind
    more = "" if mail.whole else ", of which only a part was looked at"
    return mask(f"{sort.value}, {kind}{more}")
