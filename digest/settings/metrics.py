"""What can be configured of `/metrics`: the table `[metrics]`."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from digest.settings.table import Table


class Metrics(Table):
    """Who may read `/metrics`, in Prometheus' format. Without a token: this machine alone, and nothing that a proxy passes on."""

    token: SecretStr | None = Field(
        None,
        description="What `Authorization: Bearer …` has to say; at least 16 characters; only by environment, `.env` or a secrets folder.",
    )

    @field_validator("token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters")
        return value
