"""SendGrid's Event Webhook, read: every documented kind, and whatever else may come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.event import Cause, Kind
from digest.delivery.providers.registry import find_event_reader
from digest.delivery.providers.sendgrid_events import KINDS, read_events
from digest.errors import UsageError


def entry(event: Any = "delivered", **rest: Any) -> dict[str, Any]:
    """One entry as SendGrid posts it, with our custom arguments."""
    return {
        "email": "Ann@x.example",
        "timestamp": 1795424400,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": event,
        "category": ["weekly/12"],
        "sg_event_id": "ZGVsaXZlcmVkLTA",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "delivery_id": "0123456789abcdef" * 2,
        "attempt_id": "2",
        "seal": "0123456789abcdef",
    } | rest


def test_a_delivery_comes_with_everything_that_tells_it_apart() -> None:
    (event,) = read_events([entry()]).events
    assert (event.delivery_id, event.seal, event.attempt) == ("0123456789abcdef" * 2, "0123456789abcdef", 2)
    assert (event.kind, event.occurred_at) == (Kind.DELIVERED, datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert event.provider_message_id == "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_each_documented_kind_has_its_word(name: str, kind: Kind) -> None:
    assert [event.kind for event in read_events([entry(name)]).events] == [kind]


@pytest.mark.parametrize(
    ("event", "rest", "cause"),
    [
        ("bounce", {"type": "bounce"}, Cause.BOUNCED),
        ("bounce", {"type": "blocked"}, Cause.BLOCKED),
        ("bounce", {"type": "expired"}, Cause.TIMED_OUT),
        ("bounce", {}, Cause.OTHER),
        ("dropped", {"reason": "Bounced Address"}, Cause.BOUNCED),
        ("dropped", {"reason": "Unsubscribed Address"}, Cause.UNSUBSCRIBED),
        ("dropped", {"reason": "Spam Reporting Address"}, Cause.SPAM),
        ("dropped", {"reason": "Invalid"}, Cause.INVALID),
        ("dropped", {"reason": "Recipient List over Package Quota"}, Cause.OTHER),
        ("deferred", {"reason": "later"}, None),
    ],
)
def test_why_a_mail_was_dropped_or_bounced(event: str, rest: dict[str, str], cause: Cause | None) -> None:
    assert [one.reason for one in read_events([entry(event, **rest)]).events] == [cause]


def test_the_services_words_are_kept_on_one_line_and_without_the_address() -> None:
    words = "550 5.1.1 <ann@x.example>:\r\n no such user\x00" + "x" * 2000
    (event,) = read_events([entry("bounce", type="bounce", reason=words)]).events
    assert event.words.startswith("550 5.1.1 <address>: no such user")
    assert "ann@" not in event.words
    assert len(event.words) <= 500


def test_unknown_kinds_and_mails_that_are_of_no_issue_are_counted() -> None:
    test_mail = {key: value for key, value in entry().items() if key not in {"delivery_id", "attempt_id", "seal"}}
    read = read_events([entry("group_resubscribe"), entry("moon"), test_mail, entry()])
    assert (len(read.events), read.ignored, read.faults) == (1, 3, ())


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "delivered",
        [],
        {},
        entry(event=7),
        entry(event=None),
        entry(delivery_id=["a"]),
        entry(delivery_id="0" * 31),
        entry(delivery_id="' OR 1=1 --"),
        entry(seal="f" * 17),
        entry(seal=None),
        entry(attempt_id=2),
        entry(attempt_id="0"),
        entry(attempt_id="٣"),
        entry(attempt_id="9" * 30),
        entry(sg_message_id=None),
        entry(sg_message_id="a\nb"),
        entry(sg_message_id="x" * 201),
        entry(timestamp="1795424400"),
        entry(timestamp=True),
        entry(timestamp=-1),
        entry(timestamp=10**30),
        entry(timestamp=float("nan")),
        entry(timestamp=float("inf")),
    ],
)
def test_a_bad_entry_is_a_fault_and_stops_only_itself(bad: Any) -> None:
    read = read_events([entry(), bad, entry("open")])
    assert [event.kind for event in read.events] == [Kind.DELIVERED, Kind.OPENED]
    (fault,) = read.faults
    assert fault.startswith("entry 1: ")
    assert len(fault) < 100


def test_faults_are_bounded() -> None:
    read = read_events([None] * 1000)
    assert (len(read.faults), read.faults[-1]) == (21, "and 980 more")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(JSON | st.builds(lambda changes: entry() | changes, st.dictionaries(st.sampled_from(sorted(entry())), JSON))))
def test_whatever_comes_it_never_raises(entries: list[Any]) -> None:
    read = read_events(entries)
    assert len(read.events) + read.ignored <= len(entries)


def test_a_provider_that_reports_nothing_says_so() -> None:
    assert find_event_reader("sendgrid") is read_events
    with pytest.raises(UsageError, match="smtp reports no events"):
        find_event_reader("smtp")
