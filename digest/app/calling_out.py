"""Calling out: notices are posted to the addresses that are configured for that, as JSON that chat programs read, signed.

By the rules of fetching: every address is checked, no redirect followed, no proxy asked, one deadline. What is not taken is tried again, less
and less often, some times. The database knows hashes of the addresses alone: they are secrets.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection, select, update

from digest.app.noticing import place_of
from digest.app.wiring import App
from digest.audience.links import page_url
from digest.catalogue.calling import Called, post
from digest.delivery.letters import wait_after
from digest.errors import Unreachable
from digest.logs import logger
from digest.settings.types import is_this_machine
from digest.store import tables

ATTEMPTS = 8
"""So often a call is tried, over some hours."""

AT_A_TIME = 20
"""So many calls are made, and then somebody else has their turn."""

SIGNATURE, TIMESTAMP = "X-Digest-Signature", "X-Digest-Timestamp"
"""The headers that say from whom it is: `sha256=` and the HMAC of the timestamp, a point and the body, in hexadecimal digits; and the
timestamp, in seconds of Unix time."""

_MARGIN = timedelta(minutes=1)
_LATER = (408, 425, 429)
_row, _notice = tables.notice_call.c, tables.notice.c
_log = logger("digest.notices")

Post = Callable[..., Called]
"""`digest.catalogue.calling.post`, or what stands for it."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One call that is due."""

    id: int
    place: str
    attempts: int
    kind: str
    issue: str | None
    title: str
    words: str
    at: datetime
    notice: int


def call_out(app: App, post: Post = post) -> int:
    """Make the calls that are due, each once; how many were taken. No transaction is open meanwhile."""
    if not any_due(app):
        return 0
    taken = 0
    urls = {place_of(one.get_secret_value()): one.get_secret_value() for one in app.settings.notices.urls}
    for _ in range(AT_A_TIME):
        if app.stop.is_set():
            break
        with app.store.writing() as connection:
            call = _claim(connection, app)
        if call is None:
            break
        url = urls.get(call.place)
        if url is None:
            _settle(app, call, "dropped", "this address is not configured any more")
        else:
            taken += _call(app, call, url, post)
    return taken


def any_due(app: App) -> bool:
    """Whether some call is due; reads only."""
    with app.store.reading() as connection:
        due = select(_row.id).where(_row.state == "waiting", _row.not_before <= datetime.now(UTC)).limit(1)
        return connection.execute(due).first() is not None


def body_of(app: App, call: _Call) -> bytes:
    """What is posted. `text` is what chat programs show; nothing of it is about a subscriber."""
    at = app.settings.site.public_url
    link = page_url(at, "editor", f"issues/{call.issue}") if call.issue else f"{at.rstrip('/')}/editor"
    said = {
        "text": f"{_plain(call.title)}: {_plain(call.words)} {link}".replace("\n", " "),
        "id": call.notice,
        "kind": call.kind,
        "issue": call.issue,
        "title": call.title,
        "words": call.words,
        "at": call.at.isoformat(),
        "link": link,
    }
    return json.dumps(said).encode()


def _plain(text: str) -> str:
    """As chat programs want it, so that nothing of it is a link, a mention or a mark: a title may be a stranger's."""
    return html.escape(text, quote=False)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What proves that a body is ours, and of that time."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _claim(connection: Connection, app: App) -> _Call | None:
    """The next one; nobody else tries it before the lease has ended."""
    real = datetime.now(UTC)
    columns = (
        _row.id,
        _row.place,
        _row.attempts,
        _notice.kind,
        _notice.issue,
        _notice.title,
        _notice.words,
        _notice.at,
        _notice.id,
    )
    due = select(*columns).join(tables.notice, _notice.id == _row.notice_id)
    due = due.where(_row.state == "waiting", _row.not_before <= real).order_by(_row.not_before, _row.id).limit(1)
    found = connection.execute(due).one_or_none()
    if found is None:
        return None
    call = _Call(*found)
    lease = real + app.settings.notices.timeout + _MARGIN
    connection.execute(update(tables.notice_call).where(_row.id == call.id).values(attempts=call.attempts + 1, not_before=lease))
    return call


def _call(app: App, call: _Call, url: str, post: Post) -> bool:
    settings = app.settings.notices
    body, timestamp = body_of(app, call), str(int(datetime.now(UTC).timestamp()))
    secret = "" if settings.secret is None else settings.secret.get_secret_value()
    headers = {"content-type": "application/json", TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}
    host = (urlsplit(url).hostname or "").lower()
    private = settings.allow_private or (host if is_this_machine(host) else False)
    try:
        called = post(url, body, headers, allow_private=private, seconds=settings.timeout.total_seconds())
    except Unreachable:
        return _again(app, call, "out of reach")  # its words may name the address
    if 200 <= called.status < 300:
        _settle(app, call, "told", str(called.status))
        return True
    if 400 <= called.status < 500 and called.status not in _LATER:
        _settle(app, call, "given up", str(called.status))
        _log.error("a notice was refused with %s: look at notices.urls", called.status, action="notice_refused")
        return False
    return _again(app, call, str(called.status))


def _again(app: App, call: _Call, answer: str) -> bool:
    attempts = call.attempts + 1
    if attempts >= ATTEMPTS:
        _settle(app, call, "given up", answer)
        _log.error("a notice was given up after %s attempts: %s", attempts, answer, action="notice_given_up")
        return False
    with app.store.writing() as connection:
        values = {"not_before": datetime.now(UTC) + wait_after(attempts), "answer": answer}
        connection.execute(update(tables.notice_call).where(_row.id == call.id).values(values))
    return False


def _settle(app: App, call: _Call, state: str, answer: str) -> None:
    with app.store.writing() as connection:
        connection.execute(update(tables.notice_call).where(_row.id == call.id).values(state=state, answer=answer))
