"""What can be configured of how long things are kept: the table `[retention]`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, field_validator

from digest.settings.table import Table
from digest.settings.types import Duration, format_duration

_SHORTEST = timedelta(days=1)


class Retention(Table):
    """How long things are kept that nothing needs any more. `digest run` and `digest scheduler` look once a day."""

    events: Duration | None = Field(
        None,
        description="How long what providers reported (delivered, opened, clicked) is kept, of issues that have ended, such as `400d`; their statistics end with it. By default for good.",
    )
    leavers: Duration | None = Field(
        None,
        description="How long after they left their last newsletter people are erased, as by `digest subscribers erase`, such as `365d`. By default nobody is.",
    )
    outbox: Duration | None = Field(
        None,
        description="How long the files of dry runs are kept in `outbox/`; they hold addresses. Such as `90d`; by default for good.",
    )

    @field_validator("events", "leavers", "outbox")
    @classmethod
    def _long_enough(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < _SHORTEST:
            raise ValueError(f"must be at least {format_duration(_SHORTEST)}")
        return value
