"""Examining: whether a project has everything a run needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from digest.app.allowing import flood
from digest.app.fetching import current_sources
from digest.app.wiring import App
from digest.audience.erased_suppression import unreadable
from digest.audience.suppression import count
from digest.catalogue.reading_sources import read_sources
from digest.delivery.halting import in_force
from digest.errors import DigestError, Refused
from digest.issues.calendar import next_slot
from digest.issues.issue import list_issues
from digest.issues.lifecycle import IssueState
from digest.rendering.compile import compile_template
from digest.rendering.templates import load_template


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing that was looked at, whether it is well, and what was seen."""

    what: str
    well: bool
    said: str


def examine(app: App, *, offline: bool = False) -> list[Examined]:
    """Look at everything; nothing is changed, and nothing is sent. `offline` leaves out sources on the web."""
    seen = [*_look("database", lambda: _database(app)), *_look("provider", lambda: _provider(app))]
    return [*seen, *(_may_send(app) if seen[0].well else ()), *_rest(app, offline=offline)]


def _rest(app: App, *, offline: bool) -> Iterator[Examined]:
    for newsletter in app.newsletters(None):
        yield from _look(f"template {newsletter.template}", partial(_template, app, newsletter.template))
        for frequency, cron in newsletter.schedule.items():
            slot = next_slot(cron, ZoneInfo(newsletter.timezone), max(app.now, app.settings.started_at))
            said = "no date is left" if slot is None else f"next slot {slot.name} ({newsletter.timezone})"
            yield Examined(f"{newsletter.slug} {frequency}", slot is not None, said)
    sources = tuple(one for one in current_sources(app) if one.url is None or not offline)
    for result in read_sources(sources, app.source_context()):
        entries = 0 if result.reading is None else len(result.reading.entries)
        yield Examined(f"source {result.source.name}", result.error is None, result.error or f"{entries} entries")


def _may_send(app: App) -> Iterator[Examined]:
    yield from _look("sending", lambda: _sending(app))
    yield from _look("send epoch", lambda: _epoch(app))
    yield from _look("sign-ups", lambda: _sign_ups(app))
    yield from _look("suppressions", lambda: _suppressions(app))


def _look(what: str, looking: Callable[[], str]) -> Iterator[Examined]:
    try:
        yield Examined(what, True, looking())
    except DigestError as error:
        yield Examined(what, False, str(error))


def _database(app: App) -> str:
    if app.store.path is not None and not app.store.path.exists() and app.store.path.parent.is_dir():
        return "not there yet; the first command makes it"
    app.store.prepare()
    with app.store.reading() as connection:
        issues = list_issues(connection)
    waiting = [issue.name for issue in issues if issue.state in {IssueState.HELD, IssueState.PAUSED}]
    many = f"{len(issues):,} issue{'' if len(issues) == 1 else 's'}"
    return many + (f"; a person is wanted by {', '.join(waiting)}" if waiting else "")


def _sending(app: App) -> str:
    if app.store.path is None or app.store.path.exists():
        with app.store.reading() as connection:
            halted = in_force(connection)
        if halted is not None:
            raise Refused(halted.advice)
    return "no halt is in force"


def _sign_ups(app: App) -> str:
    found = flood(app) if app.store.path is None or app.store.path.exists() else None
    if found is not None:
        raise Refused(f"{found}; docs/how-to/pages.md says what to do")
    return "no flood in the last hour"


def _suppressions(app: App) -> str:
    if app.store.path is not None and not app.store.path.exists():
        return "none yet"
    with app.store.reading() as connection:
        clear, erased = count(connection)
        lost = unreadable(connection)
    if lost:
        raise Refused(
            f"{lost:,} people who were erased would not be known again, since the secret of that time is neither secret_key nor among"
            " former_secret_keys; add it to DIGEST_FORMER_SECRET_KEYS"
        )
    return f"{clear:,} addresses are not mailed, and {erased:,} of people who were erased"


def _epoch(app: App) -> str:
    wrong = app.epoch.obstacle() if app.store.path is None or app.store.path.exists() else None
    if wrong is not None:
        raise Refused(wrong)
    return "this database is the one that sends" if app.epoch.file else "has no second place, as configured"


def confirm_epoch(app: App) -> None:
    """A person says that this database is the one that sends. `Busy` while another process sends from it, a worker too."""
    with app.store.nobody_sends():
        app.epoch.confirm()


def _provider(app: App) -> str:
    names = ", and to fall back on ".join(provider.name for provider in app.providers())
    return f"{names} is configured" + ("" if app.sends_for_real else "; every run is a dry run")


def _template(app: App, name: str) -> str:
    template = load_template(name, app.template_folders)
    compile_template(template)
    for catalogue in template.catalogues:
        template.words(catalogue.language)
    return "compiles"
