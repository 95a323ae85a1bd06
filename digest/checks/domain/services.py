"""What each service wants to find in the DNS of the sender's domain, as its own pages say; looked at in November 2026."""

from __future__ import annotations

from digest.checks.domain.subject import SigningKey, Way


def smtp(sender: str, relay: str, key: SigningKey | None) -> Way:
    """SMTP: the envelope's sender is the one in From, and Digest signs where it has a key."""
    return Way(
        "smtp",
        f"the relay {relay}",
        return_path=sender,
        signs_as=key.domain if key is not None else None,
        key=key,
        relay=relay,
    )


def mailgun(domain: str) -> Way:
    """Mailgun: the sending domain is the return path and the domain that signs."""
    return Way(
        "mailgun",
        "Mailgun",
        return_path=domain,
        include="mailgun.org",
        signs_as=domain,
        selectors=("mx", "k1", "pic", "smtp", "mailo", "s1", "email"),
    )


def service(name: str, sender: str) -> Way:
    """Another service; of one that is not known, nothing is."""
    if name == "sendgrid":
        return Way(name, "SendGrid", include="sendgrid.net", signs_as=sender, selectors=("s1", "s2"))
    if name == "resend":
        return Way(name, "Resend", usual_return_path=f"send.{sender}", signs_as=sender, selectors=("resend",))
    if name == "postmark":
        # Its selectors are made of the date and a random part.
        return Way(name, "Postmark", usual_return_path=f"pm-bounces.{sender}", signs_as=sender)
    if name == "ses":
        return Way(name, "Amazon SES", signs_as=sender)  # Easy DKIM's selectors are random
    return Way(name, name)
