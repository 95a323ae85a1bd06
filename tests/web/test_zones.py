"""A list of time zones, in which the one that is chosen always stands."""

from __future__ import annotations

import pytest

from digest.web.zones import zone_options


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "Asia/Tokyo", "America/Argentina/Buenos_Aires", "US/Pacific", "Etc/GMT-3"]
)
def test_the_chosen_one_stands_in_the_list_once(zone: str) -> None:
    options = zone_options(zone)
    assert options.count("selected") == 1
    assert options.count(f">{zone}<") == 1
    assert f"<option selected>{zone}</option>" in options
    assert options.count("<option") > 400
    assert options.count("<optgroup") == 10


def test_what_is_no_zone_is_shown_as_text() -> None:
    assert "<script>" not in zone_options("<script>")
