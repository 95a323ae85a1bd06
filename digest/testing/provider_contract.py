"""The suite that every provider passes; for pytest, without needing it.

Subclass it in a test module, and give it `trial`: your provider, wired to a service that behaves as asked::

    class TestMine(ProviderContract):
        behaviours = frozenset({Behaviour.TAKES, Behaviour.OUT_OF_REACH})

        @contextmanager
        def trial(self, behaviour):
            with MyStub(behaviour) as stub:
                yield Trial(Mine(some_settings(...)), arrived=lambda: stub.recipients, secrets=("the key",))
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.port import Provider
from digest.rendering.content import Envelope
from digest.testing.specimens import DATE, a_rendition, envelopes


class Behaviour(StrEnum):
    """How the service of a trial behaves."""

    TAKES = "takes everything"
    REFUSES_ONE = "refuses reader2@example.com for that address's sake, and takes the others"
    REFUSES_CONTENT = "refuses what is said"
    REFUSES_ACCOUNT = "refuses the login or the sender, in words that repeat the secrets"
    THROTTLES = "asks to slow down"
    OUT_OF_REACH = "does not answer the call"
    FALLS_SILENT = "takes the last byte and never answers"
    HANGS_UP = "takes the last byte and ends the connection"
    TALKS_NONSENSE = "takes the last byte and answers what is no answer"


WHOLE = {
    Behaviour.TAKES: (Outcome.ACCEPTED, None),
    Behaviour.REFUSES_CONTENT: (Outcome.DEFERRED, Trouble.CONTENT),
    Behaviour.REFUSES_ACCOUNT: (Outcome.DEFERRED, Trouble.ACCOUNT),
    Behaviour.THROTTLES: (Outcome.DEFERRED, Trouble.THROTTLED),
    Behaviour.OUT_OF_REACH: (Outcome.DEFERRED, Trouble.CONNECTION),
    Behaviour.FALLS_SILENT: (Outcome.UNKNOWN, None),
    Behaviour.HANGS_UP: (Outcome.UNKNOWN, None),
    Behaviour.TALKS_NONSENSE: (Outcome.UNKNOWN, None),
}
"""What a send comes to under each behaviour that concerns all envelopes alike."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A provider and its service. `arrived` lists the addresses of what the service took; None where it cannot tell.

    `requests` lists what it was sent, in the shape of `describe`; `connections` counts the connections it saw.
    """

    provider: Provider
    arrived: Callable[[], list[str]] | None = None
    requests: Callable[[], list[dict[str, Any]]] | None = None
    connections: Callable[[], int] | None = None
    secrets: tuple[str, ...] = ()


class ProviderContract:
    """What holds for every provider. Override `behaviours` where a service cannot behave in some way."""

    behaviours: frozenset[Behaviour] = frozenset(Behaviour)

    def trial(self, behaviour: Behaviour) -> AbstractContextManager[Trial]:
        """A provider whose service behaves so."""
        raise NotImplementedError

    def test_each_behaviour_becomes_its_outcome_and_its_trouble(self) -> None:
        for behaviour in self.possible(*WHOLE):
            outcome, trouble = WHOLE[behaviour]
            with self.trial(behaviour) as trial:
                answer = send(trial.provider, envelopes(1))
            holds(answer.outcomes == (outcome,), f"{behaviour}: the outcome is {answer.outcomes}, not {outcome}")
            holds(answer.trouble is trouble, f"{behaviour}: the trouble is {answer.trouble}, not {trouble}")

    def test_every_envelope_has_one_outcome(self) -> None:
        for behaviour in self.possible(*WHOLE):
            with self.trial(behaviour) as trial:
                batch = envelopes(min(3, trial.provider.batch_limit))
                answer = send(trial.provider, batch)
            holds(len(answer.outcomes) == len(batch), f"{behaviour}: {len(answer.outcomes)} outcomes for {len(batch)} envelopes")
            holds(set(answer.texts) <= set(range(len(batch))), f"{behaviour}: words about envelopes that there are not")

    def test_one_refused_address_stops_only_itself(self) -> None:
        for behaviour in self.possible(Behaviour.REFUSES_ONE):
            with self.trial(behaviour) as trial:
                answers = send_all(trial.provider, envelopes(3))
                outcomes = [outcome for answer in answers for outcome in answer.outcomes]
                holds(outcomes == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.ACCEPTED], f"the outcomes are {outcomes}")
                holds(all(answer.trouble is None for answer in answers), "one address became everybody's trouble")
                holds(sum(len(answer.texts) for answer in answers) == 1, "the refused one has no words of its own")
                if trial.arrived:
                    arrived = sorted(trial.arrived())
                    holds(arrived == ["reader1@example.com", "reader3@example.com"], f"{arrived} arrived")

    def test_what_is_accepted_has_arrived_once(self) -> None:
        for behaviour in self.possible(Behaviour.TAKES):
            with self.trial(behaviour) as trial:
                batch = envelopes(7)
                answers = send_all(trial.provider, batch)
                holds(all(set(answer.outcomes) == {Outcome.ACCEPTED} for answer in answers), "not everything was accepted")
                if trial.arrived:
                    holds(sorted(trial.arrived()) == sorted(envelope.address for envelope in batch), "not everybody got one mail")

    def test_what_is_deferred_has_not_arrived(self) -> None:
        for behaviour in self.possible(*(behaviour for behaviour, (outcome, _) in WHOLE.items() if outcome is Outcome.DEFERRED)):
            with self.trial(behaviour) as trial:
                send(trial.provider, envelopes(1))
                holds(not trial.arrived or not trial.arrived(), f"{behaviour}: something arrived")

    def test_a_transport_keeps_its_connection(self) -> None:
        for behaviour in self.possible(Behaviour.TAKES):
            with self.trial(behaviour) as trial:
                send_all(trial.provider, envelopes(1), times=3)
                if trial.connections:
                    holds(trial.connections() <= 1, f"{trial.connections()} connections for three sends")

    def test_nothing_is_contacted_before_there_is_something_to_send(self) -> None:
        for behaviour in self.possible(Behaviour.TAKES):
            with self.trial(behaviour) as trial:
                transport = trial.provider.open()
                holds(transport.send(a_rendition(), [], DATE).outcomes == (), "nothing sent, and yet an outcome")
                trial.provider.describe(a_rendition(), envelopes(1), DATE)
                transport.close()
                transport.close()
                holds(not trial.connections or trial.connections() == 0, "the service was contacted")

    def test_a_description_is_what_is_sent(self) -> None:
        for behaviour in self.possible(Behaviour.TAKES):
            with self.trial(behaviour) as trial:
                batch = envelopes(min(3, trial.provider.batch_limit))
                described = trial.provider.describe(a_rendition(), batch, DATE)
                holds(described == trial.provider.describe(a_rendition(), batch, DATE), "two descriptions differ")
                send(trial.provider, batch)
                if trial.requests:
                    holds(described == trial.requests(), "the description is not what was sent")

    def test_no_secret_and_no_reader_stands_in_any_words(self) -> None:
        for behaviour in self.possible(*Behaviour):
            with self.trial(behaviour) as trial:
                batch = envelopes(min(3, trial.provider.batch_limit))
                described = json.dumps(trial.provider.describe(a_rendition(), batch, DATE))
                answers = (
                    send_all(trial.provider, envelopes(3))
                    if behaviour is Behaviour.REFUSES_ONE
                    else [send(trial.provider, batch)]
                )
            words = [text for answer in answers for text in (answer.text, *answer.texts.values())]
            for secret in trial.secrets:
                holds(secret not in described, "a secret stands in the description")
                holds(not any(secret in text for text in words), f"{behaviour}: a secret stands in the answer")
            holds(not any("reader" in text for text in words), f"{behaviour}: an address stands in the answer")
            holds(all(len(text) <= 500 and "\n" not in text for text in words), f"{behaviour}: words of more than a line")

    def possible(self, *wanted: Behaviour) -> Iterator[Behaviour]:
        """Those of the behaviours that this service is able to show."""
        return (behaviour for behaviour in wanted if behaviour in self.behaviours)


def send(provider: Provider, batch: Sequence[Envelope]) -> Answer:
    """One send by a transport of its own."""
    with closing(provider.open()) as transport:
        return transport.send(a_rendition(), batch, DATE)


def send_all(provider: Provider, batch: Sequence[Envelope], times: int = 1) -> list[Answer]:
    """All of `batch` by one transport, in sends as large as the provider takes; all of it `times` times."""
    size = provider.batch_limit
    rendition = a_rendition()
    with closing(provider.open()) as transport:
        return [
            transport.send(rendition, batch[start : start + size], DATE)
            for _ in range(times)
            for start in range(0, len(batch), size)
        ]


@contextmanager
def on_nothing() -> Iterator[int]:
    """A port of loopback on which nobody answers a call."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def holds(condition: object, words: str) -> None:
    """An assertion that survives `python -O`."""
    if not condition:
        raise AssertionError(words)
