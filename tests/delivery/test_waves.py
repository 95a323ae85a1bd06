"""An issue that reaches each reader at the slot's time on their own clock: which waves there are, by zones alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from digest.audience.zones import foremost, zone_named
from digest.delivery.waves import waves_of
from digest.issues.calendar import due_slot, next_slot

BERLIN = ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 11, 23, 9)  # noqa: DTZ001 - a slot's name is a time on the wall


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # a star cannot tell how many there are


def test_every_zone_there_is_has_its_wave_at_nine_of_that_day_on_its_own_clock() -> None:
    names = sorted(available_timezones())
    waves = waves_of(NINE, names, BERLIN)
    opens = {name: at for at, zones in zip(waves.opens_at, waves.zones, strict=True) for name in zones}
    assert {opens[name].astimezone(ZoneInfo(name)).replace(tzinfo=None) for name in opens} == {NINE}
    assert set(names) - set(opens) == {"Europe/Berlin"}  # its own, which is everybody else's too
    assert waves.opens_at[waves.own].astimezone(BERLIN).replace(tzinfo=None) == NINE
    assert list(waves.opens_at) == sorted(set(waves.opens_at))
    assert waves.opens_at[-1] - waves.opens_at[0] == timedelta(hours=26)  # from Kiritimati to Baker Island


def test_who_names_no_zone_or_one_that_is_not_known_any_more_is_in_the_newsletters_wave() -> None:
    waves = waves_of(NINE, [None, "Mars/Olympus", "", "../etc/passwd", "Asia/Tokyo"], BERLIN)
    assert waves.opens_at == (utc(2026, 11, 23, 0), utc(2026, 11, 23, 8))
    assert (waves.zones, waves.own) == ((("Asia/Tokyo",), ()), 1)
    assert zone_named("Mars/Olympus", BERLIN) is zone_named(None, BERLIN) is BERLIN


@pytest.mark.parametrize(
    ("local", "zone", "at"),
    [
        (datetime(2026, 3, 29, 2, 30), "Europe/Paris", utc(2026, 3, 29, 1)),  # noqa: DTZ001
        (datetime(2026, 10, 25, 2, 30), "Europe/Paris", utc(2026, 10, 25, 0, 30)),  # noqa: DTZ001
        (datetime(2011, 12, 30, 9), "Pacific/Apia", utc(2011, 12, 30, 10)),  # noqa: DTZ001
        (NINE, "Asia/Kathmandu", utc(2026, 11, 23, 3, 15)),
    ],
    ids=["a time that never is", "a time that is twice", "a day that never was", "three quarters of an hour"],
)
def test_a_wave_is_at_its_time_through_every_jump_of_a_clock(local: datetime, zone: str, at: datetime) -> None:
    assert at in waves_of(local, [zone], ZoneInfo("UTC")).opens_at


def test_a_slot_begins_where_its_time_comes_first_and_is_called_the_same_everywhere() -> None:
    zones = [ZoneInfo(name) for name in ("Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata")]
    coming = next_slot("0 9 * * 1", zones, utc(2026, 11, 20))
    assert coming is not None
    assert (coming.name, coming.at) == ("2026-11-23T09:00", utc(2026, 11, 22, 19))
    assert due_slot("0 9 * * 1", zones, utc(2026, 11, 20), utc(2026, 11, 22, 18, 59)) is None
    assert due_slot("0 9 * * 1", zones, utc(2026, 11, 20), utc(2026, 11, 22, 19)) == coming
    assert foremost(zones, utc(2026, 11, 20)) == (ZoneInfo("Pacific/Kiritimati"),)
    assert set(foremost(zones[:2], utc(2026, 11, 20))) == {BERLIN}
