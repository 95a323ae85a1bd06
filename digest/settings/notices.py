"""What can be configured of notices: the table `[notices]`."""

from __future__ import annotations

from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from digest.settings.secrecy import HOW_TO_MAKE_ONE
from digest.settings.table import Table
from digest.settings.types import Duration, is_this_machine

_SHORTEST = 16


class Notices(Table):
    """What editors, and other programs, are told of issues: ready, held, paused, sent, not sent."""

    mail: bool = Field(False, description="Whether editors and admins are told by mail.")
    remind: tuple[Duration, ...] = Field(
        (timedelta(days=1),),
        description="So long before an issue goes out that nobody has approved they are reminded, once each.",
    )
    urls: tuple[SecretStr, ...] = Field(
        (),
        description="Addresses that are posted to, such as an incoming webhook of Slack; https, or http on this machine. Only by environment, `.env` or a secrets folder.",
    )
    secret: SecretStr | None = Field(
        None,
        description=f"Signs what is posted; at least {_SHORTEST} characters. Only by environment, `.env` or a secrets folder.",
    )
    timeout: Duration = Field(timedelta(seconds=10), gt=timedelta(0), description="How long one call may take.")
    allow_private: bool = Field(False, description="Whether those addresses may be private ones.")

    @field_validator("urls")
    @classmethod
    def _web_addresses(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for place, one in enumerate(value):
            try:
                parts = urlsplit(one.get_secret_value())
                sound = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))
            except ValueError:
                parts, sound = None, False
            if parts is None or not sound or not parts.hostname or parts.username is not None:
                raise ValueError(
                    f"number {place} is no https address without a login: write one such as https://hooks.example/T1"
                )
        return value

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.urls and (self.secret is None or len(self.secret.get_secret_value()) < _SHORTEST):
            raise ValueError(f"secret: what is posted to urls is signed, with at least {_SHORTEST} characters; {HOW_TO_MAKE_ONE}")
        return self
