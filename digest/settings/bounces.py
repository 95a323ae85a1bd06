"""What can be configured of bounces: the table `[bounces]`, and the address they come to."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema, model_validator

from digest.settings.table import Table
from digest.settings.types import Duration, Line, Whole, is_this_machine, parse_address

LONGEST_BOUNCE_BOX = 15
"""Characters before the @: 64 that an address may have there, less those of a token of 48 and a `+`."""


def _bounce_base(text: str) -> str:
    address = parse_address(text)
    box = address.rpartition("@")[0]
    if len(box) > LONGEST_BOUNCE_BOX:
        raise ValueError(
            f"{box!r} has {len(box)} characters before the @, and a bounce address has room for {LONGEST_BOUNCE_BOX}: shorten it"
        )
    return address


BounceBase = Annotated[str, AfterValidator(_bounce_base), WithJsonSchema({"type": "string", "format": "email"})]


class Bounces(Table):
    """What bounces lead to, and the mailbox in which those that come by mail are read."""

    soft: Whole = Field(
        3,
        ge=0,
        description="After so many mails in a row that bounced for what may pass (a full mailbox, a server out of reach), an address is mailed no more; 0: never.",
    )
    soft_span: Duration = Field(timedelta(days=14), description="The first and the last of those lie at least so far apart.")
    host: Line | None = Field(None, description="The IMAP server of the mailbox; without one no mailbox is read.")
    port: Whole = Field(993, ge=1, le=65535, description="The server's port.")
    security: Literal["tls", "none"] = Field(
        "tls", description="`tls`; `none` only for a server on this machine, since the password would go in clear text."
    )
    username: Line | None = Field(None, description="The login.")
    password: SecretStr | None = Field(None, description="The password; only by environment, `.env` or a secrets folder.")
    folder: Line = Field(
        "INBOX", min_length=1, description="The folder that is read. Digest reads it alone: what is unread there is new."
    )
    done: Line | None = Field(
        None,
        min_length=1,
        description="The folder into which mails are moved that were read; by default they stay, marked as read.",
    )
    timeout: Duration = Field(
        timedelta(seconds=30), gt=timedelta(0), description="How long an answer of the server is waited for."
    )
    unsubscribe_by_mail: bool = Field(
        False,
        description="Whether List-Unsubscribe names, behind the page, the bounce address too; for when that address's mail is read.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host is not None and self.security == "none" and not is_this_machine(self.host):
            raise ValueError(
                f'security: the password would go to {self.host} in clear text: set it to "tls", or read a mailbox of this machine'
            )
        if self.host is not None and (self.username is None or self.password is None):
            missing = "bounces.username" if self.username is None else "DIGEST_BOUNCES__PASSWORD"
            raise ValueError(f"host: a mailbox wants a login: set {missing} too, or remove bounces.host")
        return self
