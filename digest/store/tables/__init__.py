"""Every table of the database, and the constraints that keep the promises.

Times are UTC, ISO 8601 text with microseconds, so that they sort as they read on every store. Lists are
canonical text: topics and article ids sorted and separated by spaces, so that equal sets are equal text and
grouping by them is a plain GROUP BY.
"""

from __future__ import annotations

from digest.store.tables.audience import (
    coverage,
    erased_suppression,
    had_already,
    lifted_suppression,
    subscriber,
    subscription,
    succession,
    suppression,
    topic_tags,
)
from digest.store.tables.catalogue import article, article_key, link_answer, source
from digest.store.tables.columns import Instant, Json, instant_text, metadata
from digest.store.tables.consent import address_change, asking, consent, question
from digest.store.tables.editors import api_token, audit, editor_link, editor_session, issue_edits
from digest.store.tables.figures import figure
from digest.store.tables.guards import halt, provider_day, send_epoch
from digest.store.tables.issues import ISSUE_STATES, decision, issue, issue_blocks, issue_content, issue_history, issue_withdrawal
from digest.store.tables.ledger import DELIVERY_STATES, batch, canary_left, delivery, history, owed_anew, provider_pace
from digest.store.tables.letters import letter, tally
from digest.store.tables.mailed import returned_mail
from digest.store.tables.notices import notice, notice_call, notice_point
from digest.store.tables.plans import audience_group, rendition, rendition_article
from digest.store.tables.reports import REPORT_STATES, event, report
from digest.store.tables.runs import last_run

__all__ = [
    "DELIVERY_STATES",
    "ISSUE_STATES",
    "REPORT_STATES",
    "Instant",
    "Json",
    "address_change",
    "api_token",
    "article",
    "article_key",
    "asking",
    "audience_group",
    "audit",
    "batch",
    "canary_left",
    "consent",
    "coverage",
    "decision",
    "delivery",
    "editor_link",
    "editor_session",
    "erased_suppression",
    "event",
    "figure",
    "had_already",
    "halt",
    "history",
    "instant_text",
    "issue",
    "issue_blocks",
    "issue_content",
    "issue_edits",
    "issue_history",
    "issue_withdrawal",
    "last_run",
    "letter",
    "lifted_suppression",
    "link_answer",
    "metadata",
    "notice",
    "notice_call",
    "notice_point",
    "owed_anew",
    "provider_day",
    "provider_pace",
    "question",
    "rendition",
    "rendition_article",
    "report",
    "returned_mail",
    "send_epoch",
    "source",
    "subscriber",
    "subscription",
    "succession",
    "suppression",
    "tally",
    "topic_tags",
]
