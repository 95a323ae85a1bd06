"""How often somebody may ask in a minute."""

from __future__ import annotations

from digest.web.api.pacing import Pace


def test_so_many_may_be_asked_for_and_then_one_waits_for_the_next_minute() -> None:
    times = [0.0]
    pace = Pace(2, lambda: times[-1])
    assert [pace.wait("a") for _ in range(3)] == [0, 0, 60]
    assert pace.wait("b") == 0
    times.append(59.5)
    assert pace.wait("a") == 1
    times.append(60.0)
    assert [pace.wait("a") for _ in range(3)] == [0, 0, 60]
