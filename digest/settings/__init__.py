"""Settings: what can be configured, and the one way to read it."""

from digest.settings.bounces import Bounces
from digest.settings.model import (
    Database,
    Delivery,
    Editors,
    Sender,
    Settings,
    Site,
)
from digest.settings.newsletter import NewsletterSettings, Topic
from digest.settings.providers import (
    DkimSettings,
    EmlSettings,
    MaildirSettings,
    MailgunSettings,
    PostmarkSettings,
    Providers,
    ResendSettings,
    SendGridSettings,
    SesSettings,
    SmtpSettings,
)
from digest.settings.source_table import SourceSettings
from digest.settings.types import Frequency, Order, format_duration, parse_duration

__all__ = [
    "Bounces",
    "Database",
    "Delivery",
    "DkimSettings",
    "Editors",
    "EmlSettings",
    "Frequency",
    "MaildirSettings",
    "MailgunSettings",
    "NewsletterSettings",
    "Order",
    "PostmarkSettings",
    "Providers",
    "ResendSettings",
    "SendGridSettings",
    "Sender",
    "SesSettings",
    "Settings",
    "Site",
    "SmtpSettings",
    "SourceSettings",
    "Topic",
    "format_duration",
    "parse_duration",
]
