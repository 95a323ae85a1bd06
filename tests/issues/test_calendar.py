"""Slots on the wall clock, through every jump of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.issues.calendar import due_slot, next_slot, slots_between

BERLIN, KOLKATA, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")
CRONS = ("0 9 * * 1", "30 2 * * *", "*/20 * * * *", "0 7 1 * *", "15 2 29 2 *", "0 0 * * 0,3")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # a star cannot tell how many there are


def test_a_local_time_that_happens_twice_is_one_slot_at_its_first_occurrence() -> None:
    slots = list(slots_between("30 2 * * *", BERLIN, utc(2026, 10, 24, 12), utc(2026, 10, 25, 12)))
    assert [(slot.name, slot.at) for slot in slots] == [("2026-10-25T02:30", utc(2026, 10, 25, 0, 30))]


def test_a_local_time_that_never_happens_runs_at_the_next_minute_that_exists() -> None:
    slots = list(slots_between("30 2 * * *", BERLIN, utc(2026, 3, 28, 12), utc(2026, 3, 29, 12)))
    assert [(slot.name, slot.at) for slot in slots] == [("2026-03-29T02:30", utc(2026, 3, 29, 1, 0))]


def test_several_times_inside_a_gap_are_one_slot() -> None:
    slots = list(slots_between("*/20 2,3 * * *", BERLIN, utc(2026, 3, 28, 12), utc(2026, 3, 29, 1, 30)))
    assert [slot.at for slot in slots] == [utc(2026, 3, 29, 1), utc(2026, 3, 29, 1, 20)]


@pytest.mark.parametrize(("month", "hours"), [(3, 167), (10, 169)])
def test_case_18_a_week_of_167_or_169_hours_has_one_slot(month: int, hours: int) -> None:
    last_sunday = max(day for day in range(25, 32) if datetime(2026, month, day).weekday() == 6)  # noqa: DTZ001
    before = datetime(2026, month, last_sunday - 6, 9, tzinfo=BERLIN).astimezone(UTC)
    slots = list(slots_between("0 9 * * 1", BERLIN, before, before + timedelta(hours=hours)))
    assert [slot.at for slot in slots] == [before + timedelta(hours=hours)]


def test_zones_of_half_hours_and_half_hour_jumps_keep_the_wall_clock() -> None:
    india = next_slot("0 9 * * *", KOLKATA, utc(2026, 11, 23))
    assert india is not None
    assert india.at == utc(2026, 11, 23, 3, 30)
    assert [slot.local.hour for slot in slots_between("0 9 * * *", LORD_HOWE, utc(2026, 3, 1), utc(2026, 5, 1))] == [9] * 61


def test_the_latest_slot_since_the_start_is_due_and_missed_ones_are_not() -> None:
    start = utc(2026, 11, 20, 12)
    assert due_slot("0 9 * * 1", UTC_ZONE, start, utc(2026, 11, 23, 8, 59)) is None
    for now in (utc(2026, 12, 14, 9), utc(2026, 12, 20, 23)):
        due = due_slot("0 9 * * 1", UTC_ZONE, start, now)
        assert due is not None
        assert due.name == "2026-12-14T09:00"


def test_a_slot_at_the_very_start_is_not_due() -> None:
    assert due_slot("0 9 * * 1", UTC_ZONE, utc(2026, 11, 23, 9), utc(2026, 11, 23, 9)) is None


def test_a_slot_of_years_ago_is_found() -> None:
    due = due_slot("15 2 29 2 *", BERLIN, utc(2026, 1, 1), utc(2031, 6, 1))
    assert due is not None
    assert due.name == "2028-02-29T02:15"


UTC_ZONE = ZoneInfo("UTC")
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001


@settings(max_examples=60, deadline=None)
@given(
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from([BERLIN, KOLKATA, LORD_HOWE, UTC_ZONE]),
    now=MOMENTS,
    days=st.integers(0, 40),
)
def test_slots_rise_and_the_due_one_is_the_last_of_them(cron: str, zone: ZoneInfo, now: datetime, days: int) -> None:
    start = now - timedelta(days=days)
    slots = list(slots_between(cron, zone, start, now))
    assert [slot.at for slot in slots] == sorted({slot.at for slot in slots})
    assert all(start < slot.at <= now for slot in slots)
    assert due_slot(cron, zone, start, now) == (slots[-1] if slots else None)
