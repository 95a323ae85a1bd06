"""What a report on delivery says happened: the standard's (RFC 3464), and those of systems that have a way of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from digest.delivery.event import Cause, Kind
from digest.delivery.mailed.diagnosis import by_words, cause_of
from digest.delivery.mailed.mail import Fields, Mail


@dataclass(frozen=True, slots=True)
class Finding:
    """What happened to a mail of ours, why, and in whose words."""

    kind: Kind
    cause: Cause | None = None
    words: str = ""


_ACTIONS = {
    "failed": Kind.BOUNCED,
    "delayed": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "relayed": Kind.SENT,
    "expanded": Kind.SENT,
}
_WORST_FIRST = (Kind.BOUNCED, Kind.DEFERRED, Kind.SENT, Kind.DELIVERED)

_DAEMON = re.compile(
    r"mailer[-_.]?daemon|mail[-_ ]?delivery|post(?:master|meister)|delivery[-_ ]?subsystem|mail[-_ ]?administrator|"
    r"^\s*<>\s*$|\bmdaemon|bounce|system administrator|mail system|microsoftexchange|no[-_]?reply.*delivery|auto-?reply@|symantec.*mail|"
    r"internet mail (?:delivery|connect)|mail router|mail server|netmail|\bdaemon@|nobody@|mmdf|pmdf|smail|list ?owner",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|not deliver|un-?deliver|non-?deliver|returned mail|return(?:ed)? to sender|failure notice|failure notification|"
    r"deliver\w* (?:fail|status|report|problem|error|delay|notif|incomplete|attempt|has)|fail\w* (?:to )?deliver|delayed mail|"
    r"mail (?:deliver|fail|error|system error|could not|not)|message (?:status|delayed|not|delivery|could|undeliver|failed)|"
    r"warning: (?:could|message|mail|e-?mail)|could not (?:be )?(?:send|sent|deliver)|cannot (?:send|deliver)|address(?:ing)? error|"
    r"no(?:t|n) remis|unzustellbar|nicht zustellbar|fehlgeschlagen|zustell|rejected|unknown (?:user|recipient|address)|user unknown|"
    r"invalid (?:recipient|address|mailbox)|bounce|mail (?:returned|sent to)|problem delivering|nondeliverable|"
    r"error (?:sending|delivering|en)|impossible|mensaje no|devuelt|permanent (?:fatal )?(?:error|fail)|transient|"
    r"недоставлен|не доставлен|доставк|配信|送信|退信|投递|エラー|返送",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"\b(?:will|we.ll) (?:keep|continue|be) (?:trying|retr|re-?tr|to (?:try|be)|attempt|tried|retried)|\bwill be (?:retried|re-?tried)|"
    r"\bthis is (?:only )?a warning|\bwarning message only|\bnot (?:yet )?been delivered (?:yet|to)|\bdelivery (?:of|to|has been|is) .{0,60}delayed|"
    r"\b(?:do not|don.t|no) need to (?:resend|do anything)|\bYOU DO NOT NEED TO RESEND|\bhas(?:n.t| not) (?:yet )?been (?:yet )?delivered|"
    r"\bstill (?:trying|being)|\bdelivery attempts will continue|\btemporar\w+ (?:problem|delay)|\bno action is required",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"\b(?:could|can|was|were|is|has|have) ?(?:not|n.t) (?:yet )?(?:be |been )?(?:deliver|sent|send|reach)|\bcannot be (?:deliver|sent)|"
    r"\b(?:un|not )able to (?:deliver|send|be deliver)|\bwas ?n.t able to deliver|\bundeliver|\bnon-?deliver|\bnot (?:be )?deliver|"
    r"\bdid ?(?:not|n.t) (?:reach|receive)|\bdeliver\w* (?:\w+ )?(?:problem|fail|error)|\bfail\w* (?:to )?(?:deliver|mail|recipient)|"
    r"\bpermanent (?:fatal )?(?:error|fail)|\breturned mail|\b(?:has been|is being) returned|\bmail returned|\b(?:failed|failure)\b|"
    r"\bnon remis|\bn.a pas pu|\bunzustellbar|\bkonnte nicht|\bno pudo|\bnon (?:è|e) stato|не может быть доставлен|\berror while",
    re.IGNORECASE,
)
_ANSWERING = re.compile(r"\s*(?:re|aw|sv|antw|fwd?|wg|tr|rif)\s*:", re.IGNORECASE)
_NOT_ONLY_DELAYED = re.compile(
    r"\bpermanent|\bgiving up|\bgave up|\bI.ve given up|\bfatal|\bcould not be delivered after|\bhas been returned|\bfailed after|"
    r"\bno longer|\breturned to (?:the )?sender|\bundeliverable",
    re.IGNORECASE,
)
# What leads in to it is never given back (`*+`): a line of nothing but dashes would be tried from each of them.
_ORIGINAL = re.compile(
    r"^[ \t>*#=_|-]*+(?:below (?:this|is) |this is a copy|(?:the )?original (?:message|mail|text|headers)|"
    r"(?:a copy of |here is |the following is )?(?:your|the) (?:original )?(?:message|mail|headers?)\b.{0,30}(?:follow|below|header|was:?$)|"
    r"(?:(?<=--)|(?<=-- ))(?:forwarded|unsent|returned|message (?:header|body|text)|start of)|return-path:|received: (?:from|by)|x-mailer:|message-id:|"
    r"mime-version:|the header of|content of (?:the )?(?:message|original)|unsent message|headers? follow|message header)",
    re.IGNORECASE | re.MULTILINE,
)
_STATUS_LINES = re.compile(r"^(?:final-recipient|action|status|diagnostic-code):.*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)


def standard(mail: Mail) -> Finding | None:
    """What a report by the standard says; of several recipients, who fared worst: ours was one, and is known by other means."""
    told = _before_the_original(mail.text)
    findings = [finding for group in mail.statuses if (finding := _of_group(group, told)) is not None]
    return min(findings, key=lambda one: _WORST_FIRST.index(one.kind), default=None)


def informal(mail: Mail) -> Finding | None:
    """What a mail says that looks like a report and keeps to no standard; None where that is not clear.

    The mail itself has to say that it is one: by who it is from and what it is called, for people's mails use the same words.
    """
    if not looks_like_a_report(mail):
        return None
    told = _before_the_original(mail.text)
    status, diagnostic = _status_lines(told), mail.fields.get("x-failed-recipients", "")
    if _DELAYED.search(told) and not _NOT_ONLY_DELAYED.search(told):
        return Finding(Kind.DEFERRED)
    cause = cause_of(status, told) or by_words(mail.subject)
    if cause is None and (diagnostic or _says_that_it_failed(mail)):
        cause = Cause.OTHER  # that it failed is said, and not why
    return None if cause is None else Finding(Kind.BOUNCED, cause, _shortened(told))


def looks_like_a_report(mail: Mail) -> bool:
    """Whether a mail says of itself that it is a mail system's report."""
    if mail.report == "delivery-status" or "x-failed-recipients" in mail.fields:
        return True
    sender = f"{mail.fields.get('from', '')} {mail.fields.get('sender', '')}"
    daemon = bool(_DAEMON.search(sender)) or mail.fields.get("return-path", "").strip() == "<>"
    named = bool(_SUBJECT.search(mail.subject)) and not _ANSWERING.match(mail.subject)
    if daemon:
        return named or _before_the_original(mail.text) != mail.text
    return named and bool(_FAILED.search(_before_the_original(mail.text)))


def is_from_a_daemon(mail: Mail) -> bool:
    """Whether a mail is from a mail system itself, by its name alone."""
    return bool(re.search(r"mailer-daemon|mail delivery", mail.fields.get("from", ""), re.IGNORECASE))


def _says_that_it_failed(mail: Mail) -> bool:
    return bool(_FAILED.search(mail.subject) or _FAILED.search(_before_the_original(mail.text)))


def _of_group(group: Fields, told: str) -> Finding | None:
    action, status = group.get("action", "").split(" ")[0].strip(";.").lower(), group.get("status", "")
    if not action and not ("final-recipient" in group or "original-recipient" in group):
        return None  # the group that is about the mail as a whole
    kind = _ACTIONS.get(action) or _by_class(status)
    if kind is not Kind.BOUNCED:
        return None if kind is None else Finding(kind)
    diagnostic = _without_type(group.get("diagnostic-code", ""))
    cause = cause_of(status, diagnostic, told) or Cause.OTHER
    return Finding(kind, cause, _shortened(diagnostic or told))


def _by_class(status: str) -> Kind | None:
    """What a code alone says, where the action is missing or is none."""
    return {"5": Kind.BOUNCED, "4": Kind.DEFERRED, "2": Kind.DELIVERED}.get(status[:1])


def _without_type(diagnostic: str) -> str:
    """`smtp; 550 5.1.1 unknown` without the name of its kind."""
    kind, separator, rest = diagnostic.partition(";")
    return rest.strip() if separator and len(kind) < 20 else diagnostic


def _status_lines(text: str) -> str:
    return "\n".join(match[0] for match in _STATUS_LINES.finditer(text))


def _before_the_original(text: str) -> str:
    found = _ORIGINAL.search(text)
    return text if found is None or not text[: found.start()].strip() else text[: found.start()]


def _shortened(text: str) -> str:
    return " ".join(text.split())[:1000]
