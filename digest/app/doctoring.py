"""Doctoring: the installation, the sender's domain, the relay and the public pages, looked at from here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from digest.app.examining import examine
from digest.app.listening import are_read, listens
from digest.app.wiring import DRY_RUN, App
from digest.catalogue.connecting import Resolve, resolve
from digest.checks.domain.answers import Book
from digest.checks.domain.domain_checks import examine_domain
from digest.checks.domain.services import mailgun, service, smtp
from digest.checks.domain.subject import Subject, Way, is_reserved
from digest.checks.finding import Finding, Severity, error, note, softened, well
from digest.checks.installation import judge_modes, judge_sender
from digest.checks.public_pages import NOBODYS_TOKEN, Page, judge_address, judge_front, judge_one_click
from digest.checks.relay import judge_relay
from digest.errors import DigestError, Unreachable

_NAMES = "name server"
_AT_HOME = frozenset({DRY_RUN, "console", "eml", "maildir"})  # nothing leaves by these


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to look: `offline` asks nobody but the database, `nameserver` is asked in place of the system's, and private
    addresses of the public pages are asked only with `allow_private`."""

    offline: bool = False
    nameserver: tuple[str, int] | None = None
    allow_private: bool = False


def diagnose(app: App, wanted: Wanted) -> list[Finding]:
    """Everything that was looked at, well or not. Nothing is changed, and no mail is sent."""
    found = [*_installation(app, wanted)]
    outside = [] if wanted.offline else [*_outside(app, wanted)]
    return found + (outside if _sends(app) else softened(outside, but=_NAMES))


def exit_code(found: list[Finding]) -> int:
    """3 for an error, 5 when the name server is out of reach and that is all, 0."""
    wrong = {one.where for one in found if one.severity is Severity.ERROR}
    if wrong - {_NAMES}:
        return 3
    return 5 if wrong else 0


def _sends(app: App) -> bool:
    return any(name not in _AT_HOME for name in _providers(app))


def _on_trial(app: App) -> bool:
    """Whether mails go to this machine: a relay that is tried out here may carry names for examples."""
    from digest.delivery.providers.smtp import is_loopback

    return _providers(app) == ["smtp"] and is_loopback(app.settings.providers.smtp.host)


def _providers(app: App) -> list[str]:
    delivery = app.settings.delivery
    return [name for name in (delivery.provider, delivery.fallback) if name is not None]


def _installation(app: App, wanted: Wanted) -> Iterator[Finding]:
    yield well("configuration", "reads")
    yield from judge_modes(_modes(app))
    examined = examine(app, offline=wanted.offline)
    for one in examined:
        if one.well:
            yield well(one.what, one.said)
        else:
            what, _, mend = one.said.partition("; ")
            yield error(one.what, what, mend)
    yield from listens(app, _providers(app))
    if examined[0].well:  # the database
        yield from are_read(app)
    sender = app.settings.sender
    yield from judge_sender(sender.address, sender.reply_to, sends=_sends(app) and not _on_trial(app))


def _modes(app: App) -> dict[str, int]:
    """The files that hold secrets, as one names them from here."""
    settings, key_file = app.settings, app.settings.providers.smtp.dkim.key_file
    folder = settings.project / (os.environ.get("DIGEST_SECRETS_DIR") or "secrets")
    files = [settings.project / ".env", *(sorted(folder.iterdir()) if folder.is_dir() else ())]
    files += [settings.resolve(key_file)] if key_file is not None else []
    return {os.path.relpath(file): file.stat().st_mode for file in files if _is_file(file)}


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:
        return False


def _outside(app: App, wanted: Wanted) -> Iterator[Finding]:
    names: Resolve = resolve
    if wanted.nameserver is not None or not is_reserved(_domain(app.settings.sender.address)):
        from digest.app.name_server import NameServer

        try:
            server = NameServer(wanted.nameserver)
            subject = _subject(app)
            yield from server.consult(lambda book: _examine(book, subject))
        except Unreachable as unreachable:
            what, _, mend = str(unreachable).partition("; ")
            yield error(_NAMES, what, mend)
            yield note("the rest", "relay and public pages were not looked at without a name server")
            return
        names = server.resolve if wanted.nameserver is not None else resolve
    yield from _relay(app)
    yield from _pages(app.settings.site.public_url, wanted, names)


def _examine(book: Book, subject: Subject | DigestError) -> list[Finding]:
    return [] if isinstance(subject, DigestError) else examine_domain(book, subject)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _subject(app: App) -> Subject | DigestError:
    """What is looked at; the error, where the key that signs cannot be read: that is told where the provider is opened."""
    sender = app.settings.sender
    domain = _domain(sender.address)
    try:
        ways = tuple(_way(app, name, domain) for name in _providers(app))
    except DigestError as broken:
        return broken
    return Subject(domain, None if sender.reply_to is None else _domain(sender.reply_to), ways)


def _way(app: App, name: str, domain: str) -> Way:
    providers = app.settings.providers
    if name == "smtp":
        from digest.delivery.providers.dkim_signature import read_signer

        signer = read_signer(app.settings)
        way = smtp(domain, providers.smtp.host, None if signer is None else signer.signing_key)
        bounces = providers.smtp.bounce_address  # the envelope's sender, for which SPF is looked up
        return way if bounces is None else replace(way, return_path=_domain(bounces))
    if name == "mailgun" and providers.mailgun.domain is not None:
        return mailgun(providers.mailgun.domain)
    return Way(name, "the provider that will send") if name in _AT_HOME else service(name, domain)


def _relay(app: App) -> Iterator[Finding]:
    if "smtp" not in _providers(app):
        return
    from digest.delivery.providers.smtp_visit import visit_relay

    try:
        seen = visit_relay(app.settings.providers.smtp, app.settings.delivery.connect_timeout)
    except DigestError:
        return  # told where the provider is opened
    yield from judge_relay(seen, app.now)


def _pages(public_url: str, wanted: Wanted, names: Resolve) -> Iterator[Finding]:
    reserved = is_reserved(urlsplit(public_url).hostname or "")
    asked = not reserved or wanted.nameserver is not None or wanted.allow_private
    at_first = judge_address(public_url, asked=asked, allow_private=wanted.allow_private)
    yield from at_first
    if not asked:
        return
    front = _asked(public_url, wanted, names, post=False)
    if not (front.private and at_first):
        yield from judge_front(public_url, front)
    if front.status is not None:
        yield from judge_one_click(_asked(f"{public_url}/unsubscribe/{NOBODYS_TOKEN}", wanted, names, post=True))


def _asked(url: str, wanted: Wanted, names: Resolve, *, post: bool) -> Page:
    from digest.catalogue.calling import PrivateAddress, call

    try:
        called = call("POST" if post else "GET", url, allow_private=wanted.allow_private, resolve=names)
    except PrivateAddress as refused:
        return Page(failed=str(refused), private=True)
    except Unreachable as failed:
        return Page(failed=str(failed))
    return Page(called.status, called.location, called.cookie)
