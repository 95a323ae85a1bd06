"""What must hold after whatever happened, with the witness as the truth: what really arrived, by address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from digest.delivery.ledger import NOT_HANDED_OVER
from digest.insights.coverage import audit
from digest.issues.issue import list_issues
from digest.store import tables

OPEN = {"planned", "claimed", "sending", "deferred"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trial came to. `unknown_arrived` of the unknown ones did arrive; everybody else unknown did not."""

    audience: int
    accepted: int
    rejected: int
    unknown: int
    unknown_arrived: int

    def sums(self, **more: int) -> Counter[str]:
        """What of it can be added up over trials."""
        counts = {"accepted": self.accepted, "rejected": self.rejected, "unknown": self.unknown}
        return Counter(messages=self.audience, unknown_arrived=self.unknown_arrived, **counts, **more)


def judge(connection: Connection, arrived: Mapping[str, int], *, finished: bool = True) -> Verdict:
    """Judge the one issue of a database; raises AssertionError with what does not hold."""
    assert _count(connection, "issue") == 1, "one slot, several issues"
    issue = connection.execute(select(tables.issue)).one()
    row, person = tables.delivery.c, tables.subscriber.c
    people = select(person.address, row.state).join(tables.delivery, row.subscriber_id == person.id)
    states: dict[str, str] = {found.address: found.state for found in connection.execute(people)}
    resent = _resent(connection)
    _sound(connection)

    twice = {address: times for address, times in arrived.items() if times > 1 + resent.get(address, 0)}
    assert not twice, f"arrived twice: {dict(list(twice.items())[:5])}"
    strangers = set(arrived) - set(states)
    assert not strangers, f"not of the audience: {sorted(strangers)[:5]}"
    assert issue.audience == len(states), f"{issue.audience} were planned, {len(states)} have a delivery"
    ghosts = [address for address, state in states.items() if state == "accepted" and address not in arrived]
    assert not ghosts, f"accepted and never arrived: {ghosts[:5]}"
    denied = [address for address in arrived if states[address] not in {"accepted", "unknown"}]
    assert not denied, f"arrived and not accounted for: {[(one, states[one]) for one in denied[:5]]}"
    counts = Counter(states.values())
    if finished:
        waiting = {state: counts[state] for state in OPEN if counts[state]}
        assert not waiting, f"something still waits: {waiting}"
    assert issue.state != "sent" or not (counts["unknown"] or any(counts[state] for state in OPEN)), "sent, and still open"
    told = _fold(connection, len(states))
    assert told == counts, f"the history tells {dict(told)} and the rows are {dict(counts)}"
    gaps = audit(connection, list_issues(connection)[0])
    assert not gaps, gaps
    unknown_arrived = sum(1 for address, state in states.items() if state == "unknown" and address in arrived)
    assert len(arrived) == counts["accepted"] + unknown_arrived
    return Verdict(len(states), counts["accepted"], counts["rejected"], counts["unknown"], unknown_arrived)


def _fold(connection: Connection, audience: int) -> Counter[str]:
    """The states that the history tells of: everyone as planned, then every line moves as many as it counts."""
    line, row = tables.history.c, tables.delivery.c
    never = select(func.count()).where(row.state == "skipped")  # planned as such
    counts: Counter[str] = Counter({"planned": audience - connection.execute(never).scalar_one()})
    skipped = select(func.count()).where(row.state == "skipped")
    counts["skipped"] = connection.execute(skipped).scalar_one()
    for start, end, count in connection.execute(select(line.from_state, line.to_state, line.count).order_by(line.id)):
        counts[start] -= count
        counts[end] += count
    return +counts


def _resent(connection: Connection) -> Counter[str]:
    """How often a person, or evidence, let somebody's delivery be sent again."""
    line, person = tables.history.c, tables.subscriber.c
    again = (
        select(person.address, func.count())
        .join(tables.history, line.subscriber_id == person.id)
        .where(line.from_state == "unknown", line.to_state == "planned", line.reason != NOT_HANDED_OVER)
        .group_by(person.address)
    )
    return Counter({found[0]: found[1] for found in connection.execute(again)})


def _count(connection: Connection, table: str) -> int:
    return connection.execute(select(func.count()).select_from(tables.metadata.tables[table])).scalar_one()


def _sound(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
