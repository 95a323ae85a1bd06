"""What comes to the bounce address is told apart: bounces of many systems, complaints, automatic answers, people."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from digest.delivery.event import Cause, Kind
from digest.delivery.mailed.bounce_address import BounceAddress, Token
from digest.delivery.mailed.mail import LARGEST, take_apart
from digest.delivery.mailed.sorting import Sort, Sorted, sort_mail
from tests.delivery.mailed.specimens import SPECIMENS, WRITTEN, Specimen, dsn, head, plain, recipient

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BASE = BounceAddress("bounces@news.example")
TOKEN = Token("0123456789abcdef" * 2, "fedcba9876543210")
OTHER = Token("f" * 32, "a" * 16)


def to(token: Token = TOKEN) -> str:
    return f"bounces+{token.delivery_id}{token.seal}@news.example"


def sort(mail: str | bytes, *recipients: str) -> Sorted:
    raw = mail if isinstance(mail, bytes) else mail.replace("{to}", to()).encode()
    return sort_mail(raw, BASE, NOW, recipients)


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda one: one.system)
def test_bounces_of_many_mail_systems_are_understood(specimen: Specimen) -> None:
    found = sort_mail(specimen.raw(to()), BASE, NOW)
    assert found.sort is Sort.REPORT
    assert found.finding is not None
    assert (found.finding.kind, found.finding.cause) == (specimen.kind, specimen.cause)
    assert found.tokens == (TOKEN,)
    event = found.event(TOKEN)
    assert event is not None
    assert (event.delivery_id, event.seal, event.attempt) == (TOKEN.delivery_id, TOKEN.seal, 0)
    assert event.occurred_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert event.provider_message_id == "b1@mx.example"
    assert "@" not in event.words


def feedback(kind: str, *, mail_from: str = "", original: str = "") -> str:
    return (
        head("complaints@isp.example", "Complaint")
        .replace("Delivered-To: {to}\n", "")
        .replace("To: {to}", "To: abuse@news.example")
        + "Content-Type: multipart/report; report-type=feedback-report; boundary=F\n\n--F\nContent-Type: text/plain\n\nThis is an abuse report.\n\n"
        + f"--F\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: x/1\nVersion: 1\n{mail_from}\n"
        + f"--F\nContent-Type: message/rfc822\n\n{original}From: News <news@news.example>\nSubject: The weekly\n\nNews.\n\n--F--\n"
    )


@pytest.mark.parametrize(
    "mail",
    [
        feedback("abuse", mail_from=f"Original-Mail-From: <{to()}>\n"),
        feedback("abuse", original=f"Return-Path: <{to()}>\n"),
        feedback("fraud", original=f"Received: from x (envelope-from <{to()}>)\n by y; {WRITTEN}\n"),
    ],
    ids=["by its field", "by the head of the mail", "anywhere"],
)
def test_a_complaint_is_found_by_the_token_wherever_the_service_leaves_it(mail: str) -> None:
    found = sort(mail)
    assert (found.sort, found.tokens) == (Sort.COMPLAINT, (TOKEN,))
    assert found.finding is not None
    assert found.finding.kind is Kind.COMPLAINED


def test_a_complaint_at_outlook_keeps_to_no_standard_and_is_found_all_the_same() -> None:
    found = sort(
        head("staff@hotmail.example", "complaint about message from 192.0.2.9").replace("{to}", "abuse@news.example")
        + "Content-Type: multipart/mixed; boundary=J\n\n--J\nContent-Type: message/rfc822\nContent-Disposition: inline\n\n"
        + "X-HmXmrOriginalRecipient: ann@outlook.example\nAuthentication-Results: outlook.example; spf=pass (sender IP is 192.0.2.9)"
        + f" smtp.mailfrom={to()}; dkim=pass\nFrom: News <news@news.example>\nSubject: The weekly\n\nNews.\n\n--J--\n"
    )
    assert (found.sort, found.tokens) == (Sort.COMPLAINT, (TOKEN,))
    assert found.finding is not None
    assert found.finding.kind is Kind.COMPLAINED


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "virus"])
def test_a_feedback_report_that_is_no_complaint_counts_as_nothing(kind: str) -> None:
    assert sort(feedback(kind, original=f"Return-Path: <{to()}>\n")).finding is None


def test_a_feedback_report_of_a_kind_that_nobody_knows_is_not_understood() -> None:
    assert sort(feedback("moonlight", original=f"Return-Path: <{to()}>\n")).sort is Sort.STRANGE


def test_an_opt_out_report_unsubscribes() -> None:
    found = sort(feedback("opt-out", original=f"Return-Path: <{to()}>\n")).finding
    assert found is not None
    assert found.kind is Kind.UNSUBSCRIBED


AUTOMATIC = [
    plain("Ann <ann@example.com>", "Out of Office: The weekly", "I am away until Monday. My mailbox is full of mail."),
    plain("Ann <ann@example.com>", "Automatic reply: The weekly", "The user does not exist any more at this company."),
    plain("Ann <ann@example.com>", "Re: The weekly", "Unknown user of mailboxes", "Auto-Submitted: auto-replied\n"),
    plain("Ann <ann@example.com>", "Abwesenheitsnotiz", "Bin weg."),
    plain("shop@example.com", "We got your mail", "Ticket 7", "Precedence: auto_reply\n"),
    plain("shop@example.com", "unsubscribe " + "A" * 32, "on holiday", "Auto-Submitted: auto-replied (vacation)\n"),
    head("Ann <ann@example.com>", "Read: The weekly")
    + "Content-Type: multipart/report; report-type=disposition-notification; boundary=M\n\n--M\nContent-Type: text/plain\n\nRead.\n\n"
    "--M\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ann@example.com\nDisposition: x/y; deleted\n\n--M--\n",
]


@pytest.mark.parametrize("mail", AUTOMATIC, ids=range(len(AUTOMATIC)))
def test_an_automatic_answer_is_never_a_bounce_nor_a_wish_to_leave(mail: str) -> None:
    found = sort(mail)
    assert (found.sort, found.finding, found.leave) == (Sort.ANSWER, None, "")


def test_a_person_who_writes_is_a_person_whatever_they_write_of() -> None:
    for subject in ("Re: The weekly", "Fwd: Undelivered Mail Returned to Sender", "a question"):
        found = sort(
            plain("Ann <ann@example.com>", subject, "My mailbox is full, user unknown.").replace("Return-Path: <>\n", "")
        )
        assert (found.sort, found.finding) == (Sort.PERSON, None)


def test_a_wish_to_leave_is_known_by_its_whole_subject() -> None:
    token = "aB3_-" * 6 + "Zz"
    found = sort(plain("Ann <ann@example.com>", f"unsubscribe {token}", ""))
    assert (found.sort, found.leave) == (Sort.LEAVING, token)
    for subject in (f"please unsubscribe {token}", f"unsubscribe {token}x", "unsubscribe", f"Re: unsubscribe {token}"):
        assert sort(plain("Ann <ann@example.com>", subject, "")).sort is not Sort.LEAVING


def test_what_looks_like_a_report_and_says_nothing_known_is_not_understood() -> None:
    found = sort(plain("MAILER-DAEMON@mx.example", "A notice of the mail system", "Bleep."))
    assert (found.sort, found.finding, found.tokens) == (Sort.STRANGE, None, (TOKEN,))


def test_of_several_recipients_the_worst_fate_is_told() -> None:
    status = recipient("delivered", "2.0.0") + "\n\n" + recipient("failed", "5.1.1", "smtp; 550 5.1.1 no such user")
    finding = sort(dsn("MAILER-DAEMON@mx.example", "Report", "x", status)).finding
    assert finding is not None
    assert (finding.kind, finding.cause) == (Kind.BOUNCED, Cause.INVALID)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_report_is_read(encoding: str) -> None:
    import base64
    import quopri

    status = f"Reporting-MTA: dns; mx.example\n\n{recipient('failed', '5.1.1', 'smtp; 550 5.1.1 no such user')}\n".encode()
    body = base64.encodebytes(status) if encoding == "base64" else quopri.encodestring(status)
    mail = dsn("MAILER-DAEMON@mx.example", "Report", "x", "STATUS")
    before, _, after = mail.partition("Content-Type: message/delivery-status\n\n")
    encoded = f"{before}Content-Type: message/delivery-status\nContent-Transfer-Encoding: {encoding}\n\n{body.decode()}"
    finding = sort(encoded + "\n--B1--\n" + after[:0]).finding
    assert finding is not None
    assert finding.cause is Cause.INVALID


def test_the_address_it_was_delivered_to_goes_before_what_the_mail_says() -> None:
    mail = plain("MAILER-DAEMON@mx.example", "failure notice", "no such user")
    assert sort(mail, to(OTHER).upper()).tokens == (OTHER,)
    assert sort(mail).tokens == (TOKEN,)


def test_a_date_out_of_reach_is_not_believed() -> None:
    for written in ("Mon, 23 Nov 2099 10:00:00 +0000", "Thu, 01 Jan 1970 00:00:00 +0000", "soon", "Mon, 99 Nov 2026"):
        assert sort(plain("MAILER-DAEMON@mx.example", "failure notice", "no such user").replace(WRITTEN, written)).at == NOW


def test_whatever_arrives_is_looked_at_within_bounds_and_nothing_is_raised() -> None:
    seed = random.randrange(10**6)
    draw = random.Random(seed)
    whole = [one.raw(to()) for one in SPECIMENS] + [mail.encode() for mail in AUTOMATIC] + [feedback("abuse").encode()]
    for _ in range(400):
        raw = bytearray(draw.choice(whole))
        for _ in range(draw.randrange(1, 30)):
            at = draw.randrange(len(raw))
            match draw.randrange(3):
                case 0:
                    raw[at] = draw.randrange(256)
                case 1:
                    del raw[at : at + draw.randrange(40)]
                case _:
                    raw[at:at] = raw[draw.randrange(len(raw)) :][: draw.randrange(60)]
        found = sort_mail(bytes(raw), BASE, NOW)
        assert isinstance(found.sort, Sort), f"seed {seed}"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 1000,
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\n" * 100_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5_000)),
        b"Subject: =?utf-8?b?" + b"A" * 100_000 + b"?=\n\n",
        b"Subject: =?x-unknown?q?=FF?=\nContent-Type: text/plain; charset=nonsense\n\n\xff\xfe",
        b"From: a" + b"@" * 200_000 + b"\n\nx",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary\n\n" + b"Action: failed\n" * 50_000,
        b"x" * (3 * LARGEST),
    ],
)
def test_a_mail_that_means_harm_costs_little(raw: bytes) -> None:
    mail = take_apart(raw)
    assert len(mail.text) <= 40 * 64_000
    assert sort_mail(raw, BASE, NOW).finding is None or b"failed" in raw


def test_a_line_of_nothing_but_dashes_is_read_once() -> None:
    raw = b"From: MAILER-DAEMON@x.example\nSubject: Undeliverable\n\nuser unknown\n" + b"-" * 60_000 + b"\n-- original message\n"
    before = time.process_time()
    assert sort(raw).sort is Sort.REPORT
    assert time.process_time() - before < 10  # tried from each of them: minutes


def test_a_mail_that_is_kept_above_a_line_of_dashes_is_no_part_of_what_is_said() -> None:
    for line in ("---- Original message ----", "--original message", "> -- forwarded by x", "-- unsent message follows"):
        raw = plain("MAILER-DAEMON@x.example", "Undeliverable", f"mailbox full\n{line}\nno such user\n")
        found = sort(raw.replace("{to}", to())).finding
        assert (found is not None and found.words.startswith("mailbox full"), found is not None and "such" in found.words) == (
            True,
            False,
        ), line


def test_half_a_character_is_none() -> None:
    raw = plain("MAILER-DAEMON@x.example", "Undeliverable", "no such user +2AA- here").replace("{to}", to())
    head_, _, body = raw.partition("\n\n")
    raw = f"{head_.replace('text/plain', 'text/plain; charset=utf-7').replace('utf-8', 'utf-7')}\n\n{body}"
    event = sort(raw).event(TOKEN)
    assert event is not None
    assert event.words.encode()
    assert "no such user" in event.words


def test_an_event_of_a_mail_is_the_same_however_often_it_is_read() -> None:
    raw = SPECIMENS[0].raw(to())
    later = sort_mail(raw, BASE, NOW + timedelta(days=3)).event(TOKEN)
    assert sort_mail(raw, BASE, NOW).event(TOKEN) == later
