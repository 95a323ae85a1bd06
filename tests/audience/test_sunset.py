"""The sunset rule as a table: who is left alone, who is asked, and whose subscription ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.audience.sunset import FEWEST, Reader, Rule, Verdict, judge

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RULE = Rule(span=180 * DAY, grace=14 * DAY)
SINCE = NOW - RULE.span
SILENT = Reader(SINCE - DAY, received=FEWEST, first_at=SINCE + 10 * DAY)
ASKED = replace(SILENT, asked_at=NOW - 20 * DAY, sent_at=NOW - 14 * DAY, heard_at=NOW - DAY)
LEAVE, ASK, END = Verdict.LEAVE, Verdict.ASK, Verdict.END


@pytest.mark.parametrize(
    ("reader", "changed", "verdict"),
    [
        pytest.param(SILENT, {}, ASK, id="silent for the whole span"),
        pytest.param(SILENT, {"joined_at": SINCE}, ASK, id="joined just when the span began"),
        pytest.param(SILENT, {"joined_at": SINCE + DAY}, LEAVE, id="joined within the span"),
        pytest.param(SILENT, {"alive_at": SINCE}, LEAVE, id="alive just when the span began"),
        pytest.param(SILENT, {"alive_at": SINCE - DAY}, ASK, id="alive before the span"),
        pytest.param(SILENT, {"received": FEWEST - 1}, LEAVE, id="too few issues to open"),
        pytest.param(SILENT, {"received": 0, "first_at": None}, LEAVE, id="nothing to open"),
        pytest.param(SILENT, {"first_at": NOW - 7 * DAY}, LEAVE, id="all the issues came lately"),
        pytest.param(ASKED, {}, END, id="asked, and the grace has passed"),
        pytest.param(ASKED, {"alive_at": NOW - DAY}, LEAVE, id="asked, and alive since"),
        pytest.param(ASKED, {"sent_at": NOW - 14 * DAY + timedelta(seconds=1)}, LEAVE, id="asked, and the grace goes on"),
        pytest.param(ASKED, {"sent_at": None}, LEAVE, id="the letter waits, is in doubt, or never went"),
        pytest.param(ASKED, {"heard_at": NOW - 15 * DAY}, LEAVE, id="nobody at all was heard since"),
        pytest.param(ASKED, {"heard_at": None}, LEAVE, id="nobody at all was ever heard"),
        pytest.param(ASKED, {"asked_at": SINCE - DAY, "sent_at": None}, ASK, id="the question of an earlier span"),
        pytest.param(
            ASKED, {"asked_at": SINCE - DAY, "sent_at": SINCE - DAY}, ASK, id="asked a span ago, said yes, and silent since"
        ),
    ],
)
def test_a_reader_is_judged_by_what_is_known_of_them(reader: Reader, changed: dict[str, Any], verdict: Verdict) -> None:
    assert judge(replace(reader, **changed), RULE, now=NOW) is verdict
