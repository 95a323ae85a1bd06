"""A provider that knows a delivery's id again: what is unknown goes out again by itself, and arrives once."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from digest.delivery.providers.answer import Outcome
from digest.delivery.sending import Sender, Sent
from digest.issues.issue import Issue, issue_by_id
from digest.settings import Delivery
from digest.testing.fake_provider import FakeProvider, answer_in_turn
from tests.issues.newsroom import Newsroom, a_newsroom


def send(room: Newsroom, provider: FakeProvider, issue: Issue) -> Sent:
    """One send, as a run makes it."""
    sender = Sender(
        store=room.store,
        providers=(provider,),
        settings=Delivery(provider="fake", concurrency=1, patience=timedelta(0)),
        key=b"k" * 32,
        public_url="https://news.example",
        owner="test",
        now=room.now,
        stop=threading.Event(),
    )
    with room.store.reading() as connection:
        found = issue_by_id(connection, issue.id)
    return sender.send(found, others_are_dead=True)


@pytest.mark.parametrize(("life", "tries", "unknown"), [(timedelta(hours=24), 2, 0), (timedelta(0), 1, 1)])
@pytest.mark.parametrize("arrives", [True, False])
def test_the_same_key_goes_again_where_the_provider_knows_it_and_nowhere_else(
    tmp_path: Path, life: timedelta, tries: int, unknown: int, arrives: bool
) -> None:
    with a_newsroom(tmp_path) as room:
        for name in ("ann", "bob"):
            room.join(name)
        room.arrive("a")
        issue = room.approve(room.freeze())
        provider = FakeProvider(answer_in_turn(Outcome.UNKNOWN), unknown_arrives=arrives, idempotent_for=life)
        assert send(room, provider, issue).account["unknown"] == 1
        assert send(room, provider, issue).account["unknown"] == unknown
        assert max(Counter(one for sent in provider.sends for one in sent).values()) == tries
        assert set(Counter(provider.carried).values()) == {1}
        assert len(provider.carried) == 2 - (unknown and not arrives)
