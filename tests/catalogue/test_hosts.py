"""One request at a time to each host, and none to a host that proved out of reach."""

from __future__ import annotations

import threading

import httpcore2
import pytest

from digest.catalogue.connecting import RefusedAddress
from digest.catalogue.fetching import Postponed
from digest.catalogue.hosts import Hosts
from digest.errors import Unreachable


def failing(hosts: Hosts, host: str, error: Exception) -> None:
    with pytest.raises(type(error)), hosts.turn(host):
        raise error


def test_a_host_is_asked_by_one_at_a_time_and_others_meanwhile() -> None:
    hosts, entered, leave = Hosts(), threading.Event(), threading.Event()
    order: list[str] = []

    def second() -> None:
        entered.set()
        with hosts.turn("A.example"):
            order.append("second")
        leave.set()

    with hosts.turn("a.example"):
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait(5)
        with hosts.turn("b.example"):
            order.append("other")
        order.append("first")
    thread.join()
    assert leave.is_set()
    assert order == ["other", "first", "second"]


@pytest.mark.parametrize("error", [httpcore2.ConnectError("x"), httpcore2.ConnectTimeout("x"), Postponed("x", 429, "60")])
def test_a_host_out_of_reach_is_asked_once(error: Exception) -> None:
    hosts = Hosts()
    failing(hosts, "a.example", error)
    with (
        pytest.raises(Unreachable, match=r"^a\.example .* a moment ago; it is not asked again in this run"),
        hosts.turn("a.example"),
    ):
        raise AssertionError("asked")
    with hosts.turn("b.example"):
        pass


def test_a_host_that_is_silent_three_times_in_a_row_is_given_up() -> None:
    hosts = Hosts()
    for _ in range(2):
        failing(hosts, "a.example", httpcore2.ReadTimeout("x"))
    with hosts.turn("a.example"):
        pass
    for _ in range(3):
        failing(hosts, "a.example", httpcore2.ReadTimeout("x"))
    with pytest.raises(Unreachable, match="did not answer 3 times in a row"), hosts.turn("a.example"):
        raise AssertionError("asked")


@pytest.mark.parametrize("error", [RefusedAddress("x"), Postponed("x", 503, "60"), Unreachable("404"), ValueError("x")])
def test_one_bad_page_is_not_its_hosts_fault(error: Exception) -> None:
    hosts = Hosts()
    for _ in range(5):
        failing(hosts, "a.example", error)
    with hosts.turn("a.example"):
        pass
