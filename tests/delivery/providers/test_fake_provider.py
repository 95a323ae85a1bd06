"""The fake that tests of the dispatch use."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.testing.fake_provider import FakeProvider, answer_by_address, answer_in_turn
from digest.testing.provider_contract import WHOLE, Behaviour, ProviderContract, Trial, send
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes


class TestTheContract(ProviderContract):
    """The fake keeps the contract it is a fake of."""

    @contextmanager
    def trial(self, behaviour: Behaviour) -> Iterator[Trial]:
        if behaviour is Behaviour.REFUSES_ONE:
            provider = FakeProvider(
                lambda batch: (
                    Answer((Outcome.REJECTED,), texts={0: "no"}) if batch[0].subscriber_id == 2 else Answer((Outcome.ACCEPTED,))
                )
            )
        else:
            outcome, trouble = WHOLE[behaviour]
            provider = FakeProvider(lambda batch: Answer((outcome,) * len(batch), trouble=trouble))
        yield Trial(provider, arrived=lambda: [address for _, address in provider.carried])


def test_it_answers_by_address() -> None:
    provider = FakeProvider(answer_by_address({"reader2@example.com": Outcome.REJECTED}), batch_limit=3)
    assert send(provider, envelopes(3)).outcomes == (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.ACCEPTED)
    assert provider.carried == [("d0000000001", "reader1@example.com"), ("d0000000003", "reader3@example.com")]
    assert provider.sends == [("d0000000001", "d0000000002", "d0000000003")]


def test_it_answers_in_turn_and_then_accepts() -> None:
    throttled = Answer((Outcome.DEFERRED,), trouble=Trouble.THROTTLED)
    provider = FakeProvider(answer_in_turn(Outcome.UNKNOWN, throttled), unknown_arrives=False)
    assert [send(provider, [an_envelope()]).outcomes[0] for _ in range(3)] == [
        Outcome.UNKNOWN,
        Outcome.DEFERRED,
        Outcome.ACCEPTED,
    ]
    assert len(provider.carried) == 1
    assert (provider.opened, provider.closed) == (3, 3)


def test_more_than_its_limit_is_the_callers_mistake() -> None:
    with pytest.raises(AssertionError, match="the limit is 1"):
        send(FakeProvider(), envelopes(2))


def test_many_threads_lose_nothing() -> None:
    provider = FakeProvider()

    def lane(first: int) -> None:
        with closing(provider.open()) as transport:
            for number in range(first, first + 100):
                transport.send(a_rendition(), [an_envelope(number)], DATE)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lane, range(0, 800, 100)))
    assert len(set(provider.carried)) == 800
