"""Times as other tools write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.audience.elsewhere.moments import read_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-02-03 04:05:06", datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("2020-02-03T04:05:06.789Z", datetime(2020, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)),
        ("2020-02-03T04:05:06+02:00", datetime(2020, 2, 3, 2, 5, 6, tzinfo=UTC)),
        ("2020-02-03 04:05:06.123456789 +0530 IST", datetime(2020, 2, 2, 22, 35, 6, 123456, tzinfo=UTC)),
        ("2020-02-03 04:05:06 +0000 UTC", datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("2020-02-03", datetime(2020, 2, 3, tzinfo=UTC)),
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("", None),
        ("0000-00-00 00:00:00", None),
        ("yesterday", None),
        ("03/02/2020", None),
        ("99999999999999", None),
        ("2020-02-03 04:05:06 +9999 X", None),
    ],
)
def test_a_time_is_read_or_it_is_none(text: str, moment: datetime | None) -> None:
    assert read_moment(text) == moment
