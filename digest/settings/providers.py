"""What can be configured of each provider: `[providers.NAME]`, one class per table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, SecretStr, field_validator

from digest.settings.bounces import BounceBase
from digest.settings.secrecy import PluginTable
from digest.settings.table import Table
from digest.settings.types import BaseAddress, Domain, FilePath, Line, Whole

_TOPIC_ARN = re.compile(r"arn:aws(-cn|-us-gov)?:sns:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:[A-Za-z0-9_-]{1,256}")


class ProviderTable(Table):
    """What every provider's table has."""

    daily_quota: Whole = Field(0, ge=0, description="The most messages a day (UTC); 0 for no limit.")
    warm_up: tuple[Annotated[Whole, Field(ge=1)], ...] = Field(
        (),
        description="The most messages of the first day the provider is used, of the second, and so on; such as `[50, 100, 500]`.",
    )


class ListeningTable(ProviderTable):
    """What every provider's table has that signs what it reports with a secret that we share, or a key that it shows."""

    webhook_key: SecretStr | None = Field(
        None,
        description="What proves that a report to `/webhooks/NAME` is the provider's; without it every one is refused. Only by environment, `.env` or a secrets folder.",
    )
    former_webhook_keys: tuple[SecretStr, ...] = Field(
        (),
        description="Keys that `webhook_key` was before: reports signed with them are still taken. Only by environment, `.env` or a secrets folder.",
    )

    def webhook_keys(self) -> tuple[str, ...]:
        """Every key that holds, the present one first; empty where nothing is listened to."""
        if self.webhook_key is None:
            return ()
        return tuple(one.get_secret_value() for one in (self.webhook_key, *self.former_webhook_keys))


class DkimSettings(Table):
    """A signature of our own (RFC 6376), for who sends straight from SMTP; off without a domain. Relays usually sign themselves."""

    domain: Domain | None = Field(None, description="The domain that signs: the sender's, or one above it.")
    selector: Line | None = Field(None, description="Names the key in the DNS: SELECTOR._domainkey.DOMAIN.")
    key_file: FilePath | None = Field(
        None, description="The private RSA key, PEM, without a password; relative to the project folder."
    )


class SmtpSettings(ProviderTable):
    """A mail relay."""

    host: Line = Field("localhost", min_length=1, description="The relay's name or address.")
    port: Whole = Field(587, ge=1, le=65535, description="The relay's port.")
    security: Literal["none", "starttls", "tls"] = Field("starttls", description="`none`, `starttls` or `tls` (implicit).")
    username: Line | None = Field(None, description="The login, where the relay wants one.")
    password: SecretStr | None = Field(None, description="The password; only by environment, `.env` or a secrets folder.")
    local_hostname: Line | None = Field(None, description="What we call ourselves in EHLO; by default this machine's name.")
    bounce_address: BounceBase | None = Field(
        None,
        description="Where bounces come to, such as `bounces@news.example`: every mail is sent from an address of its own made of it, `bounces+TOKEN@news.example`. By default bounces go to the sender.",
    )
    dkim: DkimSettings = DkimSettings()


class SendGridSettings(ListeningTable):
    """Twilio SendGrid."""

    api_key: SecretStr | None = Field(None, description="The API key; only by environment, `.env` or a secrets folder.")
    host: BaseAddress = Field("https://api.sendgrid.com", description="The API's base URL.")


class SesSettings(ProviderTable):
    """Amazon SES, version 2. Without a key of its own, AWS's usual places are asked for one."""

    region: Line | None = Field(None, description="AWS's region, such as `eu-central-1`.")
    access_key_id: SecretStr | None = Field(
        None, description="The access key's id; only by environment, `.env` or a secrets folder."
    )
    secret_access_key: SecretStr | None = Field(
        None, description="The access key itself; only by environment, `.env` or a secrets folder."
    )
    session_token: SecretStr | None = Field(
        None, description="What goes with a temporary access key; only by environment, `.env` or a secrets folder."
    )
    configuration_set: Line | None = Field(None, description="The configuration set, which says where events go.")
    topic_arn: Line | None = Field(
        None,
        description="The SNS topic that the events go through, such as `arn:aws:sns:eu-central-1:123456789012:digest`; without it every report to `/webhooks/ses` is refused.",
    )
    host: BaseAddress | None = Field(None, description="The API's base URL; by default the region's.")

    @field_validator("topic_arn")
    @classmethod
    def _a_topic(cls, value: str | None) -> str | None:
        if value is not None and not _TOPIC_ARN.fullmatch(value):
            raise ValueError(f"{value!r} is no topic of SNS: write it as arn:aws:sns:eu-central-1:123456789012:digest")
        return value


class PostmarkSettings(ListeningTable):
    """Postmark."""

    server_token: SecretStr | None = Field(
        None, description="The server's API token; only by environment, `.env` or a secrets folder."
    )
    message_stream: Line = Field("broadcast", min_length=1, description="The message stream's id.")
    host: BaseAddress = Field("https://api.postmarkapp.com", description="The API's base URL.")


class ResendSettings(ListeningTable):
    """Resend."""

    api_key: SecretStr | None = Field(None, description="The API key; only by environment, `.env` or a secrets folder.")
    host: BaseAddress = Field("https://api.resend.com", description="The API's base URL.")


class MailgunSettings(ListeningTable):
    """Mailgun."""

    api_key: SecretStr | None = Field(None, description="The sending key; only by environment, `.env` or a secrets folder.")
    domain: Domain | None = Field(None, description="The sending domain, as Mailgun knows it.")
    host: BaseAddress = Field(
        "https://api.mailgun.net", description="The API's base URL; `https://api.eu.mailgun.net` for the European region."
    )


class ConsoleSettings(ProviderTable):
    """Mails on the screen."""


class EmlSettings(ProviderTable):
    """A folder with a file for each mail."""

    path: FilePath = Field(Path("mails"), description="The folder, relative to the project folder.")


class MaildirSettings(ProviderTable):
    """A Maildir, which mail programs read."""

    path: FilePath = Field(Path("maildir"), description="The Maildir, relative to the project folder.")


class Providers(Table):
    """The settings of each provider. A plugin of `digest.providers` has a table of its own name, kept as it is."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, PluginTable]

    smtp: SmtpSettings = SmtpSettings()
    sendgrid: SendGridSettings = SendGridSettings()
    ses: SesSettings = SesSettings()
    postmark: PostmarkSettings = PostmarkSettings()
    resend: ResendSettings = ResendSettings()
    mailgun: MailgunSettings = MailgunSettings()
    console: ConsoleSettings = ConsoleSettings()
    eml: EmlSettings = EmlSettings()
    maildir: MaildirSettings = MaildirSettings()

    def plugin(self, name: str) -> Mapping[str, Any]:
        """What `[providers.NAME]` of a plugin holds, empty when there is none; secrets are `SecretStr`."""
        return (self.__pydantic_extra__ or {}).get(name, {})
