"""What a mail system's refusal means: its enhanced status code (RFC 3463) and its words become a cause. Pure tables.

What a code says of the address, or of the sender, is taken from the code; where systems use a code for anything, their words
decide, and only then the code's class. In doubt nobody is cut off: `other` counts as a soft bounce, `blocked` as none.
"""

from __future__ import annotations

import re

from digest.delivery.event import Cause

STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
"""An enhanced status code in a text: no part of an IP address or a version."""

_REPLY = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")

BY_STATUS: dict[str, Cause] = {
    "1.1": Cause.INVALID,  # no such mailbox
    "1.2": Cause.INVALID,  # no such domain
    "1.3": Cause.INVALID,  # not an address
    "1.6": Cause.INVALID,  # moved, no forwarding
    "1.7": Cause.BLOCKED,  # the sender's address, 1.7 and 1.8: it says nothing of the reader's
    "1.8": Cause.BLOCKED,
    "1.9": Cause.OTHER,
    "1.10": Cause.INVALID,  # a domain that takes no mail (RFC 7505)
    "2.1": Cause.INVALID,  # disabled
    "2.2": Cause.OTHER,  # full
    "2.3": Cause.OTHER,  # too large for it
    "2.4": Cause.OTHER,
    "3.4": Cause.OTHER,  # too large
    "4.4": Cause.INVALID,  # no route: the domain has no host
    "4.6": Cause.OTHER,  # a loop
    "4.7": Cause.TIMED_OUT,
    "7.8": Cause.BLOCKED,
    "7.13": Cause.INVALID,  # RFC 5248: the account is disabled
    "7.17": Cause.INVALID,  # RFC 7293: the mailbox has another owner
    "7.18": Cause.INVALID,
    "7.20": Cause.BLOCKED,  # RFC 7372: DKIM and SPF, 20 to 26
    "7.21": Cause.BLOCKED,
    "7.22": Cause.BLOCKED,
    "7.23": Cause.BLOCKED,
    "7.24": Cause.BLOCKED,
    "7.25": Cause.BLOCKED,
    "7.26": Cause.BLOCKED,
}
"""By subject and detail, where systems mean what the standard says. What is not here, the words decide."""

_TRANSIENT: dict[str, Cause] = {"1.8": Cause.BLOCKED, "2.1": Cause.OTHER, "2.2": Cause.OTHER, "3.4": Cause.OTHER}
"""Of those, what counts when the code is a transient one, 4.X.X, that ended: what may pass says nothing of an address."""

_BY_SUBJECT: dict[str, Cause] = {
    "1": Cause.OTHER,
    "2": Cause.OTHER,
    "3": Cause.OTHER,
    "4": Cause.TIMED_OUT,
    "5": Cause.OTHER,
    "6": Cause.SPAM,  # the content
    "7": Cause.BLOCKED,  # policy
}


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_NO_SUCH_USER = (
    r"\buser ?(?:name)? ?(?:is )?(?:unknown|not found|does ?n.t exist|does not exist)",
    r"\bunknown (?:user|recipient|local[ -]?part|address|mailbox|account)",
    r"\bno such (?:user|recipient|mailbox|person|account|address|local|email)",
    (
        r"\b(?:mailbox|account|recipient|address|e-?mail(?: address| account)?|addressee|user|inbox)"
        r"(?: \S+){0,6}? (?:does ?n.t exist|does not exist|not exist|not found|could ?n.t be found|could not be found|"
        r"was ?n.t found|was not found|unknown|is unknown|(?:is )?invalid|is not valid|unavailable|not available|no longer)"
    ),
    r"\b(?:invalid|bad|undeliverable|illegal) (?:recipient|mailbox|address|destination)",
    r"\bnot a (?:valid|known) (?:user|recipient|mailbox|address)",
    r"\bno (?:valid )?(?:mailbox|account|user)(?: here)?(?: by| with| of)? (?:that|this|such)",
    r"\bno mailbox (?:here|found|currently)",
    r"(?:this|the) (?:user|account) (?:does not have|doesn.t have) (?:a|an) \S+ account",
    r"\bnot listed in (?:domino|public name)",
    r"\brecipient (?:address )?rejected: (?:access denied|user unknown|undeliverable)",
    r"\bdelivery to the following (?:address|recipient)s? failed permanently",
    r"\b(?:could not|cannot|can.t) (?:be )?f(?:ind|ound).{0,30}\b(?:mailbox|user|recipient|account)",
    r"\bRESOLVER\.ADR\.(?:RecipNotFound|ExRecipNotFound|RecipientNotFound|InvalidInSmtp)",
    r"\bthere is no one (?:here|at this address)",
    r"\bmailbox .{0,40}is (?:not|no longer) (?:valid|active|in use)",
    r"\bno longer (?:available|in use|active|valid|works? here|an employee|with)",
    r"\buser (?:account )?(?:has )?(?:expired|been removed|been deleted|been terminated|been suspended)",
    r"utilisateur inconnu|usuario desconocido|benutzer unbekannt|(?:postfach|mailbox|adresse) (?:ist )?(?:nicht vorhanden|unbekannt)",
    r"\bnicht erreichbar oder existiert nicht|\bn.existe pas|\bno existe\b|\bnon esiste\b|не существует",
    r"\buser not known|\binvalid final delivery userid|\bdoes not have a final e-?mail delivery point",
)
_DISABLED = (
    (
        r"\b(?:mailbox|account|user|address|recipient|inbox)(?: \S+){0,3}? (?:is |has been |was )?"
        r"(?:disabled|inactive|deactivated|suspended|closed|locked|blocked for inactivity|dormant|terminated|expired|frozen)"
    ),
    r"\bdisabled (?:mailbox|account|user)",
    r"\binactive (?:mailbox|account|user|recipient)",
)
_NO_SUCH_HOST = (
    r"\b(?:host|domain)(?: name)?(?: \S+){0,3}? (?:not found|unknown|does not exist|doesn.t exist|could not be found|is invalid)",
    r"\bunknown (?:host|domain|mail ?host)",
    r"\bunrouteable (?:mail )?(?:address|domain)",
    r"\bunresolvable",
    r"\bno (?:such|matching) (?:domain|host)",
    r"\bname service error|\bhost or domain name not found|\bnxdomain|\bnull mx",
    r"\bcouldn.t find any host|\bcould ?n.t find a mail exchanger|\bno mail (?:hosts|exchanger|server) (?:for|found)",
)
_FULL = (
    r"\bover ?quota|\bquota (?:is )?(?:exceeded|full|violation|limit)|\bexceed\w* .{0,40}\bquota|\bover (?:its |their |the )?\w* ?quota",
    r"\b(?:mailbox|mail ?box|inbox|account|user.?s? \w*|maildir|mail folder)(?: \S+){0,3}? (?:is |was )?(?:full|over ?quota|exceeded|too large)",
    r"\bmailbox full|\bfull mailbox|\bnot enough (?:storage|space|disk)|\binsufficient (?:system )?(?:storage|disk|space)",
    r"\bdisk (?:space|quota)|\bno space left|\bout of (?:disk|storage) ?space|\bstorage limit|\bspeicherplatz|\bpostfach .{0,20}voll",
    r"\bSTOREDRV\.Deliver\S*QuotaExceeded",
)
_NO_CONNECTION = (r": connection (?:refused|reset|timed out)\b(?!.{0,100}(?:list|polic|block|reputation))",)
_SPAM = (
    r"\bspam\b(?!haus|cop|rl)|\bunsolicited|\bjunk mail|\bbulk mail|\bvirus|\bmalware|\bphish",
    r"\bcontent (?:rejected|filter|not allowed|denied)|\bmessage (?:content )?(?:rejected|blocked|refused)(?: \S+){0,4} (?:content|filter)",
    r"\battachment|\bprohibited (?:content|file)",
)
_BLOCKED = (
    r"\bblack ?list|\bblock ?list|\bdeny ?list|\bgrey ?list|\bgray ?list|\bDNSBL|\bRBL\b|\bspamhaus|\bspamcop|\bsorbs\b|\bbarracuda",
    (
        r"\b(?:ip|host|server|sender|client|domain|connection|network|mail|message)s?(?: \S+){0,5}? "
        r"(?:(?:is|was|are|has been|been|temporarily|permanently) )*(?:blocked|banned|denied|refused|deferred|rejected|throttled|rate.?limited)\b"
        r"(?!.{0,60}\b(?:user unknown|unknown user))"
    ),
    r"\breputation|\bpolicy|\bauthenti|\bDMARC|\bDKIM|\bSPF\b|\bsender policy framework|\breverse (?:dns|lookup)|\bPTR\b",
    r"\btoo many (?:connections|messages|recipients|errors|sessions)|\brate limit|\bthrottl|\btry again later|\bunusual rate",
    r"\bnot (?:authori[sz]ed|permitted|allowed)|\bunauthori[sz]ed|\baccess denied|\brelay(?:ing)? (?:access )?(?:denied|not)|\bsender verif",
    r"\brestricted|\bnot accepting mail from",
)
_TIMED_OUT = (
    (
        r"\btimed? ?-?out|\btime ?out|\bdelivery (?:time )?expired|\bexpired|\bretry time (?:not reached|exceeded)|\btoo long|"
        r"\b(?:could not|cannot|couldn.t|unable to|failed to) (?:be )?(?:deliver(?:ed)?|send|establish|connect)\b.{0,80}\b(?:days?|hours?|minutes?|later)"
    ),
    r"\bconnection (?:refused|reset|closed|lost|failed|dropped)|\b(?:couldn.t|could not|cannot|unable to|failed to) (?:make|establish|connect)",
    r"\bnetwork (?:is )?unreachable|\bno route to host|\bhost (?:is )?(?:unreachable|down|not responding)|\bnot responding|\bnot respond",
    r"\bin queue|\bhas been (?:in|on) the (?:mail )?queue|\bgiving up|\bmaximum (?:retry|number of)|\bserver (?:is )?(?:busy|not available|unavailable|down)",
)

_TABLE: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (_words(*_FULL), Cause.OTHER),
    (_words(*_NO_SUCH_USER), Cause.INVALID),
    (_words(*_DISABLED), Cause.INVALID),
    (_words(*_NO_CONNECTION), Cause.TIMED_OUT),
    (_words(*_SPAM), Cause.SPAM),
    (_words(*_BLOCKED), Cause.BLOCKED),
    (_words(*_NO_SUCH_HOST), Cause.INVALID),
    (_words(*_TIMED_OUT), Cause.TIMED_OUT),
)
"""The first whose words are found decides: that a mailbox is full goes before that it does not take mail."""

_LONGEST = 4000


def cause_of(status: str, diagnostic: str, told: str = "") -> Cause | None:
    """Why something was refused: by its code, empty where there is none, by the diagnostic words of the system that refused it, and by
    what the mail told people beside them; None where nothing says anything."""
    codes = [*STATUS.findall(status), *STATUS.findall(diagnostic)] or STATUS.findall(told)
    known = next((code for code in codes if _detail(code) in BY_STATUS), None)
    said = by_words(diagnostic)
    if known is not None:
        cause = BY_STATUS[_detail(known)]
        if known[0] == "4":
            return _TRANSIENT.get(_detail(known), Cause.TIMED_OUT if cause is Cause.INVALID else cause)
        return said if cause is Cause.INVALID and said in (Cause.SPAM, Cause.BLOCKED) else cause
    said = said or by_words(told)
    transient = bool(codes) and all(code[0] == "4" for code in codes)
    if said is not None:
        return Cause.TIMED_OUT if transient and said is Cause.INVALID else said
    if codes:
        return _BY_SUBJECT.get(codes[0][1], Cause.OTHER)
    return Cause.OTHER if _REPLY.search(diagnostic) else None


def by_words(words: str) -> Cause | None:
    """Why, by words alone; None where they say nothing that is known."""
    text = " ".join(words[:_LONGEST].split())
    return next((cause for pattern, cause in _TABLE if pattern.search(text)), None)


def _detail(code: tuple[str, str, str]) -> str:
    return f"{code[1]}.{code[2]}"
