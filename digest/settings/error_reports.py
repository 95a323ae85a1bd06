"""What can be configured of reports of errors: the table `[error_reports]`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from digest.settings.table import Table
from digest.settings.types import Line


class ErrorReports(Table):
    """Where errors and defects are told, beside the log: Sentry, or what understands its protocol. Needs `digest-newsletter[sentry]`."""

    dsn: SecretStr | None = Field(
        None, description="The address that it gives you; only by environment, `.env` or a secrets folder."
    )
    environment: Line = Field("production", min_length=1, description="What it calls this installation.")
