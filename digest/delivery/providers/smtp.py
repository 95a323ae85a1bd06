"""Mail through a relay: one transport is one connection, kept for as many messages as it bears.

What each answer means stands in `smtp_answers` and in `docs/providers/smtp.md`.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from digest.delivery.providers.addresses import is_carriable
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.dkim_signature import read_signer
from digest.delivery.providers.port import Ahead
from digest.delivery.providers.smtp_answers import Phase, Reply, Verdict, judge_silence
from digest.delivery.providers.smtp_conversation import Conversation, Halt, Stale, encode
from digest.delivery.providers.smtp_sender import EnvelopeSender
from digest.delivery.providers.smtp_signing import kept, signing
from digest.delivery.providers.smtp_transaction import FINAL_DOT, Builder, Path, Transaction
from digest.delivery.providers.waiting import Aside, run
from digest.delivery.providers.wire import Deadline, Wire, dial
from digest.delivery.providers.wording import explain, mask
from digest.errors import Refused, UsageError
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Settings, SmtpSettings

_QUEUED_AS = re.compile(r"queued as ([\w.-]+)", re.IGNORECASE)


class Smtp:
    """A mail relay.

    No other process is told how to make one (`made_of`): to hand each message over costs more than the connections' share of it.
    """

    name = "smtp"
    batch_limit = 1

    def __init__(self, settings: Settings) -> None:
        check_relay(settings.providers.smtp)
        self._settings, self._builder = settings, kept(signing(read_signer(settings)))
        self.seals = settings.providers.smtp.bounce_address is not None  # a seal stands in the bounce address, and nowhere else

    def open(self) -> SmtpTransport:
        """A new transport; connects at its first send."""
        return SmtpTransport(self.stream())

    def stream(self) -> SmtpStream:
        """The same, for whoever drives several at once."""
        return SmtpStream(self._settings, lambda: self._tls, self._builder)

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """One entry per message: its envelope and its size."""
        build, sender = self._builder(rendition), EnvelopeSender(self._settings.providers.smtp)
        return [
            {
                "provider": self.name,
                "mail_from": sender.of(rendition, envelope),
                "rcpt_to": envelope.address,
                "size": sum(map(len, build(envelope, date))) - len(FINAL_DOT),
            }
            for envelope in envelopes
        ]

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


class SmtpTransport:
    """One lane's connection to the relay, for whoever has nothing else to do meanwhile."""

    def __init__(self, stream: SmtpStream) -> None:
        self._stream = stream

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Carry one envelope; it takes at most `connect_timeout` and twice `timeout`."""
        return run(self._stream.send(rendition, envelopes, date))

    def close(self) -> None:
        """Say goodbye and let the connection go; never raises."""
        self._stream.close()


class SmtpStream:
    """One connection to the relay; opened when it is needed, and again when the relay has let go of it."""

    def __init__(
        self,
        settings: Settings,
        tls: Callable[[], ssl.SSLContext],
        builder: Callable[[Rendition], Builder],
    ) -> None:
        self._relay, self._delivery = settings.providers.smtp, settings.delivery
        self._before_dot = (self._delivery.connect_timeout + self._delivery.timeout).total_seconds()
        self._tls, self._builder = tls, builder
        self._sender = EnvelopeSender(self._relay)
        self._conversation: Conversation | None = None
        self._built: tuple[Rendition, Builder] | None = None  # its own: lanes may be at more renditions than are kept for all
        self._closed = False

    async def send(
        self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime, ahead: Ahead | None = None
    ) -> Answer:
        """Carry one envelope; it takes at most `connect_timeout` and twice `timeout`. As `Stream.send`: the envelope of the
        message to `ahead` is written behind this one, where the relay offers PIPELINING."""
        if not envelopes:
            return Answer(())
        (envelope,) = envelopes  # batch_limit is 1
        sender = self._sender.of(rendition, envelope)
        if not is_carriable(sender):
            return Answer(
                (Outcome.DEFERRED,), text="the sender's address is not one that SMTP can carry", trouble=Trouble.ACCOUNT
            )
        if not is_carriable(envelope.address):
            return Answer((Outcome.REJECTED,), texts={0: "the address is not one that SMTP can carry"})
        try:
            body = self._build(rendition, envelope, date)
        except (ValueError, Refused) as error:
            return Answer((Outcome.DEFERRED,), text=self._fit(str(error), envelope), trouble=Trouble.CONTENT)
        following = None
        if ahead is not None and is_carriable(ahead.address):
            following = Path(self._sender.of_next(rendition, ahead), ahead.address)
        try:
            reply = await self._carry(Transaction(Path(sender, envelope.address), body), following)
        except Halt as halt:
            self._leave(halt)
            return self._tell(halt, envelope)
        queued = _QUEUED_AS.search(reply.text)
        return Answer((Outcome.ACCEPTED,), text=self._fit(str(reply), envelope), provider_message_id=queued and queued[1])

    def close(self) -> None:
        """Say goodbye and let the connection go; never raises."""
        self._closed = True
        if self._conversation is not None:
            self._conversation.close()
        self._conversation = None

    def _build(self, rendition: Rendition, envelope: Envelope, date: datetime) -> Sequence[bytes]:
        if self._built is None or self._built[0] is not rendition:
            self._built = (rendition, self._builder(rendition))
        return self._built[1](envelope, date)

    async def _carry(self, transaction: Transaction, ahead: Path | None) -> Reply:
        """Over the connection there is; over a new one where the relay had let go of that before it answered anything."""
        before_dot = Deadline(self._before_dot)
        if self._conversation is not None and self._conversation.is_ready_for(transaction.path):
            try:
                return await self._conversation.carry(transaction, before_dot, self._delivery.timeout, ahead)
            except Stale:
                pass
        if self._conversation is not None:
            self._conversation.drop()
            self._conversation = None
        deadline = before_dot.at_most(self._delivery.connect_timeout)
        try:
            conversation: Conversation = await Aside(lambda: self._open(deadline))
        except OSError as error:
            verdict = Verdict(Outcome.DEFERRED, Trouble.CONNECTION)
            raise Halt(Phase.CONNECT, verdict, explain(error), usable=False) from error
        self._conversation = conversation
        return await conversation.carry(transaction, before_dot, self._delivery.timeout, ahead)

    def _open(self, deadline: Deadline) -> Conversation:
        conversation = open_conversation(self._relay, self._tls, deadline)
        if self._closed:  # meanwhile: nobody will say goodbye
            conversation.drop()
        return conversation

    def _leave(self, halt: Halt) -> None:
        if self._conversation is not None and not halt.usable:
            self._conversation.drop()
            self._conversation = None

    def _tell(self, halt: Halt, envelope: Envelope) -> Answer:
        text = self._fit(str(halt), envelope)
        if halt.verdict.trouble is None:
            return Answer((halt.verdict.outcome,), texts={0: text}, crowded=frozenset({0} if halt.verdict.crowded else ()))
        return Answer((halt.verdict.outcome,), text=text, trouble=halt.verdict.trouble)

    def _fit(self, text: str, envelope: Envelope) -> str:
        return mask(text, secrets_of(self._relay), {envelope.address.lower()})


def open_conversation(relay: SmtpSettings, tls: Callable[[], ssl.SSLContext], deadline: Deadline) -> Conversation:
    """A conversation ready for its first message: connected, secured and logged in as configured; else a `Halt`.

    Configured TLS is never given up: where the relay does not offer STARTTLS, nothing is said to it.
    """
    conversation = Conversation(_connect(relay, tls, deadline))
    try:
        run(_introduce(conversation, relay, tls))
    except Halt:
        conversation.drop()
        raise
    return conversation


async def _introduce(conversation: Conversation, relay: SmtpSettings, tls: Callable[[], ssl.SSLContext]) -> None:
    await conversation.greet(relay.local_hostname)
    if relay.security == "starttls":
        if "STARTTLS" not in conversation.features:
            raise Halt(Phase.STARTTLS, judge_silence(Phase.STARTTLS), "the relay does not offer it", usable=False)
        await conversation.secure(tls(), relay.host)
        await conversation.introduce(relay.local_hostname)
    if relay.username is not None and relay.password is not None:
        await conversation.log_in(relay.username, relay.password.get_secret_value())


def check_relay(relay: SmtpSettings) -> None:
    """`UsageError` for a login that is incomplete, or that would cross a network in clear text, and for a name nobody can be called by."""
    if relay.local_hostname is not None and not re.fullmatch(r"[A-Za-z0-9.-]+|\[[A-Fa-f0-9.:IPv]+\]", relay.local_hostname):
        raise UsageError("providers.smtp.local_hostname is not a host name: use letters, digits, dots and hyphens")
    if (relay.username is None) != (relay.password is None):
        missing = "DIGEST_PROVIDERS__SMTP__PASSWORD" if relay.password is None else "providers.smtp.username"
        raise UsageError(f"providers.smtp has only half of a login: set {missing} too, or remove the other half")
    if relay.username is not None and relay.security == "none" and not is_loopback(relay.host):
        raise UsageError(
            f'providers.smtp.security is "none", and the login would go to {relay.host} in clear text:'
            ' set it to "starttls" or "tls", or remove providers.smtp.username'
        )


def secrets_of(relay: SmtpSettings) -> set[str]:
    """What may stand in no text: the login, plain and as AUTH writes it."""
    if relay.username is None or relay.password is None:
        return set()
    username, password = relay.username, relay.password.get_secret_value()
    return {username, password, encode(username), encode(password), encode(f"\0{username}\0{password}")}


def _connect(relay: SmtpSettings, tls: Callable[[], ssl.SSLContext], deadline: Deadline) -> Wire:
    wire = None
    try:
        wire = dial(relay.host, relay.port, deadline)
        if relay.security == "tls":
            wire.secure(tls(), relay.host)
    except (OSError, ValueError) as error:
        if wire is not None:
            wire.close()
        words = f"{relay.host}:{relay.port}: {explain(error)}"
        raise Halt(Phase.CONNECT, Verdict(Outcome.DEFERRED, Trouble.CONNECTION), words, usable=False) from error
    return wire


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
