"""Test sends: one real mail to an editor, with inert links, that leaves no delivery row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from digest.app.previewing import nobody
from digest.app.wiring import App
from digest.delivery.providers.answer import Trouble
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.errors import Refused, Unreachable, UsageError
from digest.issues.issue import Issue, issue_by_id
from digest.rendering.content import Envelope
from digest.settings.types import parse_address

_INERT = "https://example.invalid/this-is-a-test"


def send_test(app: App, issue: Issue, email: str) -> str:
    """Send an issue's widest rendition to one address; returns the provider's outcome.

    `Unreachable` when there is no connection; `Refused` when the provider refuses the account, or the issue is at another revision by
    now: what arrives is what was looked at.
    """
    if not issue.rendered:
        raise Refused(f"issue {issue.name} cannot be sent: {issue.reason}")
    if not app.sends_for_real:
        raise Refused("delivery.provider is dry-run, which sends nothing; name another provider for a test send")
    address = _address(email)
    with app.store.reading() as connection:
        if issue_by_id(connection, issue.id).revision != issue.revision:
            raise Refused(f"issue {issue.name} was changed meanwhile; look at it again")
        rendition = Shelf(connection, issue).assemble(widest_arrangement(connection, issue), 0)
    personal = nobody(rendition, _INERT, email)
    marked = replace(rendition, subject=f"[Test] {rendition.subject}")
    stamp = datetime.now(UTC)
    envelope = Envelope(f"test-{stamp:%Y%m%d%H%M%S%f}", "1", 0, address, None, personal)
    transport = app.provider().open()
    try:
        answer = transport.send(marked, [envelope], stamp)
    finally:
        transport.close()
    said = answer.texts.get(0, answer.text)
    if answer.trouble is Trouble.CONNECTION:
        raise Unreachable(f"the provider is out of reach: {said}; check providers.{app.settings.delivery.provider}")
    if answer.trouble is Trouble.ACCOUNT:
        raise Refused(f"the provider refused the account: {said}; check providers.{app.settings.delivery.provider}")
    return answer.outcomes[0].value + (f": {said}" if said and answer.outcomes[0].value != "accepted" else "")


def _address(email: str) -> str:
    try:
        return parse_address(email)
    except ValueError as error:
        raise UsageError(f"--test-to: {error}") from None
