"""A worker takes up every configuration, also one that comes while it begins to take jobs, and has time for all that its end takes."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

import pytest

from digest.app import App, tracing, working
from digest.app.working import Worker
from digest.delivery.engines import local
from digest.store.database import Store


class WithoutDatabase:
    """An application that comes as far as its database."""

    @property
    def store(self) -> Store:
        raise OSError("this test has no database")


def test_a_configuration_that_comes_while_the_queue_begins_is_taken_up() -> None:
    def make() -> App:
        worker._anew.set()  # SIGHUP, just after what was configured was looked at
        return cast("App", WithoutDatabase())

    worker = Worker(make, threading.Event(), print)
    with pytest.raises(OSError, match="no database"):
        asyncio.run(worker._take_jobs())
    assert worker._anew.is_set()


def test_what_is_waited_for_at_the_end_is_within_ten_seconds_altogether() -> None:
    assert local._DRAIN.total_seconds() < working._DRAIN
    assert working._LISTEN + working._DRAIN + tracing._AT_THE_END <= 9.5
