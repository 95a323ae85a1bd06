"""How often an address stood before."""

from __future__ import annotations

from digest.audience.repeats import Repeats


def test_each_time_but_the_first_is_counted_whenever_it_came() -> None:
    repeats = Repeats()
    repeats.add(f"r{number}@x.example" for number in range(1000))
    assert repeats.many() == 0
    repeats.add(["r7@x.example", "r7@x.example", "new@x.example"])
    assert repeats.many() == 2
