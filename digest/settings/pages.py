"""What can be configured of the pages: the table `[pages]`."""

from __future__ import annotations

import re
from ipaddress import ip_network

from pydantic import Field, field_validator

from digest.settings.table import Table
from digest.settings.types import Line, Whole

_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", re.ASCII)
"""A site in a content security policy: nothing that could end the policy, and no star."""


class Pages(Table):
    """The pages of subscribers, as `digest serve` answers them."""

    trusted_proxies: tuple[Line, ...] = Field(
        ("127.0.0.1", "::1"),
        description="The addresses or networks of proxies in front of `digest serve`: from them alone `X-Forwarded-For` is believed.",
    )

    archive: bool = Field(True, description="Whether issues that were sent can be read by everybody at `/archive`.")
    asks_per_network: Whole = Field(
        20,
        ge=1,
        description="The most mails that sign-ups from one network (/24 or /48) may cause in an hour.",
    )
    asks_per_hour: Whole = Field(
        500,
        ge=1,
        description="As many mails as all sign-ups together usually cause in an hour, at most. Beyond it each costs more work; ten times as many is the end.",
    )
    framed_by: tuple[Line, ...] = Field(
        (),
        description="The sites that may show `/subscribe/frame` in a frame, such as `https://www.example.com`; by default none.",
    )

    @field_validator("framed_by")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if _ORIGIN.fullmatch(one) is None:
                raise ValueError(f"{one!r} is not a site: write it as https://www.example.com, without a path")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ip_network(one)
            except ValueError:
                raise ValueError(f"{one!r} is not an address or a network: write it as 10.0.0.7 or 10.0.0.0/24") from None
        return value
