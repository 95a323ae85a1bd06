"""How many an issue is for, counted once a minute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from digest.web.desk.counted import GOOD_FOR, Counted
from tests.delivery.test_envelopes import ISSUE

NOBODY = cast("Any", None)


def test_it_is_counted_again_after_a_minute_and_for_each_issue() -> None:
    now, many = [0.0], [1, 2, 3, 4]
    counted = Counted(lambda *_: many.pop(0), lambda: now[0])
    other = replace(ISSUE, id=ISSUE.id + 1)
    assert [counted(NOBODY, one) for one in (ISSUE, ISSUE, other, ISSUE)] == [1, 1, 2, 1]
    now[0] = GOOD_FOR
    assert [counted(NOBODY, one) for one in (ISSUE, other)] == [3, 4]
