"""Ids and links of one delivery."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.providers.port import seals
from digest.delivery.providers.smtp import Smtp
from digest.delivery.recipient import Recipient
from digest.issues.issue import Issue
from digest.issues.lifecycle import IssueState
from digest.testing.specimens import a_rendition, some_settings

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ISSUE = Issue(
    id=1,
    newsletter="weekly",
    number=12,
    frequency="weekly",
    slot="2026-11-23T09:00",
    slot_at=AT,
    state=IssueState.SENDING,
    reason=None,
    cutoff=9,
    frozen_at=AT,
    revision=1,
    subject="S",
    content_hash="h",
    approved_hash="h",
    approved_by=None,
    approved_at=None,
    audience=1,
    paused_readers=0,
    audience_confirmed=None,
    sub_revision=0,
    canary_until=None,
    planned_at=AT,
    settled_at=None,
    finished_at=None,
)
ANN = Recipient(subscriber_id=7, subscription_id=70, address="ann@x.example", email="Ann@x.example", name="Ann", attempts=0)


def maker(*, issue: Issue = ISSUE, key: bytes = b"k" * 32) -> EnvelopeMaker:
    return EnvelopeMaker(key, "https://news.example", issue)


MAKER = maker()
RENDITION = a_rendition()


def test_a_delivery_keeps_its_id_whatever_number_or_state_its_issue_comes_to() -> None:
    other = replace(ISSUE, id=99, number=13, revision=5, state=IssueState.PAUSED, content_hash="other")
    assert maker(issue=other).delivery_id(7) == MAKER.delivery_id(7)


def test_where_no_seal_travels_none_is_made_and_nothing_else_is_different() -> None:
    unsealed = EnvelopeMaker(b"k" * 32, "https://news.example", ISSUE, seals=False).make(ANN, RENDITION)
    assert unsealed == replace(MAKER.make(ANN, RENDITION), seal="")
    assert unsealed.seal != MAKER.make(ANN, RENDITION).seal
    relay = {"host": "127.0.0.1", "security": "none"}
    assert [seals(Smtp(some_settings(providers={"smtp": relay | more}))) for more in ({}, {"bounce_address": "b@x.example"})] == [
        False,
        True,
    ]
    assert seals(object())  # any other provider's, unless it says so


def test_every_delivery_has_an_id_of_its_own() -> None:
    issues = (
        ISSUE,
        replace(ISSUE, newsletter="other"),
        replace(ISSUE, frequency="daily"),
        replace(ISSUE, slot="2026-11-30T09:00"),
    )
    ids = [maker(issue=issue).delivery_id(one) for issue in issues for one in (1, 11, 7)]
    assert len(set(ids)) == len(ids)
    assert maker(key=b"other" * 8).delivery_id(7) != MAKER.delivery_id(7)


def test_an_id_is_opaque() -> None:
    envelope = MAKER.make(ANN, RENDITION)
    assert len(envelope.delivery_id) == 32
    assert int(envelope.delivery_id, 16)
    assert "ann" not in envelope.delivery_id


def test_another_attempt_differs_by_its_attempt_alone() -> None:
    first, second = MAKER.make(ANN, RENDITION), MAKER.make(ANN._replace(attempts=1), RENDITION)
    assert (first.attempt_id, second.attempt_id) == ("1", "2")
    assert replace(second, attempt_id="1") == first


def test_links_are_of_the_subscription_and_carry_no_address() -> None:
    personal = MAKER.make(ANN, RENDITION).personal
    assert (personal.greeting, personal.email) == ("Hello Ann,", "Ann@x.example")
    assert MAKER.make(ANN._replace(name=None), RENDITION).personal.greeting == "Hello,"
    assert personal.unsubscribe_url != personal.preferences_url
    for url in (personal.unsubscribe_url, personal.preferences_url):
        assert url.startswith("https://news.example/")
        assert "ann" not in url.lower().removeprefix("https://")
    assert MAKER.make(ANN._replace(subscription_id=71), RENDITION).personal.unsubscribe_url != personal.unsubscribe_url
