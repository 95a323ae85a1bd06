"""Noticing: what editors and other programs are told of issues, each once: by mail, and by calls to addresses of theirs.

What happened is read from the issues' histories, whoever did it and in which process, and from the halts. A reason may quote what a
provider answered: whatever looks like an address is taken out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, func, insert, select, update

from digest.app.wiring import App
from digest.audience.dialects import insert_missing
from digest.delivery.account import account
from digest.delivery.letters import Kind
from digest.delivery.letters import put as put_letter
from digest.issues.issue import issue_by_id
from digest.issues.lifecycle import IssueState
from digest.store import tables

NOT_SENT = "not sent: "
"""How a line of the history begins that says why an issue that was wanted did not go out."""

_LIKE_AN_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")
_MOST = 500  # so many lines are read at a time
_line, _halt, _point, _notice = tables.issue_history.c, tables.halt.c, tables.notice_point.c, tables.notice.c


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told. `key` says of what it is: no two have the same. `issue` is the name of the issue that it is about."""

    kind: str
    key: str
    title: str
    words: str
    issue: str | None = None


def take_notice(app: App) -> int:
    """Tell of what has happened since the last time; how many notices that made."""
    if not _any_news(app):
        return 0
    with app.store.writing() as connection:
        news = [*_of_issues(connection), *_of_halts(connection)]
        return sum(put(app, connection, one) for one in news)


def put(app: App, connection: Connection, notice: Notice) -> bool:
    """Queue a notice for everybody who is to be told; False when it was before."""
    if not anybody_told(app):
        return False
    title, words = without_addresses(notice.title), without_addresses(notice.words)
    values = {"key": notice.key[:120], "kind": notice.kind, "issue": notice.issue, "title": title, "words": words, "at": app.now}
    found = connection.execute(insert_missing(connection, tables.notice).values(values).returning(_notice.id)).scalar()
    if found is None:
        return False
    real = datetime.now(UTC)
    for address in _told_by_mail(app):
        put_letter(connection, Kind.NOTICE, found, email=address, address=address, language="en", now=app.now, real=real)
    for url in app.settings.notices.urls:
        call = {"notice_id": found, "place": place_of(url.get_secret_value()), "state": "waiting", "not_before": real}
        connection.execute(insert(tables.notice_call).values(call))
    return True


def tell_failed(app: App, what: str) -> None:
    """Tell that a run failed: once a day for each failure."""
    if not anybody_told(app):
        return
    words = without_addresses(what)
    key = f"failed {app.now:%Y-%m-%d} {hashlib.sha256(words.encode()).hexdigest()[:16]}"
    with app.store.writing() as connection:
        put(app, connection, Notice("failed", key, "A run failed", words))


def without_addresses(text: str) -> str:
    """The text without whatever looks like somebody's address."""
    return _LIKE_AN_ADDRESS.sub("…", text)


def place_of(url: str) -> str:
    """What the database knows of an address that is posted to."""
    return hashlib.sha256(url.encode()).hexdigest()


def anybody_told(app: App) -> bool:
    """Whether there is anybody to be told, or any place."""
    return app.settings.notices.mail or bool(app.settings.notices.urls)


def _told_by_mail(app: App) -> tuple[str, ...]:
    """Editors and admins; who only looks has nothing to do."""
    editors = app.settings.editors
    return tuple(dict.fromkeys((*editors.emails, *editors.admins))) if app.settings.notices.mail else ()


def _any_news(app: App) -> bool:
    with app.store.reading() as connection:
        seen = {row.what: row.seen for row in connection.execute(select(_point.what, _point.seen))}
        last = {
            what: connection.execute(select(func.max(column))).scalar() or 0
            for what, column in (("issues", _line.id), ("halts", _halt.id))
        }
    return any(last[what] > seen.get(what, 0) for what in last)


def _since(connection: Connection, what: str) -> int:
    """The number of the last line that was looked at."""
    return connection.execute(select(_point.seen).where(_point.what == what)).scalar() or 0


def _go_on_from(connection: Connection, what: str, seen: int) -> None:
    moved = update(tables.notice_point).where(_point.what == what).values(seen=seen)
    if connection.execute(moved).rowcount == 0:
        connection.execute(insert(tables.notice_point).values(what=what, seen=seen))


def _of_issues(connection: Connection) -> Iterator[Notice]:
    seen = _since(connection, "issues")
    for line in connection.execute(select(tables.issue_history).where(_line.id > seen).order_by(_line.id).limit(_MOST)).all():
        found = _of_line(connection, line)
        if found is not None:
            yield found
        seen = line.id
    _go_on_from(connection, "issues", seen)


def _of_line(connection: Connection, line: Row[tuple[object, ...]]) -> Notice | None:
    """What a line of a history is told as; None: not at all."""
    issue = issue_by_id(connection, line.issue_id)
    told = _words(line.from_state, line.to_state, line.actor, line.reason)
    if told is None:
        return None
    kind, title, words = told
    if kind == "sent":
        counted = ", ".join(f"{many:,} {state}" for state, many in account(connection, issue).items() if many)
        words = f"Of {issue.audience or 0:,}: {counted}."
    return Notice(kind, f"history {line.id}", f"{issue.name} {title}", words or issue.subject, issue.name)


def _words(before: str | None, after: str, actor: str, reason: str | None) -> tuple[str, str, str] | None:
    """The kind, what happened, and why."""
    state, why = IssueState(after), reason or ""
    if before == after:
        held_anew = state is IssueState.HELD and actor == "run" and why
        if why.startswith(NOT_SENT):
            return "failed", "was not sent", why.removeprefix(NOT_SENT)
        return ("held", "is held", why) if held_anew else None
    match state:
        case IssueState.DRAFT if before is None:
            return "draft", "is ready to be looked at", ""
        case IssueState.HELD:
            return "held", "is held", why
        case IssueState.PAUSED if actor == "dispatch":
            return "paused", "is paused", why
        case IssueState.SENT:
            return "sent", "has been sent", ""
        case IssueState.SKIPPED if actor == "run":
            return "skipped", "was skipped", why
    return None


def _of_halts(connection: Connection) -> Iterator[Notice]:
    seen = _since(connection, "halts")
    for row in connection.execute(select(_halt.id, _halt.reason).where(_halt.id > seen).order_by(_halt.id).limit(_MOST)).all():
        yield Notice("halted", f"halt {row.id}", "All sending is halted", row.reason)
        seen = row.id
    _go_on_from(connection, "halts", seen)
