"""The table of SAFETY, row by row, for SMTP."""

from __future__ import annotations

import pytest

from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.smtp_answers import Phase, Reply, Verdict, goes_on, judge_reply, judge_silence, read_reply

ACCEPTED = Verdict(Outcome.ACCEPTED)
REJECTED = Verdict(Outcome.REJECTED)
DEFERRED = Verdict(Outcome.DEFERRED)
CROWDED = Verdict(Outcome.DEFERRED, crowded=True)
UNKNOWN = Verdict(Outcome.UNKNOWN)
ACCOUNT = Verdict(Outcome.DEFERRED, Trouble.ACCOUNT)
CONTENT = Verdict(Outcome.DEFERRED, Trouble.CONTENT)
CONNECTION = Verdict(Outcome.DEFERRED, Trouble.CONNECTION)
THROTTLED = Verdict(Outcome.DEFERRED, Trouble.THROTTLED)

ROWS = [
    (Phase.GREETING, 421, "4.3.2 too many connections", THROTTLED),
    (Phase.GREETING, 450, "4.3.0 try later", CONNECTION),
    (Phase.GREETING, 554, "5.7.1 you are blocked", ACCOUNT),
    (Phase.GREETING, 0, "", CONNECTION),
    (Phase.GREETING, 250, "not a greeting", CONNECTION),
    (Phase.EHLO, 421, "", THROTTLED),
    (Phase.EHLO, 502, "not implemented", ACCOUNT),
    (Phase.EHLO, 550, "5.7.1 bad name", ACCOUNT),
    (Phase.STARTTLS, 454, "4.7.0 TLS not available", CONNECTION),
    (Phase.STARTTLS, 501, "syntax", CONNECTION),
    (Phase.AUTH, 535, "5.7.8 wrong login", ACCOUNT),
    (Phase.AUTH, 534, "5.7.9 mechanism too weak", ACCOUNT),
    (Phase.AUTH, 454, "4.7.0 temporary failure", CONNECTION),
    (Phase.AUTH, 334, "and more", CONNECTION),
    (Phase.MAIL, 451, "4.3.0 local error", THROTTLED),
    (Phase.MAIL, 452, "4.3.1 storage", THROTTLED),
    (Phase.MAIL, 421, "4.7.0 too many messages", THROTTLED),
    (Phase.MAIL, 530, "5.7.0 authentication required", ACCOUNT),
    (Phase.MAIL, 550, "5.1.8 bad sender", ACCOUNT),
    (Phase.MAIL, 553, "5.7.1 not owned by you", ACCOUNT),
    (Phase.MAIL, 0, "", CONNECTION),
    (Phase.RCPT, 421, "", THROTTLED),
    (Phase.RCPT, 450, "4.2.0 greylisted", DEFERRED),
    (Phase.RCPT, 450, "4.7.28 too many from you", CROWDED),
    (Phase.RCPT, 451, "later", CROWDED),
    (Phase.RCPT, 452, "4.2.2 mailbox full", DEFERRED),
    (Phase.RCPT, 452, "4.3.1 storage", THROTTLED),
    (Phase.RCPT, 550, "5.1.1 no such user", REJECTED),
    (Phase.RCPT, 550, "no such user", REJECTED),
    (Phase.RCPT, 550, "5.2.1 mailbox disabled", REJECTED),
    (Phase.RCPT, 550, "5.7.1 not for you", REJECTED),
    (Phase.RCPT, 552, "5.2.2 mailbox full", REJECTED),
    (Phase.RCPT, 553, "5.1.3 bad address", REJECTED),
    (Phase.RCPT, 556, "5.1.10 null MX", REJECTED),
    (Phase.RCPT, 535, "5.7.8 wrong login", ACCOUNT),
    (Phase.RCPT, 530, "5.7.0 authentication required", ACCOUNT),
    (Phase.RCPT, 354, "", CONNECTION),
    (Phase.DATA, 421, "", THROTTLED),
    (Phase.DATA, 451, "4.7.1 greylisted", CROWDED),
    (Phase.DATA, 554, "5.5.1 no valid recipients", CONTENT),
    (Phase.DATA, 250, "", CONNECTION),
    (Phase.DOT, 250, "2.0.0 queued", ACCEPTED),
    (Phase.DOT, 250, "", ACCEPTED),
    (Phase.DOT, 421, "4.3.2 shutting down", THROTTLED),
    (Phase.DOT, 450, "4.2.1 mailbox busy", DEFERRED),
    (Phase.DOT, 451, "4.3.0 local error", THROTTLED),
    (Phase.DOT, 452, "storage", DEFERRED),
    (Phase.DOT, 550, "5.1.1 no such user", REJECTED),
    (Phase.DOT, 550, "5.2.1 mailbox disabled", REJECTED),
    (Phase.DOT, 552, "5.2.2 mailbox full", REJECTED),
    (Phase.DOT, 554, "5.6.0 broken MIME", CONTENT),
    (Phase.DOT, 550, "5.7.1 looks like spam", CONTENT),
    (Phase.DOT, 552, "5.3.4 too large", CONTENT),
    (Phase.DOT, 552, "too large", CONTENT),
    (Phase.DOT, 554, "transaction failed", CONTENT),
    (Phase.DOT, 550, "no", CONTENT),
    (Phase.DOT, 550, "2.1.1 a code of another class", CONTENT),
    (Phase.DOT, 251, "", UNKNOWN),
    (Phase.DOT, 354, "", UNKNOWN),
    (Phase.DOT, 0, "", UNKNOWN),
]


@pytest.mark.parametrize(("phase", "code", "text", "verdict"), ROWS, ids=[f"{row[0]}-{row[1]}-{row[2][:6]}" for row in ROWS])
def test_a_reply_means_what_the_table_says(phase: Phase, code: int, text: str, verdict: Verdict) -> None:
    assert judge_reply(phase, Reply(code, text)) == verdict


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.DOT])
def test_silence_before_the_final_dot_is_surely_not_taken(phase: Phase) -> None:
    assert judge_silence(phase) == CONNECTION


def test_silence_after_the_final_dot_is_unknown() -> None:
    assert judge_silence(Phase.DOT) == UNKNOWN


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"250 ok"], Reply(250, "ok")),
        ([b"250"], Reply(250)),
        ([b"250-sink", b"250-PIPELINING", b"250 AUTH PLAIN"], Reply(250, "sink\nPIPELINING\nAUTH PLAIN")),
        ([b"250-ok", b"550 no"], Reply(0)),
        ([b"250ok"], Reply(0)),
        ([b"25"], Reply(0)),
        ([b"999 what"], Reply(0)),
        ([b"+250 ok"], Reply(0)),
        ([b" 250 ok"], Reply(0)),
        ([b"HTTP/1.1 200 OK"], Reply(0)),
        ([b""], Reply(0)),
        ([b"250 \xff"], Reply(250, "\ufffd")),
    ],
)
def test_what_is_no_reply_has_no_code(lines: list[bytes], reply: Reply) -> None:
    assert read_reply(lines) == reply


def test_only_a_hyphen_announces_another_line() -> None:
    assert goes_on(b"250-more")
    assert not goes_on(b"250 last")
    assert not goes_on(b"nonsense-")
