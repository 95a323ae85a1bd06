"""What can be configured of `digest scheduler` and of whoever watches over it: the table `[scheduler]`."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from digest.settings.table import Table
from digest.settings.types import Duration, WebAddress

_OFTENEST, _RAREST = timedelta(seconds=10), timedelta(days=1)


class Scheduler(Table):
    """When `digest scheduler`, and `digest serve`, do what is to be done; and whom every run tells that it was."""

    run_every: Duration = Field(
        timedelta(minutes=15),
        ge=_OFTENEST,
        le=_RAREST,
        description="How often it runs besides at slots: what was deferred, paused or left by a process that ended goes on.",
    )
    fetch_every: Duration = Field(
        timedelta(minutes=15),
        ge=_OFTENEST,
        le=_RAREST,
        description="How often sources are read besides at slots, also while an issue is being sent.",
    )
    mailbox_every: Duration = Field(
        timedelta(minutes=5),
        ge=_OFTENEST,
        le=_RAREST,
        description="How often the mailbox of bounces is read, where there is one; also while an issue is being sent.",
    )
    ping_url: WebAddress | None = Field(
        None,
        description="The address of a dead-man's switch, which is asked for (GET) after each run; of `digest run`, too. It raises the alarm when that stops.",
    )
    ping_kind: Literal["success", "healthchecks"] = Field(
        "success",
        description="What it is told: the `success` of a run alone; or, as healthchecks.io wants it, also its start (`/start`) and its failure (`/fail`).",
    )
