"""The SMTP relay: whether it takes us in, and how safe the way to it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.checks.finding import Finding, error, note, warning, well

_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class RelaySeen:
    """What a visit showed. `failed` are the words of what ended it early; `expires_at` is the end of its certificate."""

    host: str
    port: int
    security: str
    on_this_machine: bool
    failed: str = ""
    expires_at: datetime | None = None
    offers_starttls: bool = False
    logged_in: bool = False


def judge_relay(seen: RelaySeen, now: datetime) -> Iterator[Finding]:
    """Reached, secured, logged in; and how long its certificate is good for."""
    where = f"relay {seen.host}:{seen.port}"
    if seen.failed:
        yield error(where, seen.failed, _mend(seen))
        return
    yield well(where, "takes us in" + (" and accepts the login" if seen.logged_in else ""))
    yield from _safety(f"TLS of {seen.host}:{seen.port}", seen, now)


def _mend(seen: RelaySeen) -> str:
    words = seen.failed.lower()
    if "certificate" in words:
        return "name it by the name in its certificate, renew the certificate, or make its authority known to this machine"
    if "auth" in words:
        return "see that user name and password are right"
    if "starttls" in words or "wrong version" in words or "ssl" in words:
        return 'see that providers.smtp.security suits the port: "starttls" goes with 587, "tls" with 465'
    return "see that providers.smtp.host and port are right, that it runs, and that this machine may reach it"


def _safety(where: str, seen: RelaySeen, now: datetime) -> Iterator[Finding]:
    if seen.security == "none":
        if seen.on_this_machine:
            yield note(where, "none, on this machine")
        else:
            offered = ", although the relay offers STARTTLS" if seen.offers_starttls else ""
            mend = 'set providers.smtp.security to "starttls" or "tls"'
            yield warning(where, f"mails go to the relay in clear text{offered}", mend)
    elif seen.expires_at is None:
        yield well(where, f"{seen.security}, certificate valid")
    elif seen.expires_at - now < _SOON:
        days = max(0, (seen.expires_at - now).days)
        yield warning(
            where, f"its certificate ends in {days} days, on {seen.expires_at:%Y-%m-%d}", "renew it, or tell its operator"
        )
    else:
        yield well(where, f"{seen.security}, certificate valid for {seen.host} until {seen.expires_at:%Y-%m-%d}")
