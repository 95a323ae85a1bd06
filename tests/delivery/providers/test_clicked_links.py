"""Where a click leads, as each service tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from digest.delivery.event import Kind
from digest.delivery.providers import mailgun_events, postmark_events, resend_events, sendgrid_events, ses_events
from digest.delivery.providers.port import EventsRead

LINK = "https://n.example/a?utm_source=mail"
IDS = {"delivery_id": "0" * 32, "attempt_id": "1", "seal": "0" * 16}
AT, SECONDS = "2026-11-23T09:00:00Z", 1795424400
ENTRIES: list[tuple[Callable[[Sequence[Any]], EventsRead], dict[str, Any]]] = [
    (sendgrid_events.read_events, {"event": "click", "timestamp": SECONDS, "sg_message_id": "m", "url": LINK} | IDS),
    (
        mailgun_events.read_events,
        {
            "event": "clicked",
            "timestamp": SECONDS,
            "url": LINK,
            "user-variables": IDS,
            "message": {"headers": {"message-id": "m"}},
        },
    ),
    (
        postmark_events.read_events,
        {"RecordType": "Click", "ReceivedAt": AT, "MessageID": "m", "OriginalLink": LINK, "Metadata": IDS},
    ),
    (
        resend_events.read_events,
        {"type": "email.clicked", "created_at": AT, "data": {"email_id": "m", "tags": IDS, "click": {"link": LINK}}},
    ),
    (
        ses_events.read_events,
        {
            "eventType": "Click",
            "mail": {"messageId": "m", "tags": {name: [value] for name, value in IDS.items()}},
            "click": {"timestamp": AT, "link": LINK},
        },
    ),
]


@pytest.mark.parametrize(("read", "entry"), ENTRIES)
def test_a_click_says_where_it_leads(read: Callable[[Sequence[Any]], EventsRead], entry: dict[str, Any]) -> None:
    found = read([entry])
    assert [(event.kind, event.link) for event in found.events] == [(Kind.CLICKED, LINK)], found.faults


def test_a_link_is_told_of_clicks_alone_and_within_reason() -> None:
    read, click = ENTRIES[0]
    assert read([click | {"event": "open"}]).events[0].link == ""
    assert read([click | {"url": "https://n.example/" + "a" * 2000}]).events[0].link == ""
    assert read([click | {"url": 7}]).events[0].link == ""
