"""Mistakes of systems that send mail, seeded into Digest one by one: each must be caught.

A mutant is a patch of the product and a prover: a proof that passes on the product as it is, and raises `AssertionError` on
the mutant. `KNOWN` are the fifteen that others have made; `OWN` are of what Digest does for its speed and its clocks.
"""

from __future__ import annotations

from tests.proofs.mutants import audiences, doubting, handing_over, marking, strokes, truths
from tests.proofs.mutants.mutant import Mutant, schedules

__all__ = ["KNOWN", "MUTANTS", "OWN", "Mutant", "schedules"]

KNOWN = (
    Mutant("mark, then send", marking.mark_then_send, schedules),
    Mutant("send, then mark", marking.send_then_mark, schedules),
    Mutant("no compare-and-set", marking.no_compare_and_set, schedules),
    Mutant("retry on 5xx", doubting.retry_on_5xx, schedules),
    Mutant("rescue by age", doubting.rescue_by_age, schedules),
    Mutant("no unique key", audiences.no_unique_key, audiences.two_plans_are_one),
    Mutant("audience not frozen", audiences.audience_not_frozen, audiences.newcomers_wait_for_the_next_issue),
    Mutant("event overwrites accepted", truths.event_overwrites_accepted, truths.accepted_absorbs),
    Mutant("lease shorter than the deadline", doubting.lease_shorter_than_the_deadline, schedules),
    Mutant("commit after the answer only", marking.commit_after_the_answer, schedules),
    Mutant("cursor checkpoint", marking.cursor_checkpoint, schedules),
    Mutant("resend without evidence", doubting.resend_without_evidence, schedules),
    Mutant("suppression not re-checked", marking.suppression_is_not_looked_at_again, schedules),
    Mutant("two schedulers", audiences.two_schedulers, audiences.one_slot_is_one_issue),
    Mutant("restore re-sends", truths.restore_sends_again, truths.a_restored_database_waits),
)

OWN = (
    Mutant("claimed and marked, and nobody asked whether they left", strokes.nobody_is_looked_at, schedules),
    Mutant("claimed and marked, and nothing asked of the issue", strokes.the_issue_is_not_looked_at, schedules),
    Mutant("claimed, and only said to be marked", strokes.not_durable, schedules),
    Mutant("unmarked, and sent all the same", strokes.who_is_wanted_is_unmarked_too, schedules),
    Mutant("marked whole, and kept whole", strokes.nobody_is_unmarked, schedules),
    Mutant("handed over late", handing_over.nobody_looks_at_the_clock, schedules),
    Mutant("the clock looked at before the queue", handing_over.the_clock_is_looked_at_too_soon, schedules),
    Mutant("not handed over is unknown", handing_over.not_handed_over_is_unknown, schedules),
    Mutant("taken back from whoever has it", handing_over.taken_back_without_looking, handing_over.only_our_own_is_taken_back),
)
MUTANTS = KNOWN + OWN
