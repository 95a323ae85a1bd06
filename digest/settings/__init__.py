"""Settings: what can be configured, and the one way to read it."""

from digest.settings.model import (
    Database,
    Delivery,
    Editors,
    NewsletterSettings,
    Providers,
    Sender,
    SendGridSettings,
    Settings,
    Site,
    SmtpSettings,
    SourceSettings,
    Topic,
)
from digest.settings.types import Frequency, format_duration, parse_duration

__all__ = [
    "Database",
    "Delivery",
    "Editors",
    "Frequency",
    "NewsletterSettings",
    "Providers",
    "SendGridSettings",
    "Sender",
    "Settings",
    "Site",
    "SmtpSettings",
    "SourceSettings",
    "Topic",
    "format_duration",
    "parse_duration",
]
