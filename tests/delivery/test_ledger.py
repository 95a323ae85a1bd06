"""The ledger on a real database: compare-and-set, taking over, and accounts that balance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy import select, update

from digest.app.fetching import fetch
from digest.app.issuing import approve, coming_slot, draft
from digest.audience.suppression import suppress
from digest.delivery import statements as hot
from digest.delivery import upkeep
from digest.delivery.account import account
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.ledger import NOT_HANDED_OVER
from digest.delivery.plan import plan
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.recipient import Recipient
from digest.delivery.refusals import LeaseLost, NotSendable
from digest.delivery.settling import conclude
from digest.delivery.steps import Mark, Settle
from digest.delivery.transitions import DeliveryState
from digest.errors import DigestError
from digest.issues.issue import find_issue, frozen_of
from digest.store import tables
from digest.store.prepared import Prepared
from digest.testing.specimens import a_rendition
from tests.databases import statements
from tests.delivery.planned import LEASE, NOW, Planned, a_planned_issue
from tests.journeys.project import MONDAY, a_project, article
from tests.marking import mark_batch

pytestmark = pytest.mark.usefixtures("database")

ACCEPTED, UNKNOWN = Outcome.ACCEPTED, Outcome.UNKNOWN


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Planned]:
    with a_planned_issue(tmp_path) as made:
        yield made


def test_a_claim_holds_one_rendition_and_two_owners_never_the_same(planned: Planned) -> None:
    one, other, third = planned.claim("one", 3)[1], planned.claim("two", 3)[1], planned.claim("two", 3)[1]
    assert (len(one), len(other), len(third)) == (3, 1, 2)
    assert len({*one, *other, *third}) == 6
    assert planned.ledger().claim(planned.connection, 3, now=NOW, lease=LEASE) is None


def test_a_mark_leaves_out_who_left_or_was_suppressed_meanwhile(planned: Planned) -> None:
    batch, whose = planned.claim()
    leaves = tables.subscription.c.subscriber_id == whose[0]
    planned.connection.execute(update(tables.subscription).where(leaves).values(state="unsubscribed"))
    suppress(planned.connection, f"u{whose[1] - 1}@x.example", "weekly", reason="bounced", source="test", now=NOW)
    assert mark_batch(planned.ledger(), planned.connection, batch, whose, now=NOW) == whose[2:]
    assert planned.states()[:4] == ["cancelled", "suppressed", "sending", "sending"]


@pytest.mark.parametrize(
    ("values", "said"), [({"state": "paused"}, "the issue is paused"), ({"content_hash": "other"}, "not what would go out")]
)
def test_nothing_is_marked_of_an_issue_that_may_not_be_sent(planned: Planned, values: dict[str, str], said: str) -> None:
    batch, whose = planned.claim()
    planned.connection.execute(update(tables.issue).values(**values))
    with pytest.raises(NotSendable, match=said):
        mark_batch(planned.ledger(), planned.connection, batch, whose, now=NOW)
    assert set(planned.states()) == {"claimed", "planned"}


def test_nothing_is_marked_after_the_lease_or_by_somebody_else(planned: Planned) -> None:
    batch, whose = planned.claim()
    for owner, now in (("one", NOW + LEASE), ("two", NOW)):
        with pytest.raises(LeaseLost):
            mark_batch(planned.ledger(owner), planned.connection, batch, whose, now=now)
    assert planned.ledger().renew(planned.connection, batch, now=NOW, lease=2 * LEASE, deadline=NOW + 2 * LEASE)
    assert mark_batch(planned.ledger(), planned.connection, batch, whose, now=NOW + LEASE) == whose


def test_each_outcome_is_written_down_and_the_account_balances(planned: Planned) -> None:
    batch, whose = planned.claim()
    mark_batch(planned.ledger(), planned.connection, batch, whose, now=NOW)
    planned.settle(batch, whose, ACCEPTED, Outcome.REJECTED, Outcome.DEFERRED, UNKNOWN)
    planned.ledger().finish(planned.connection, batch, now=NOW)
    assert planned.states() == ["accepted", "rejected", "deferred", "unknown", "planned", "planned"]
    issue = find_issue(planned.connection, "weekly/1")
    counted = {state: count for state, count in account(planned.connection, issue).items() if count}
    assert counted == {"accepted": 1, "rejected": 1, "deferred": 1, "unknown": 1, "planned": 2}
    planned.connection.execute(tables.delivery.delete().where(tables.delivery.c.subscriber_id == whose[0]))
    with pytest.raises(DigestError, match="does not balance: 5 deliveries, 6 planned"):
        account(planned.connection, issue)


def test_a_sweep_goes_by_lease_and_deadline_or_at_once_when_nobody_else_lives(planned: Planned) -> None:
    batch, whose = planned.claim("dead")
    ledger = planned.ledger("dead")
    ledger.renew(planned.connection, batch, now=NOW, lease=LEASE, deadline=NOW + timedelta(minutes=10))
    mark_batch(ledger, planned.connection, batch, whose[:1], now=NOW)
    me = planned.ledger("me")
    assert upkeep.sweep(planned.connection, me, now=NOW, others_are_dead=False) == upkeep.Swept(0, 0)
    assert upkeep.sweep(planned.connection, me, now=NOW + LEASE, others_are_dead=False) == upkeep.Swept(3, 0)
    assert upkeep.sweep(planned.connection, me, now=NOW + LEASE, others_are_dead=True) == upkeep.Swept(0, 1)
    assert planned.states()[0] == "unknown"


def test_an_answer_that_comes_after_the_sweep_is_evidence_and_never_overwrites_accepted(planned: Planned) -> None:
    batch, whose = planned.claim("slow")
    mark_batch(planned.ledger("slow"), planned.connection, batch, whose, now=NOW)
    upkeep.sweep(planned.connection, planned.ledger("me"), now=NOW, others_are_dead=True)
    planned.settle(batch, whose, ACCEPTED, ACCEPTED, Outcome.REJECTED, Outcome.DEFERRED, owner="slow")
    assert planned.states()[:4] == ["accepted", "accepted", "rejected", "planned"]
    planned.settle(batch, whose, Outcome.REJECTED, UNKNOWN, ACCEPTED, ACCEPTED, owner="slow")
    assert planned.states()[:4] == ["accepted", "accepted", "rejected", "planned"]


def test_people_come_with_the_claim_and_ids_are_opaque_and_stable(planned: Planned) -> None:
    found = planned.ledger().claim(planned.connection, 1, now=NOW, lease=LEASE)
    assert found is not None
    (person,) = found[1]
    assert (person.address, person.attempts) == ("u0@x.example", 0)
    maker = EnvelopeMaker(b"k" * 32, "https://news.example", planned.issue)
    first, again = (maker.make(one, a_rendition()) for one in (person, Recipient(*person)))
    assert first == again
    assert "u0" not in first.delivery_id
    assert maker.delivery_id(person.subscriber_id + 1) != first.delivery_id


def test_settling_moves_everybody_and_owes_what_was_not_got(planned: Planned) -> None:
    for owner in ("a", "b"):
        batch, whose = planned.claim(owner)
        mark_batch(planned.ledger(owner), planned.connection, batch, whose, now=NOW)
        outcomes = [Outcome.REJECTED if one == 1 else UNKNOWN if one == 2 else ACCEPTED for one in whose]
        planned.settle(batch, whose, *outcomes, owner=owner)
    issue = conclude(planned.connection, find_issue(planned.connection, "weekly/1"), now=NOW)
    assert (issue.state, issue.settled_at) == ("sending", NOW)  # one is unknown
    row = tables.subscription.c
    found = planned.connection.execute(select(row.coverage, row.owed).order_by(row.subscriber_id)).all()
    rejected, *others = [tuple(one) for one in found]
    assert others == [(issue.cutoff, "")] * 5
    assert rejected[0] == issue.cutoff
    assert rejected[1].endswith("@1")
    ledger = planned.ledger("me")
    assert upkeep.resolve(planned.connection, ledger, [2], DeliveryState.REJECTED, now=NOW, reason="said so") == 1
    assert conclude(planned.connection, issue, now=NOW).state == "sent"
    owed = planned.connection.execute(select(row.owed).where(row.subscriber_id == 2)).scalar_one()
    assert owed == rejected[1]


def test_the_plan_does_not_ask_more_of_the_store_for_a_larger_audience(tmp_path: Path) -> None:
    counts = []
    for many in (20, 400):
        folder = tmp_path / str(many)
        folder.mkdir()
        with a_project(folder) as project:
            rows = "".join(f"u{number}@x.example,python,yes\n" for number in range(many))
            (folder / "people.csv").write_text("email,topics,confirmed\n" + rows, encoding="utf-8")
            assert project.command("subscribers", "import", "people.csv").returncode == 0
            project.offer(article("a"))
            with project.app() as app:
                fetch(app)
                newsletter = app.settings.newsletters[0]
                frequency = newsletter.frequencies[0]
                issue = approve(app, draft(app, newsletter, frequency, coming_slot(app, newsletter, frequency), "t"), "t")
                with app.store.writing() as connection, statements(connection) as asked:
                    assert plan(connection, issue, frozen_of(connection, issue), now=MONDAY) == many
        # PostgreSQL gathers statistics by itself, too, whenever it likes: how many tables had none is no matter of the audience.
        gathering = [one for one in asked if one.startswith("ANALYZE")]
        assert len(gathering) == len(set(gathering))
        counts.append(len(asked) - len(gathering))
    assert counts[0] == counts[1]


def attempts(planned: Planned) -> list[int]:
    row = tables.delivery.c
    return list(planned.connection.execute(select(row.attempts).order_by(row.subscriber_id)).scalars())


def test_what_was_not_handed_over_was_no_attempt_and_is_planned_again(planned: Planned) -> None:
    batch, whose = planned.claim()
    mark_batch(planned.ledger(), planned.connection, batch, whose, now=NOW)
    planned.ledger().take_back(planned.connection, batch, whose[1:], now=NOW)
    assert sorted(planned.states()) == ["planned"] * 5 + ["sending"]
    assert sum(attempts(planned)) == 1
    line = tables.history.c
    told = planned.connection.execute(select(line.to_state, line.count, line.reason).where(line.from_state == "claimed")).all()
    assert [tuple(one) for one in told] == [("planned", len(whose) - 1, NOT_HANDED_OVER)]
    assert planned.claim()[1] == whose[1:]


def test_that_it_was_not_handed_over_is_evidence_for_what_others_gave_up_and_for_nothing_else(planned: Planned) -> None:
    batch, whose = planned.claim()
    mark_batch(planned.ledger(), planned.connection, batch, whose, now=NOW)
    upkeep.sweep(planned.connection, planned.ledger("two"), now=NOW, others_are_dead=True)
    resolved = upkeep.resolve(planned.connection, planned.ledger(), whose[:1], DeliveryState.ACCEPTED, now=NOW, reason="seen")
    again = upkeep.resolve(planned.connection, planned.ledger(), whose[1:2], DeliveryState.PLANNED, now=NOW, reason="again")
    assert (resolved, again) == (1, 1)
    other, theirs = planned.claim("two")
    assert mark_batch(planned.ledger("two"), planned.connection, other, theirs, now=NOW) == whose[1:2]
    planned.ledger().take_back(planned.connection, batch, whose, now=NOW)
    row = tables.delivery.c
    found = select(row.state, row.attempts).where(row.subscriber_id.in_(whose)).order_by(row.subscriber_id)
    assert [tuple(one) for one in planned.connection.execute(found)] == [
        ("accepted", 1),
        ("sending", 2),
        *[("planned", 0)] * (len(whose) - 2),
    ]


def test_a_finished_batch_is_neither_kept_nor_marked_of(planned: Planned) -> None:
    batch, whose = planned.claim()
    planned.ledger().finish(planned.connection, batch, now=NOW)
    assert not planned.ledger().renew(planned.connection, batch, now=NOW, lease=LEASE, deadline=NOW + LEASE)
    with pytest.raises(LeaseLost):
        mark_batch(planned.ledger(), planned.connection, batch, whose, now=NOW)
    assert "sending" not in planned.states()


def test_lanes_are_marked_and_accepted_together_and_each_is_told_of_its_own(planned: Planned) -> None:
    (mine, two), (others, one) = planned.claim(size=2), planned.claim("other", size=1)
    last, left = planned.claim(size=1)
    planned.connection.execute(
        update(tables.subscription).where(tables.subscription.c.subscriber_id == left[0]).values(state="unsubscribed")
    )
    ledger = planned.ledger()
    asked = [Mark(0, mine, tuple(two)), Mark(1, others, tuple(one)), Mark(2, last, tuple(left))]
    marked = ledger.mark(planned.connection, asked, now=NOW)
    assert (marked[0], type(marked[1]), marked[2]) == (two, LeaseLost, [])
    good = Answer((ACCEPTED, ACCEPTED))
    settles = [Settle(0, mine, tuple(two), good), Settle(1, others, tuple(one), Answer((ACCEPTED,)))]
    counted = ledger.settle(planned.connection, settles, now=NOW, retry_at={})
    assert counted == {mine: 2}
    assert planned.states() == ["accepted", "accepted", "claimed", "cancelled", "planned", "planned"]


def test_a_lane_that_lost_its_delivery_is_not_let_mark_it_through_another_of_our_batches(planned: Planned) -> None:
    lost, (one, _) = planned.claim(size=2)
    given_back = tables.delivery.c.subscriber_id == one
    planned.connection.execute(update(tables.delivery).where(given_back).values(state="planned"))  # its lease had ended
    now_held, (again,) = planned.claim(size=1)
    assert again == one
    ledger = planned.ledger()
    asked = [Mark(0, lost, (one,)), Mark(1, now_held, (one,))]
    first, second = ledger.mark(planned.connection, asked, now=NOW)
    assert (type(first), second) == (LeaseLost, [one])
    (attempts,) = planned.connection.execute(select(tables.delivery.c.attempts).where(given_back)).one()
    assert attempts == 1


def test_a_mark_of_another_of_our_batches_is_taken_back(planned: Planned) -> None:
    lost, (one, _) = planned.claim(size=2)
    given_back = tables.delivery.c.subscriber_id == one
    planned.connection.execute(update(tables.delivery).where(given_back).values(state="planned"))
    now_held, _ = planned.claim(size=1)
    other_batch, (other,) = planned.claim(size=1)
    asked = [Mark(0, lost, (one,)), Mark(1, other_batch, (other,)), Mark(2, now_held, ())]
    first, second, third = planned.ledger().mark(planned.connection, asked, now=NOW)
    assert (type(first), second, third) == (LeaseLost, [other], [])
    state, attempts, batch = planned.connection.execute(
        select(tables.delivery.c.state, tables.delivery.c.attempts, tables.delivery.c.batch_id).where(given_back)
    ).one()
    assert (state, attempts, batch) == ("claimed", 0, now_held)


def test_what_is_claimed_whole_is_marked_at_the_same_stroke(planned: Planned) -> None:
    ledger = planned.ledger()
    found = ledger.claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    claimed, people, marked = found
    assert marked == frozenset(claimed.recipients) == {person.subscriber_id for person in people}
    assert planned.states() == ["sending"] * 4 + ["planned"] * 2
    asked = [Mark(0, claimed.batch, claimed.recipients)]
    assert ledger.mark(planned.connection, asked, now=NOW, already={claimed.batch: marked}) == [list(claimed.recipients)]
    planned.settle(claimed.batch, list(claimed.recipients), *([ACCEPTED] * 4))
    ledger.finish(planned.connection, claimed.batch, now=NOW)
    assert account(planned.connection, planned.issue)["accepted"] == 4
    assert sorted(planned.connection.execute(select(tables.delivery.c.attempts)).scalars()) == [0, 0, 1, 1, 1, 1]


def test_who_left_or_is_suppressed_is_not_marked_by_the_claim_either(planned: Planned) -> None:
    one, two, three, four = planned.connection.execute(
        select(tables.delivery.c.subscriber_id).order_by(tables.delivery.c.subscriber_id).limit(4)
    ).scalars()
    subscription = tables.subscription.c
    planned.connection.execute(update(tables.subscription).where(subscription.subscriber_id == two).values(state="unsubscribed"))
    address = planned.connection.execute(select(tables.subscriber.c.address).where(tables.subscriber.c.id == four)).scalar_one()
    suppress(planned.connection, address, "*", reason="bounced", source="test", now=NOW)
    ledger = planned.ledger()
    found = ledger.claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    claimed, _, marked = found
    assert marked == {one, three}
    assert planned.states() == ["sending", "claimed", "sending", "claimed", "planned", "planned"]
    asked = [Mark(0, claimed.batch, claimed.recipients)]
    assert ledger.mark(planned.connection, asked, now=NOW, already={claimed.batch: marked}) == [[one, three]]
    assert planned.states() == ["sending", "cancelled", "sending", "suppressed", "planned", "planned"]


def test_who_is_suppressed_for_another_newsletter_alone_is_marked_by_the_claim(planned: Planned) -> None:
    suppress(planned.connection, "u1@x.example", "another", reason="complained", source="test", now=NOW)
    found = planned.ledger().claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    claimed, _, marked = found
    assert marked == frozenset(claimed.recipients)
    assert planned.states() == ["sending"] * 4 + ["planned"] * 2


def test_nothing_is_marked_by_the_claim_of_an_issue_that_may_not_be_sent(planned: Planned) -> None:
    planned.connection.execute(update(tables.issue).values(state="paused"))
    ledger = planned.ledger()
    found = ledger.claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    claimed, _, marked = found
    assert (marked, planned.states()) == (frozenset(), ["claimed"] * 4 + ["planned"] * 2)
    (refused,) = ledger.mark(
        planned.connection,
        [Mark(0, claimed.batch, claimed.recipients)],
        now=NOW,
        already={claimed.batch: marked},
    )
    assert isinstance(refused, NotSendable)


def test_what_a_claim_has_marked_is_marked_for_its_own_batch_alone(planned: Planned) -> None:
    lost, whose = planned.claim()
    upkeep.sweep(planned.connection, planned.ledger("two"), now=NOW + 2 * LEASE, others_are_dead=True)
    ledger = planned.ledger()
    found = ledger.claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    claimed, _, marked = found
    assert list(claimed.recipients) == whose
    asked = [Mark(0, lost, tuple(whose)), Mark(1, claimed.batch, claimed.recipients)]
    already = {claimed.batch: marked}
    refused, mine = ledger.mark(planned.connection, asked, now=NOW, already=already)
    assert (type(refused), mine) == (LeaseLost, whose)


def test_a_mark_that_is_not_wanted_after_all_leaves_no_trace(planned: Planned) -> None:
    ledger = planned.ledger()
    found = ledger.claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    ledger.unmark(planned.connection, found[0].batch, found[0].recipients)
    ledger.release(planned.connection, found[0].batch, found[0].recipients, now=NOW)
    assert planned.states() == ["planned"] * 6
    assert set(planned.connection.execute(select(tables.delivery.c.attempts)).scalars()) == {0}


def test_who_waits_for_their_time_is_neither_claimed_nor_marked_with_those_before_and_after(planned: Planned) -> None:
    row = tables.delivery.c
    one, two, three, four, *_ = planned.connection.execute(select(row.subscriber_id).order_by(row.subscriber_id)).scalars()
    later = {"not_before": NOW + LEASE}
    planned.connection.execute(update(tables.delivery).where(tables.delivery.c.subscriber_id == two).values(later))
    found = planned.ledger().claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    claimed, _, marked = found
    assert claimed.recipients == (one, three, four)
    assert marked == {one, three, four}
    assert planned.states() == ["sending", "planned", "sending", "sending", "planned", "planned"]


def test_a_claim_of_some_of_a_rendition_marks_nobody_else_of_it(planned: Planned) -> None:
    found = planned.ledger().claim_and_mark(planned.connection, 3, now=NOW, lease=LEASE)
    assert found is not None
    assert planned.states() == ["sending"] * 3 + ["planned"] * 3


def test_what_was_accepted_whole_is_told_apart_from_what_another_process_called_unknown(planned: Planned) -> None:
    ledger = planned.ledger()
    found = ledger.claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    claimed, _, _ = found
    _, two, *_ = claimed.recipients
    doubted = tables.delivery.c.subscriber_id == two
    planned.connection.execute(update(tables.delivery).where(doubted).values(state="unknown"))
    answer = Answer((ACCEPTED,) * 4)
    settles = [Settle(0, claimed.batch, claimed.recipients, answer)]
    counted = ledger.settle(planned.connection, settles, now=NOW, retry_at={})
    assert counted == {claimed.batch: 3}
    line = tables.history.c
    late = select(line.subscriber_id, line.from_state).where(line.to_state == "accepted")
    assert [(*row,) for row in planned.connection.execute(late)] == [(two, "unknown")]
    assert planned.states() == ["accepted"] * 4 + ["planned"] * 2


def test_nothing_holds_where_more_were_accepted_than_were_asked_about(planned: Planned) -> None:
    ledger = planned.ledger()
    found = ledger.claim_and_mark(planned.connection, 6, now=NOW, lease=LEASE)
    assert found is not None
    claimed, _, _ = found
    one, _, three, _ = claimed.recipients
    too_many = Prepared(update(tables.delivery).where(tables.delivery.c.subscriber_id <= three).values(state="accepted"))
    asked = [Settle(0, claimed.batch, (one, three), Answer((ACCEPTED,) * 2))]
    with mock.patch.object(hot, "ACCEPT_WHOLE", too_many), pytest.raises(DigestError, match="3 deliveries where that cannot be"):
        ledger.settle(planned.connection, asked, now=NOW, retry_at={})
