"""Carrying letters: those that are due go through the configured provider; in a dry run they land in the outbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from digest.app import signing_in
from digest.app.attending import Attendant
from digest.app.composing import Composed, compose
from digest.app.sending import obstacle
from digest.app.wiring import App
from digest.audience import asking, questions, tallying
from digest.audience.finding import subscription_by_id
from digest.audience.mac import mac
from digest.audience.suppression import is_suppressed
from digest.delivery import letters, welcoming
from digest.delivery.halting import in_force
from digest.delivery.letters import Kind, Letter
from digest.delivery.mailed import keeping
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.providers.port import Transport, longest_send
from digest.delivery.welcoming import Welcome
from digest.editors import notices
from digest.errors import TemplateError, Unreachable
from digest.logs import logger
from digest.rendering.content import Envelope
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition
from digest.traces import span

_log = logger("digest.letters")
_EVERY = 5.0  # seconds between two looks for letters that wait, where nobody said that there is one
_MARGIN = timedelta(minutes=1)
_TIDY = 3600.0  # seconds between two times at which what is old is thrown away


def send_letters(app: App) -> int:
    """Send what is due, one after the other, and return how many the provider took. Nothing leaves while a halt is in force."""
    sent = 0
    with ExitStack() as stack:
        transport: Transport | None = None
        while _may_send(app) and (letter := _take(app)) is not None:
            if transport is None:
                stack.enter_context(span("letters"))
                transport = _open(app)
                stack.callback(transport.close)
            answer = _send_one(app, transport, letter)
            sent += answer is not None and answer.outcomes[0] is Outcome.ACCEPTED
    return sent


def _take(app: App) -> Letter | None:
    """The next one. In a dry run a welcome waits: what it holds would count as had."""
    lease = longest_send(app.settings.delivery) + _MARGIN
    with app.store.writing() as connection:
        for old in letters.give_up_old(connection, now=app.now):
            _give_back(connection, old)
        return letters.claim(connection, real=datetime.now(UTC), lease=lease, welcomes=app.sends_for_real)


def _open(app: App) -> Transport:
    return app.provider().open() if app.sends_for_real else _Outbox(app.settings.project / "outbox" / "letters")


def forget_old(app: App) -> None:
    """Take out what nothing asks for any more: letters, sign-ups that nobody confirmed, tallies, mails that came back, editors'
    sessions. In a halt, too."""
    with app.store.writing() as connection:
        letters.forget_old(connection, now=app.now)
        asking.forget_old(connection, now=app.now)
        tallying.forget_old(connection, now=app.now)
        keeping.forget_old(connection, now=datetime.now(UTC))
        notices.forget_old(connection, now=app.now)
    signing_in.forget_old(app)


def _may_send(app: App) -> bool:
    return not app.stop.is_set() and (not app.sends_for_real or obstacle(app) is None)


def any_waiting(app: App) -> bool:
    """Whether there is anything to do; reads only."""
    with app.store.reading() as connection:
        return letters.any_due(connection, real=datetime.now(UTC))


def _send_one(app: App, transport: Transport, letter: Letter) -> Answer | None:
    """Compose, send, settle; no transaction is open while the provider is asked."""
    try:
        with app.store.reading() as connection:
            composed = compose(app, connection, letter)
            shut = is_suppressed(connection, letter.address, "" if composed is None else composed.newsletter)
    except Unreachable:
        raise
    except Exception as error:  # one that cannot be written stops only itself: those behind it go on
        why = str(error) if isinstance(error, TemplateError) else type(error).__name__  # other words may name an address
        answer = Answer((Outcome.DEFERRED,), why)
        _log.error("a letter waits: %s", why, action="letter_waits", letter=letter.id, kind=letter.kind.value)
    else:
        if composed is None or shut:
            with app.store.writing() as connection:
                if letters.drop(connection, letter, "it is over" if composed is None else "suppressed"):
                    _give_back(connection, letter)
            return None
        if letter.kind is Kind.WELCOME and not _mark(app, letter):
            return None
        answer = transport.send(composed.rendition, [_envelope(app, letter, composed)], datetime.now(UTC))
    said = answer.texts.get(0, answer.text)
    with app.store.writing() as connection:
        if letters.settle(connection, letter, answer.outcomes[0], said, now=app.now, real=datetime.now(UTC)):
            _give_back(connection, letter)
        if letter.kind is Kind.SUNSET and answer.outcomes[0] is Outcome.ACCEPTED:
            questions.mark_sent(connection, letter.about, now=app.now)
    return answer


def _mark(app: App, letter: Letter) -> bool:
    """Write down, before its first byte leaves, that a welcome may be on its way; not when they have left or must not be mailed meanwhile."""
    with app.store.writing() as connection:
        found = subscription_by_id(connection, letter.about, lock=True)
        wanted = (
            found is not None and welcoming.is_wanted(found) and not is_suppressed(connection, letter.address, found.newsletter)
        )
        return wanted and in_force(connection) is None and letters.mark(connection, letter, real=datetime.now(UTC))


def _give_back(connection: Connection, letter: Letter) -> None:
    """What a welcome held and did not bring comes with the next issue."""
    if letter.content is not None:
        welcoming.give_back(connection, Welcome.from_json(letter.content), letter.about)


def _envelope(app: App, letter: Letter, composed: Composed) -> Envelope:
    """The same id for every attempt: who knows it again, does not take the letter twice."""
    own_id = mac(app.key, b"letter|")(f"{letter.kind}|{letter.id}".encode()).hex()[:32]
    return Envelope(own_id, str(letter.attempts), letter.id, letter.address, composed.name, composed.personal)


class _Outbox:
    """Where letters land while `delivery.provider` is dry-run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Write each as a file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for envelope in envelopes:
            name = f"{date:%Y%m%d-%H%M%S}-{rendition.issue.replace('/', '-')}-{envelope.subscriber_id}.eml"
            (self._folder / name).write_bytes(MessageBuilder(rendition).build(envelope, date))
        return Answer((Outcome.ACCEPTED,) * len(envelopes))

    def close(self) -> None:
        """Nothing is open."""


def carrier(make: Callable[[], App], stop: threading.Event) -> Attendant:
    """Sends letters as they come, and throws away what is old."""
    tidied_at: float | None = None

    def carry(app: App) -> None:
        nonlocal tidied_at
        if any_waiting(app):
            send_letters(app)
        if tidied_at is None or time.monotonic() >= tidied_at + _TIDY:
            forget_old(app)
            tidied_at = time.monotonic()

    return Attendant(carry, make, stop, name="letters", every=_EVERY)
