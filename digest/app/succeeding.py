"""Succeeding: before anything is read or frozen, what was renamed or given up has its successor, or nothing goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from digest.app.wiring import App
from digest.audience.following import Followed, Kind, Outlook, Succession, following, look_out
from digest.audience.succession import Succeeded, record
from digest.audience.succession import succeed as carry_out
from digest.audience.topics import ALL_TOPICS
from digest.catalogue.renaming import rename_source, sources_read
from digest.errors import Refused, UsageError
from digest.issues.freezing import refreeze
from digest.issues.gathering import missed_tags
from digest.issues.issue import Issue, frozen_of, list_issues
from digest.issues.lifecycle import IssueState, step

_UNPLANNED = {IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED}
_OPEN = {IssueState.SENDING, IssueState.PAUSED}


def succeed(app: App) -> tuple[Succeeded, ...]:
    """Move and end what the configuration says; a `UsageError` tells what it does not say yet, and then nothing is done."""
    with app.store.reading() as connection:
        outlook = _outlook(app, connection)
    if outlook.undecided:
        raise UsageError("; ".join(outlook.undecided))
    if not outlook.steps:
        return ()
    with app.store.writing() as connection:
        return tuple(_carry_out(app, connection, one) for one in _outlook(app, connection).steps)


def _outlook(app: App, connection: Connection) -> Outlook:
    followed = following(connection)
    outlook = look_out(app.settings, followed)
    for newsletter in app.newsletters(None):
        outlook.undecided += missed_tags(connection, newsletter, _followers(newsletter.slug, newsletter.offered, followed))
    _sources(app, connection, outlook)
    return outlook


def _followers(slug: str, offered: Iterable[str], followed: Iterable[Followed]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for one in followed:
        if one.newsletter == slug:
            for topic in offered if one.topics == ALL_TOPICS else one.topics.split():
                counted[topic] += one.many
    return dict(counted)


def _sources(app: App, connection: Connection, outlook: Outlook) -> None:
    configured = {source.name: source for source in app.settings.sources}
    for name, many in sources_read(connection).items():
        source = configured.get(name)
        if source is None:
            outlook.undecided.append(
                f"sources: source {name!r} is gone and {many:,} article{'' if many == 1 else 's'} came from it; put its table"
                f' back with moved_to = "ANOTHER" or retired = true in it'
            )
        elif source.moved_to is not None:
            outlook.steps.insert(0, Succession(Kind.SOURCE, None, name, source.moved_to))


def _carry_out(app: App, connection: Connection, one: Succession) -> Succeeded:
    if one.kind is Kind.SOURCE:
        done = Succeeded(one, rename_source(connection, one.name, one.moved_to or one.name), 0)
    else:
        _nothing_under_way(connection, one)
        done = carry_out(connection, one, now=app.now)
        _mend_unplanned(app, connection, done)
    record(connection, done, actor="configuration", now=app.now)
    return done


def _nothing_under_way(connection: Connection, one: Succession) -> None:
    """What is being sent settles with the newsletter that it began with."""
    if one.kind is Kind.NEWSLETTER:
        for issue in list_issues(connection, one.name):
            if issue.state in _OPEN:
                raise Refused(
                    f"newsletter {one.name!r} cannot be moved or retired while {issue.name} is {issue.state}:"
                    f" let it end, or `digest issues cancel {issue.name}`"
                )


def _mend_unplanned(app: App, connection: Connection, done: Succeeded) -> None:
    """Issues that nobody was planned for yet: frozen anew without the topic, or skipped with their frequency or newsletter."""
    for issue in _unplanned(connection, done.step):
        if done.step.kind is not Kind.TOPIC:
            step(
                connection,
                issue.id,
                issue.name,
                issue.state,
                IssueState.SKIPPED,
                actor="configuration",
                now=app.now,
                reason=f"{done}; its articles roll over",
                finished_at=app.now,
            )
        elif done.step.name in frozen_of(connection, issue).rules.topics:
            newsletter = app.newsletter(issue.newsletter)
            folders = app.template_folders
            refreeze(connection, app.settings, newsletter, issue, folders=folders, now=app.now, actor="configuration")


def _unplanned(connection: Connection, one: Succession) -> Iterator[Issue]:
    for issue in list_issues(connection, one.newsletter or one.name):
        if issue.state in _UNPLANNED and (one.kind is not Kind.FREQUENCY or issue.frequency == one.name):
            yield issue
