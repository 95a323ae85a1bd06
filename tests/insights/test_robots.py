"""Which opens and clicks are most likely a robot's."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.event import Kind
from digest.insights.robots import Act, robots

DELIVERED = 1_000


def opened(at: int, *, machine: bool = False) -> Act:
    return Act(Kind.OPENED, at, machine=machine)


def clicked(at: int, link: str, *, machine: bool = False) -> Act:
    return Act(Kind.CLICKED, at, link, machine=machine)


def test_somebody_who_opens_and_reads_and_clicks_is_a_person() -> None:
    acts = [opened(1_006), clicked(1_020, "a"), clicked(1_026, "b"), clicked(1_032, "c"), opened(90_000), clicked(90_001, "a")]
    assert robots(acts, DELIVERED) == [False] * 6
    assert robots(acts, None) == [False] * 6
    assert robots([], DELIVERED) == []


def test_what_the_provider_takes_for_a_machines_is_one() -> None:
    assert robots([opened(9_000, machine=True), opened(9_100), clicked(9_200, "a", machine=True)], DELIVERED) == [
        True,
        False,
        True,
    ]


def test_nobody_reads_within_five_seconds_of_the_delivery_or_before_it() -> None:
    assert robots([opened(1_005), opened(1_006)], DELIVERED) == [True, False]
    assert robots([clicked(999, "a"), clicked(1_005, "a"), clicked(1_006, "a")], DELIVERED) == [True, True, False]
    assert robots([opened(1_005)], None) == [False]


def test_two_links_in_one_second_or_three_in_five_are_a_robots_and_one_link_twice_is_a_double_click() -> None:
    assert robots([clicked(2_000, "a"), clicked(2_000, "b"), clicked(2_100, "c")], DELIVERED) == [True, True, False]
    assert robots([clicked(2_000, "a"), clicked(2_002, "b"), clicked(2_005, "c")], DELIVERED) == [True] * 3
    assert robots([clicked(2_000, "a"), clicked(2_003, "b"), clicked(2_006, "c")], DELIVERED) == [False] * 3
    assert robots([clicked(2_000, "a"), clicked(2_001, "a"), clicked(2_002, "a")], DELIVERED) == [False] * 3


def test_an_open_beside_a_robots_clicks_is_the_robots() -> None:
    scan = [clicked(2_000, "a"), clicked(2_000, "b")]
    assert robots([*scan, opened(1_995), opened(2_005), opened(2_006), opened(1_994)], DELIVERED) == [True] * 4 + [False] * 2


_ACTS = st.lists(
    st.builds(
        Act,
        st.sampled_from([Kind.OPENED, Kind.CLICKED]),
        st.integers(DELIVERED - 3, DELIVERED + 40),
        st.sampled_from("abc"),
        st.none(),
        st.booleans(),
    ),
    max_size=12,
)


@given(acts=_ACTS, seed=st.integers(0, 99))
def test_the_order_in_which_acts_are_known_plays_no_part(acts: list[Act], seed: int) -> None:
    order = list(range(len(acts)))
    random.Random(seed).shuffle(order)
    found = robots(acts, DELIVERED)
    assert robots([acts[place] for place in order], DELIVERED) == [found[place] for place in order]


@given(acts=_ACTS)
def test_to_know_of_one_act_more_never_makes_a_person_of_a_robot(acts: list[Act]) -> None:
    for place in range(len(acts)):
        less = robots(acts[:place] + acts[place + 1 :], DELIVERED)
        more = robots(acts, DELIVERED)
        assert all(after or not before for before, after in zip(less, more[:place] + more[place + 1 :], strict=True))
