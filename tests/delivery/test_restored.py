"""What was restored under a sender that lives, in the mark itself: nothing of it is sent before a person says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.delivery.refusals import NotSendable
from digest.store.epoch import SendEpoch, mark_restored
from tests.issues.newsroom import LEASE, MONDAY, a_newsroom
from tests.marking import mark_batch


def test_nothing_is_marked_in_what_was_restored_until_a_person_confirms_it(tmp_path: Path, database: object) -> None:
    with a_newsroom(tmp_path) as newsroom:
        newsroom.join("u0")
        newsroom.arrive("a")
        ledger = newsroom.ledger(newsroom.planned())
        with newsroom.store.writing() as connection:
            found = ledger.claim(connection, 4, now=MONDAY, lease=LEASE)
            assert found is not None
            mark_restored(connection)
            with pytest.raises(NotSendable, match="was restored from a backup"):
                mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY)
        SendEpoch(newsroom.store, tmp_path / "digest.epoch").confirm()
        with newsroom.store.writing() as connection:
            assert len(mark_batch(ledger, connection, found[0].batch, found[0].recipients, now=MONDAY)) == 1
