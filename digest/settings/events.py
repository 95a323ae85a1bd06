"""What can be configured of what providers report afterwards: the table `[events]`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from digest.settings.table import Table
from digest.settings.types import Duration


class Events(Table):
    """What providers report of deliveries afterwards, by `POST /webhooks/NAME`."""

    keep_reports: Duration = Field(
        timedelta(days=30),
        gt=timedelta(0),
        description="How long a report is kept as it came, once it was processed; one that could not be read, ten times as long.",
    )
