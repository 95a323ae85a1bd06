"""The audience: who gets what, who must not be mailed, and the links that let them change it.

What is named here is loaded when it is first asked for: who makes links alone needs neither the store nor the lists.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digest.audience.exporting import ExportReport, export_csv
    from digest.audience.finding import Listed, count, find_subscriber, list_subscribers, subscriptions_of
    from digest.audience.import_report import BadRow, ImportReport
    from digest.audience.importing import import_csv
    from digest.audience.joining import Outcome
    from digest.audience.leaving import end, leave_topic
    from digest.audience.links import leave_topic_url, preferences_url, unsubscribe_url
    from digest.audience.people import Joined, subscribe
    from digest.audience.subscriber import Subscriber
    from digest.audience.subscription import Subscription, SubscriptionState
    from digest.audience.suppression import EVERYTHING, is_suppressed, suppress
    from digest.audience.text_file import reading_lines
    from digest.audience.tokens import Purpose, derive_key, make_token, read_token
    from digest.audience.topics import ALL_TOPICS, parse_topics

__all__ = [
    "ALL_TOPICS",
    "EVERYTHING",
    "BadRow",
    "ExportReport",
    "ImportReport",
    "Joined",
    "Listed",
    "Outcome",
    "Purpose",
    "Subscriber",
    "Subscription",
    "SubscriptionState",
    "count",
    "derive_key",
    "end",
    "export_csv",
    "find_subscriber",
    "import_csv",
    "is_suppressed",
    "leave_topic",
    "leave_topic_url",
    "list_subscribers",
    "make_token",
    "parse_topics",
    "preferences_url",
    "read_token",
    "reading_lines",
    "subscribe",
    "subscriptions_of",
    "suppress",
    "unsubscribe_url",
]

_HOMES = {
    "reading_lines": "text_file",
    "ExportReport": "exporting",
    "export_csv": "exporting",
    "Listed": "finding",
    "count": "finding",
    "find_subscriber": "finding",
    "list_subscribers": "finding",
    "subscriptions_of": "finding",
    "BadRow": "import_report",
    "ImportReport": "import_report",
    "import_csv": "importing",
    "Outcome": "joining",
    "end": "leaving",
    "leave_topic": "leaving",
    "leave_topic_url": "links",
    "preferences_url": "links",
    "unsubscribe_url": "links",
    "Joined": "people",
    "subscribe": "people",
    "Subscriber": "subscriber",
    "Subscription": "subscription",
    "SubscriptionState": "subscription",
    "EVERYTHING": "suppression",
    "is_suppressed": "suppression",
    "suppress": "suppression",
    "Purpose": "tokens",
    "derive_key": "tokens",
    "make_token": "tokens",
    "read_token": "tokens",
    "ALL_TOPICS": "topics",
    "parse_topics": "topics",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
