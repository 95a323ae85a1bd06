"""The one clock of leases and deadlines: nobody sets it, and it goes on in a machine's sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.delivery.providers.wire import Deadline
from digest.delivery.real_time import steady_clock


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="no clock here goes on in a machine's sleep")
def test_a_lease_and_a_deadline_both_grow_old_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Callable[[int], float] = time.clock_gettime
    clock, deadline = steady_clock(), Deadline(timedelta(minutes=10))
    before = clock()

    def after_an_hour_of_sleep(which: int) -> float:
        return read(which) + (3600 if which == time.CLOCK_BOOTTIME else 0)

    monkeypatch.setattr(time, "clock_gettime", after_an_hour_of_sleep)
    assert clock() - before >= timedelta(hours=1)
    assert deadline.is_over()
    with pytest.raises(TimeoutError):
        deadline.remaining()
