"""Codes and words become causes, by a table; what says nothing of the address cuts nobody off."""

from __future__ import annotations

import pytest

from digest.delivery.event import Cause
from digest.delivery.mailed.diagnosis import BY_STATUS, by_words, cause_of

I, O, T, L, S = Cause.INVALID, Cause.OTHER, Cause.TIMED_OUT, Cause.BLOCKED, Cause.SPAM  # noqa: E741  # a table is read by short names


@pytest.mark.parametrize(
    ("status", "words", "cause"),
    [
        # The code says it.
        ("5.1.1", "550 5.1.1 nope", I),
        ("5.1.2", "", I),
        ("5.1.10", "550 5.1.10 null MX", I),
        ("5.2.1", "550 5.2.1 mailbox disabled", I),
        ("5.2.2", "552 5.2.2 mailbox full", O),
        ("5.1.8", "550 5.1.8 sender's domain not found", L),
        ("5.7.26", "550 5.7.26 unauthenticated", L),
        ("4.4.7", "delivery time expired", T),
        # A transient one that ended says nothing of the address.
        ("4.1.1", "450 4.1.1 user unknown", T),
        ("4.2.1", "450 4.2.1 receiving too much", O),
        ("4.2.2", "452 4.2.2 over quota", O),
        ("4.7.1", "451 4.7.1 greylisted, try again later", L),
        ("4.4.1", "connection timed out", T),
        # A code that systems use for anything: the words say it.
        ("5.0.0", "550 no such user here", I),
        ("5.0.0", "554 Host network not allowed", L),
        ("5.2.0", "550 Unknown user", I),
        ("5.3.0", "553 5.3.0 <a@b>... Addressee unknown", I),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", I),
        ("5.5.0", "550 5.5.0 mailbox unavailable", I),
        ("5.7.1", "550 5.7.1 message looks like spam", S),
        ("5.7.1", "554 5.7.1 client host blocked using zen.spamhaus.org", L),
        ("5.7.9", "554 5.7.9 Message not accepted for policy reasons", L),
        ("5.7.1", "550 5.7.1 no such user", I),
        # A code for an address, and words that are about the sender: they are believed.
        ("5.1.1", "550 5.1.1 your host is blocked, see our block list", L),
        # No code at all.
        ("", "550 Requested action not taken: mailbox unavailable", I),
        ("", "this account is over quota", O),
        ("", "user unknown, and the mailbox was over quota", O),  # in doubt the softer one
        ("", "connect to mx: connection refused", T),
        ("", "Host or domain name not found", I),
        ("", "550 computer says no", O),
        ("", "the weather is fine", None),
        # What looks like a code and is none.
        ("", "client 5.1.1.7 said nothing", None),
        ("", "version 2.5.1.1", None),
        # Nothing but a class is known.
        ("5.6.1", "conversion", S),
        ("5.7.0", "no", L),
        ("5.2.9", "no", O),
        ("5.9.9", "no", O),
    ],
)
def test_a_refusal_has_its_cause(status: str, words: str, cause: Cause | None) -> None:
    assert cause_of(status, words) is cause


def test_what_the_mail_tells_people_decides_where_the_system_says_nothing() -> None:
    assert cause_of("5.0.0", "", "Reason: recipient reached disk quota") is O
    assert cause_of("", "", "550 5.1.1 no such user") is I


def test_no_code_for_the_senders_sake_counts_as_a_hard_bounce() -> None:
    assert {BY_STATUS[detail] for detail in BY_STATUS if detail.startswith("7.")} <= {L, I}
    assert {detail for detail, cause in BY_STATUS.items() if cause is I} == {
        *("1.1", "1.2", "1.3", "1.6", "1.10", "2.1", "4.4", "7.13", "7.17", "7.18")
    }


def test_long_words_cost_little() -> None:
    assert by_words("mailbox " * 100_000) is None
