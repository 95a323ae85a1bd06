"""Listening: whether what the providers of a project report can reach it, and is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from digest.app.wiring import App
from digest.checks.finding import Finding, error, note, warning, well
from digest.delivery import reports
from digest.delivery.providers.registry import make_webhook, webhook_names
from digest.delivery.reports import ReportState
from digest.errors import UsageError

_FORGOTTEN = timedelta(hours=1)


def listens(app: App, providers: Iterable[str]) -> Iterator[Finding]:
    """Whether there is a key for the webhook of each provider that can post what it reports."""
    for name in sorted(set(providers) & set(webhook_names())):
        where = f"webhook {name}"
        try:
            webhook = make_webhook(name, app.settings)
        except UsageError as wrong:
            what, _, mend = str(wrong).partition("; ")
            yield error(where, what, mend)
            continue
        if webhook is None:
            what = "is refused, for want of a key: what becomes of a mail afterwards stays unknown"
            yield note(where, what, f"docs/providers/{name}.md says how it is set up")
        else:
            yield well(where, f"reports are taken at {app.settings.site.public_url.rstrip('/')}/webhooks/{name}")


def are_read(app: App) -> Iterator[Finding]:
    """Whether reports that came were read; the database must be there."""
    if app.store.path is not None and not app.store.path.exists():
        return
    with app.store.reading() as connection:
        counted, oldest = reports.count(connection), reports.oldest_waiting(connection)
    waiting, faulty = counted[ReportState.WAITING], counted[ReportState.FAULTY]
    if oldest is not None and datetime.now(UTC) - oldest > _FORGOTTEN:
        what = f"{waiting:,} reports of providers wait, the oldest since {oldest:%Y-%m-%d %H:%M} UTC"
        yield warning("events", what, "`digest run` from cron, `digest serve`, or `digest events process` reads them")
    if faulty:
        yield warning("events", f"{faulty:,} could not be read whole", "`digest events list` says why")
    elif sum(counted.values()):
        yield well("events", f"{counted[ReportState.READ]:,} reports were read, {waiting:,} wait")
