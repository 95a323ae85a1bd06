"""A provider that carries mail nowhere, and answers as its script says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from digest.delivery.providers.answer import Answer, Outcome
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition

Script = Callable[[Sequence[Envelope]], Answer]
"""Answers one send. It may block, or raise what a killed process would; nothing is carried where it raises."""


def answer_by_address(
    outcomes: dict[str, Outcome], *, otherwise: Outcome = Outcome.ACCEPTED
) -> Callable[[Sequence[Envelope]], Answer]:
    """A script: the outcome of each envelope by its address."""
    return lambda envelopes: Answer(tuple(outcomes.get(envelope.address, otherwise) for envelope in envelopes))


def answer_in_turn(*answers: Outcome | Answer) -> Callable[[Sequence[Envelope]], Answer]:
    """A script: the nth send gets the nth answer, an outcome being that of all its envelopes; later ones are accepted."""
    lock, left = Lock(), list(answers)

    def script(envelopes: Sequence[Envelope]) -> Answer:
        with lock:
            answer = left.pop(0) if left else Outcome.ACCEPTED
        return Answer((answer,) * len(envelopes)) if isinstance(answer, Outcome) else answer

    return script


class FakeProvider:
    """A provider for tests of whatever uses providers. Safe to use from many threads.

    Carried is what was accepted, and what is unknown where `unknown_arrives`. One that is `idempotent_for` a while knows a
    delivery's id again and carries it once, whatever it answers.
    """

    name = "fake"

    def __init__(
        self,
        script: Script | None = None,
        batch_limit: int = 1,
        *,
        unknown_arrives: bool = True,
        idempotent_for: timedelta = timedelta(0),
    ) -> None:
        self.batch_limit = batch_limit
        self.idempotent_for = idempotent_for
        self.carried: list[tuple[str, str]] = []
        """(delivery id, address) of each message that arrived, in order."""
        self.sends: list[tuple[str, ...]] = []
        """The delivery ids of each send, in order."""
        self.opened = 0
        self.closed = 0
        self._script = script or answer_in_turn()
        self._arriving = {Outcome.ACCEPTED, Outcome.UNKNOWN} if unknown_arrives else {Outcome.ACCEPTED}
        self._lock = Lock()

    def open(self) -> FakeTransport:
        """A new transport, counted."""
        with self._lock:
            self.opened += 1
        return FakeTransport(self)

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """One entry per envelope."""
        return [{"provider": self.name, "issue": rendition.issue, "rcpt_to": envelope.address} for envelope in envelopes]

    def take(self, envelopes: Sequence[Envelope]) -> Answer:
        """One send, by the script."""
        if len(envelopes) > self.batch_limit:
            raise AssertionError(f"{len(envelopes)} envelopes in one send, and the limit is {self.batch_limit}")
        with self._lock:
            self.sends.append(tuple(envelope.delivery_id for envelope in envelopes))
        answer = self._script(envelopes)
        with self._lock:
            self.carried += [
                (envelope.delivery_id, envelope.address)
                for envelope, outcome in zip(envelopes, answer.outcomes, strict=True)
                if outcome in self._arriving and not (self.idempotent_for and self._knows(envelope))
            ]
        return answer

    def _knows(self, envelope: Envelope) -> bool:
        return any(delivery_id == envelope.delivery_id for delivery_id, _ in self.carried)

    def let_go(self) -> None:
        """A transport was closed."""
        with self._lock:
            self.closed += 1


class FakeTransport:
    """One lane's transport of a `FakeProvider`."""

    def __init__(self, provider: FakeProvider) -> None:
        self._provider = provider

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Answer as the script says."""
        return self._provider.take(envelopes)

    def close(self) -> None:
        """Counted."""
        self._provider.let_go()
