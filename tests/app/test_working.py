"""A worker takes up every configuration, also one that comes while it begins to take jobs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from digest.app import App
from digest.app.working import Worker


def test_a_configuration_that_comes_while_the_queue_begins_is_taken_up() -> None:
    def make() -> App:
        worker._anew.set()  # SIGHUP, just after what was configured was looked at
        raise OSError("this test has no database")

    worker = Worker(make, threading.Event(), print)
    with pytest.raises(OSError, match="no database"):
        asyncio.run(worker._take_jobs())
    assert worker._anew.is_set()
