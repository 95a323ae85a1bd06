"""Robots: which opens and clicks of one mail were most likely no person's. A pure rule, and a guess.

Mail programs fetch pictures before anybody looks, and filters follow every link before a mail is handed on. A robot's act is:

1. what the provider itself takes for a machine's;
2. an open or a click within five seconds of the delivery, or before it: nobody has read anything by then;
3. clicks on two different links in the same second, or on three within five seconds;
4. an open within five seconds of a robot's click: whoever followed the links has fetched the pictures, too.

Who has one act left that is none of these counts as a person. A robot that takes its time is not found, and a person who is that
quick is taken for one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from digest.delivery.event import Kind

HASTE = 5
"""Seconds in which nobody reads."""

_LINKS_AT_ONCE, _LINKS_IN_HASTE = 2, 3


@dataclass(frozen=True, slots=True)
class Act:
    """One open or click of a mail, at a second. `link` tells links apart."""

    kind: Kind
    at: int
    link: str = ""
    article: int | None = None
    machine: bool = False


def robots(acts: Sequence[Act], delivered_at: int | None) -> list[bool]:
    """Of each act of one mail, whether it is most likely a robot's."""
    found = [act.machine or (delivered_at is not None and act.at <= delivered_at + HASTE) for act in acts]
    clicks = sorted((act.at, act.link, place) for place, act in enumerate(acts) if act.kind is Kind.CLICKED)
    times = [at for at, _, _ in clicks]
    for first, (at, _, _) in enumerate(clicks):
        for span, many in ((0, _LINKS_AT_ONCE), (HASTE, _LINKS_IN_HASTE)):
            burst = clicks[first : bisect_right(times, at + span)]
            if len({link for _, link, _ in burst}) >= many:
                for _, _, place in burst:
                    found[place] = True
    scanned = sorted(act.at for act, robot in zip(acts, found, strict=True) if robot and act.kind is Kind.CLICKED)
    for place, act in enumerate(acts):
        if act.kind is Kind.OPENED and not found[place]:
            near = bisect_left(scanned, act.at - HASTE)
            found[place] = near < len(scanned) and scanned[near] <= act.at + HASTE
    return found
