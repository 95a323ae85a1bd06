"""What can be configured of traces: the table `[tracing]`."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr, field_validator

from digest.settings.table import Table
from digest.settings.types import Line, Number, WebAddress

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+=[\x20-\x7e]+")


class Tracing(Table):
    """Where spans are told, as OpenTelemetry has it: to a collector, by OTLP over HTTP. Needs `digest-newsletter[tracing]`."""

    endpoint: WebAddress | None = Field(
        None,
        description="The collector's address for traces, whole, such as `http://127.0.0.1:4318/v1/traces`; without one nothing is told.",
    )
    headers: SecretStr | None = Field(
        None,
        description="What the collector wants to read in each request, such as `api-key=…`; several with commas between; only by environment, `.env` or a secrets folder.",
    )
    environment: Line = Field("production", min_length=1, description="What it calls this installation.")
    sample: Number = Field(1.0, gt=0, le=1, allow_inf_nan=False, description="The share of runs, requests and jobs that is told.")

    @field_validator("endpoint")
    @classmethod
    def _without_secrets(cls, value: str | None) -> str | None:
        if value is not None and ("?" in value or "#" in value):
            raise ValueError("must be an address alone: what proves who you are belongs in tracing.headers")
        return value

    @field_validator("headers")
    @classmethod
    def _pairs(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(_HEADER.fullmatch(one.strip()) for one in value.get_secret_value().split(",")):
            raise ValueError("must be name=value, several with commas between")
        return value

    def pairs(self) -> dict[str, str]:
        """The headers by their names."""
        written = [] if self.headers is None else self.headers.get_secret_value().split(",")
        return {name.strip(): value.strip() for name, _, value in (one.partition("=") for one in written)}
